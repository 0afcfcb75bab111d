#pragma once

// The life of every file between "taken in" and "settled", as a state machine without I/O: events in, actions out, time
// as an argument. It decides who goes next, what follows from an outcome, and when it must be asked again.
//
//   waiting -> presigning -> ready -> putting -> settled
//      ^__________|___________|__________|        (a retry waits in `parked` first, and in `unfunded` for a token of
//                                                  the retry budget; a lapsed ticket in neither)
//
// Invariants: a file is in exactly one stage; no PUT is begun while puts_in_flight() >= puts_window(), which is at most
// puts_max, and no presign likewise; no PUT is begun on a ticket at or after its use_before; every file added is settled
// exactly once; after end_run nothing is begun.
//
// It is not thread-safe; each shard has one of its own.

#include "core/backoff.hpp"
#include "core/host_gate.hpp"
#include "core/lifetime.hpp"
#include "core/limiter.hpp"
#include "core/outcome.hpp"
#include "core/patience.hpp"
#include "core/random.hpp"
#include "core/refusal_streak.hpp"
#include "core/retry_budget.hpp"
#include "core/ring.hpp"
#include "core/time.hpp"

#include <hoist/error.hpp>

#include <algorithm>
#include <cstdint>
#include <iosfwd>
#include <optional>
#include <queue>
#include <variant>
#include <vector>

namespace hoist::core {

/// A small number, dense and reused after settlement: the index of the file in its shard's tables.
using file_id = std::uint32_t;

enum class stop_kind : std::uint8_t { drain, now };

namespace event {
struct file_added {
  file_id file;
};
struct presign_answered {
  file_id file;
  lifetime ticket;
};
struct presign_failed {
  file_id file;
  outcome why;
};
struct put_answered {
  file_id file;
  std::uint64_t bytes = 0; ///< of its body
};
struct put_failed {
  file_id file;
  outcome why;
};
struct file_cancelled {
  file_id file;
  stop_kind how;
};
/// The run is over for a reason found elsewhere (another shard, the ledger).
struct run_ended {
  errc cause;
};
} // namespace event

using scheduler_event = std::variant<event::file_added, event::presign_answered, event::presign_failed,
                                     event::put_answered, event::put_failed, event::file_cancelled, event::run_ended>;

namespace action {
struct start_presign {
  file_id file;
  friend bool operator==(const start_presign&, const start_presign&) = default;
};
struct start_put {
  file_id file;
  friend bool operator==(const start_put&, const start_put&) = default;
};
/// Give up the attempt in flight; its outcome is still reported, as `cancelled` or as what it became meanwhile.
struct abort_attempt {
  file_id file;
  friend bool operator==(const abort_attempt&, const abort_attempt&) = default;
};
enum class settlement : std::uint8_t { done, failed, abandoned };
/// The file leaves the scheduler; its id may be used again. `cause` is meaningful unless done.
struct settle {
  file_id file;
  settlement how;
  errc cause;
  friend bool operator==(const settle&, const settle&) = default;
};
/// Nothing more will be begun, here or, please, in any other shard.
struct end_run {
  errc cause;
  friend bool operator==(const end_run&, const end_run&) = default;
};
} // namespace action

using scheduler_action =
    std::variant<action::start_presign, action::start_put, action::abort_attempt, action::settle, action::end_run>;

std::ostream& operator<<(std::ostream& out, const scheduler_action& a);

enum class sizing : std::uint8_t {
  fixed,    ///< as many as allowed
  adaptive, ///< as many as the host has use for
};

struct scheduler_limits {
  int puts_max = 32;         ///< PUTs in flight
  int presigns_max = 8;      ///< presign requests in flight
  int tickets_ahead_max = 8; ///< tickets made before their PUT has a slot; adaptive PUTs have a quarter of theirs + 2
  sizing puts = sizing::fixed;
  sizing presigns = sizing::fixed;
  int puts_min = 1; ///< an adaptive window is never smaller
  int presigns_min = 1;
};

struct retry_policy {
  backoff_range transient{millis{100}, millis{20'000}};
  backoff_range throttled{millis{1'000}, millis{20'000}};
  millis give_up_after{15 * 60 * 1000};
  int attempts_max = 0; ///< charged tries per file; 0: bounded by time alone
  budget_policy budget{};       ///< of each host
  rate_policy rate{};           ///< of each host, once it throttles
  millis probe_interval{1'000}; ///< to a host that is away
};

/// For one of `shards` schedulers that know nothing of each other, so that all of them together keep to `whole`.
retry_policy share_of(retry_policy whole, int shards) noexcept;

/// What keeps the scheduler from beginning more, when it has files.
enum class held_by : std::uint8_t {
  nothing,        ///< no file waits
  presign_window,
  presign_rate,
  api_away,
  put_window,
  put_rate,
  storage_away,
  retry_budget,
  pauses,         ///< every file that waits has failed, and waits for its time
};

struct scheduler_tallies {
  std::uint64_t presigns = 0, puts = 0; ///< begun
  std::uint64_t retries = 0;            ///< charged failures that are tried again
  std::uint64_t refreshes = 0;          ///< lapsed tickets replaced, uncharged
};

class scheduler {
 public:
  /// `shared`: what other schedulers of the same uploader are refused counts together with this one's.
  scheduler(scheduler_limits limits, retry_policy policy, std::uint64_t seed, refusal_streak* shared = nullptr);
  scheduler(const scheduler&) = delete;
  scheduler& operator=(const scheduler&) = delete;

  void on(const scheduler_event& e, instant now);
  /// What to do next; ask until it has nothing.
  std::optional<scheduler_action> next_action(instant now);
  /// Presigns are cheaper by the group (a pipeline's depth, say): begin so many one right after the other where tickets
  /// suffice for so long, and make tickets that much further ahead. 1 to begin with.
  void group_presigns(int n) noexcept { presign_group_ = n; }
  /// When to ask again although no event came.
  std::optional<instant> next_wakeup() const;
  /// No file is inside.
  bool done() const noexcept { return open_files_ == 0 && decided_.empty(); }

  int puts_in_flight() const noexcept { return puts_in_flight_; }
  int presigns_in_flight() const noexcept { return presigns_in_flight_; }
  int puts_window() const noexcept { return storage_.limit.size(); }
  int presigns_window() const noexcept { return api_.limit.size(); }
  std::size_t tickets_ready() const noexcept { return ready_.size(); }
  std::uint32_t open_files() const noexcept { return open_files_; }
  const scheduler_tallies& tallies() const noexcept { return tallies_; }
  /// What stands in the way; after next_action() had nothing.
  core::held_by held_by() const noexcept;
  host_figures api_figures() const noexcept { return api_.limit.figures(); }
  host_figures storage_figures() const noexcept { return storage_.limit.figures(); }

  /// Presign requests and PUTs of a file so far; valid until its settlement has been drained.
  int presigns_of(file_id f) const { return files_[f].presigns; }
  int puts_of(file_id f) const { return files_[f].puts; }

 private:
  enum class stage : std::uint8_t { absent, waiting, presigning, ready, putting, parked, unfunded };

  struct host {
    host(window_range range, const retry_policy& policy);

    host_gate gate;
    limiter limit;
    retry_budget budget;
    ring<file_id> unfunded;   ///< retries whose pause is over and whose token is not there
    std::uint32_t served = 0; ///< successes
    int handshakes_lost = 0;  ///< in a row, with no answer in between
    bool paced = false;       ///< the rate, and nothing else, held back the last that wanted to start
  };

  struct file_state {
    stage at = stage::absent;
    bool draining = false; ///< its batch was stopped: what is in flight may finish, nothing is begun again
    bool free_retry_used = false;
    bool has_ticket = false;
    host_gate::role role = host_gate::role::ordinary; ///< of the attempt in flight
    std::uint16_t presigns = 0, puts = 0;
    std::uint16_t charged = 0;  ///< failures that count against attempts_max
    std::uint16_t refusals = 0; ///< 403 on a ticket that was fresh
    std::uint16_t lapses = 0;   ///< tickets that lapsed unused, in a row
    std::uint16_t late_refusals = 0; ///< 403 on a ticket that had lapsed by then
    std::uint16_t mismatches = 0, changes = 0;
    std::uint32_t refusal_streak = 0; ///< the streak in which it was last counted
    instant begun{};           ///< the attempt in flight
    host* failed_at = nullptr; ///< where it failed last, until the next attempt begins
    bool owes_token = false;   ///< that attempt is a charged retry
    patience failing;
    lifetime ticket;
  };

  struct parked_file {
    instant until;
    file_id file;
    friend bool operator>(const parked_file& a, const parked_file& b) { return a.until > b.until; }
  };
  using parked_queue = std::priority_queue<parked_file, std::vector<parked_file>, std::greater<>>;

  void handle(const event::file_added& e, instant now);
  void handle(const event::presign_answered& e, instant now);
  void handle(const event::presign_failed& e, instant now);
  void handle(const event::put_answered& e, instant now);
  void handle(const event::put_failed& e, instant now);
  void handle(const event::file_cancelled& e, instant now);
  void handle(const event::run_ended& e, instant now);

  /// The one table: what follows from a failed attempt of `f` at `where`.
  void decide(file_id f, outcome why, host& where, instant now);
  static bool shows_absence(outcome_kind why, const host& where) noexcept;
  void tell_host(file_state& file, outcome_kind why, host& where, int in_flight, instant now);
  void heard_from(host& where, instant now);
  void on_refused(file_id f, instant now);
  void refresh(file_id f, instant now);
  void retry_later(file_id f, host& where, outcome why, instant now);
  void begin_attempt(file_state& file, stage as, host_gate::role role, host& where, instant now);
  void park(file_id f, instant until);
  void requeue(file_id f);
  void queue_again(file_id f);
  void settle(file_id f, action::settlement how, errc cause = {});
  void abandon_queued(file_id f, instant now);
  void end_run(errc cause);
  bool take_from_queue(file_id f);

  patience::moment patience_clock(instant now) const noexcept {
    return now.time_since_epoch() - api_.gate.downtime(now) - storage_.gate.downtime(now);
  }
  bool out_of_patience(const file_state& file, instant now) const noexcept;
  bool give_up(file_id f, instant now);

  bool is_probe(file_id f) const noexcept { return probe_ == f; }
  bool probe_waits() const noexcept { return probe_ && files_[*probe_].at == stage::waiting; }
  void release_probe(file_id f, instant now);
  void lead_with_probe();
  int tickets_coming() const noexcept { return presigns_in_flight_ + static_cast<int>(ready_.size()); }
  int tickets_for_window() const noexcept;
  int tickets_for_rate() const noexcept;
  int tickets_max() const noexcept { return std::min(tickets_for_window(), tickets_for_rate()); }
  bool tickets_wanted() const noexcept;

  void unpark(instant now);
  void fund(host& where, const ring<file_id>& queue, instant now);
  bool may_start(host& where, instant now);
  std::optional<scheduler_action> next_put(instant now);
  std::optional<scheduler_action> next_presign(instant now);

  scheduler_limits limits_;
  retry_policy policy_;
  random rng_;
  host api_;
  host storage_;

  std::vector<file_state> files_;
  ring<file_id> waiting_; ///< for a presign
  ring<file_id> ready_;   ///< with a ticket, for a PUT slot
  parked_queue parked_;
  ring<scheduler_action> decided_;

  int puts_in_flight_ = 0;
  int presigns_in_flight_ = 0;
  int presign_group_ = 1;
  bool grouping_ = false; ///< a group has been begun, and there is need for more of it
  std::uint32_t open_files_ = 0;
  refusal_streak own_streak_;
  refusal_streak& streak_;
  std::optional<file_id> probe_; ///< the file that will probe the storage and gets a new ticket for it first
  bool presigned_once_ = false;
  instant::duration ticket_life_{}; ///< of the latest ticket: from asking for it until use_before
  bool ended_ = false;
  errc end_cause_ = errc::cancelled; ///< of what was abandoned since
  scheduler_tallies tallies_;
};

} // namespace hoist::core
