#pragma once

// The life of every file between "taken in" and "settled", as a state machine without I/O: events in, actions out, time
// as an argument. It decides who goes next, and when it must be asked again; what follows from an outcome is
// file_life's, what a host is sent is host's, how many tickets there should be is ticket_supply's.
//
//   waiting -> presigning -> ready -> putting -> settled
//      ^__________|___________|__________|        (a retry waits in `parked` first, and in `unfunded` for a token of
//                                                  the retry budget; a lapsed ticket in neither)
//
// `waiting` has a queue for each operation, and they take turns; `ready` and `unfunded` have one for each origin.
//
// Invariants: a file is in exactly one stage; no PUT is begun while puts_in_flight() >= puts_window(), which is at most
// puts_max, and no presign likewise; no PUT is begun on a ticket at or after its use_before; every file added is
// settled exactly once. And it never stands still: once next_action() has nothing, something is in flight, or
// next_wakeup() is set and near (stalled()).
//
// It is not thread-safe; each shard has one of its own.

#include "core/base/lifetime.hpp"
#include "core/base/outcome.hpp"
#include "core/base/random.hpp"
#include "core/base/ring.hpp"
#include "core/base/time.hpp"
#include "core/pace/backoff.hpp"
#include "core/pace/patience.hpp"
#include "core/schedule/file_life.hpp"
#include "core/schedule/file_queue.hpp"
#include "core/schedule/host.hpp"
#include "core/schedule/operation_queues.hpp"
#include "core/schedule/presign_queues.hpp"
#include "core/schedule/shared_facts.hpp"
#include "core/schedule/ticket_supply.hpp"

#include <hoist/error.hpp>

#include <algorithm>
#include <cstdint>
#include <iosfwd>
#include <memory>
#include <optional>
#include <queue>
#include <variant>
#include <vector>

namespace hoist::core {

/// A storage origin: a small number, given by the driver, below limits::origins_max.
using origin_id = std::uint16_t;

enum class stop_kind : std::uint8_t { drain, now };

namespace event {
struct file_added {
  file_id file;
  operation_id operation = 0;
};
struct presign_answered {
  file_id file;
  lifetime ticket;
  origin_id origin = 0; ///< where its PUT goes
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
} // namespace event

using scheduler_event = std::variant<event::file_added, event::presign_answered, event::presign_failed,
                                     event::put_answered, event::put_failed, event::file_cancelled>;

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
/// Nothing of what is inside goes on; the same should end in every other shard. What is added later begins anew.
struct end_run {
  errc cause;
  file_id file; ///< whose attempt showed it; it has not been settled yet
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
  bool counts_connections = false; ///< the driver calls connection_opened and connection_closed
};

struct retry_policy {
  backoff_range transient{millis{100}, millis{20'000}};
  backoff_range throttled{millis{1'000}, millis{20'000}};
  millis give_up_after{15 * 60 * 1000};
  int attempts_max = 0;         ///< charged tries per file; 0: bounded by time alone
  budget_policy budget{};       ///< of each host
  rate_policy rate{};           ///< of each host, once it throttles
  millis probe_interval{1'000}; ///< to a host that is away
  connect_policy connects{};    ///< to each host
  int shards = 1;               ///< schedulers that keep to this together, this one included
};

/// For one of `shards` schedulers that know nothing of each other, so that all of them together keep to `whole`.
retry_policy share_of(retry_policy whole, int shards) noexcept;

/// What a file waits for, and what keeps the scheduler from beginning more.
enum class bottleneck : std::uint8_t {
  nothing, ///< no file waits
  presign_window,
  presign_rate,
  presign_connections, ///< the API takes no more
  api_away,
  put_window,
  put_rate,
  put_connections,
  storage_away,
  retry_budget,
  pauses,     ///< every file that waits has failed, and waits for its time
  api_silent, ///< it has been asked, and says nothing
  storage_silent,
  shortage, ///< of our own descriptors, ports or memory
};

std::string_view name_of(bottleneck what) noexcept;

/// What is waited for, where, and since when.
struct wait {
  bottleneck what = bottleneck::nothing;
  std::optional<origin_id> origin; ///< of the storage; nothing: the API, or ourselves
  instant since{};
  std::optional<instant> next; ///< when something is tried again; nothing: an event decides

  friend bool operator==(const wait&, const wait&) = default;
};

struct scheduler_tallies {
  std::uint64_t presigns = 0, puts = 0; ///< begun, less those that never left (no connection, no descriptor)
  std::uint64_t retries = 0;            ///< charged failures that are tried again
  std::uint64_t refreshes = 0;          ///< lapsed tickets replaced, uncharged
};

class scheduler {
 public:
  /// `shared`: what all schedulers of the same uploader have in common.
  scheduler(scheduler_limits limits, retry_policy policy, std::uint64_t seed, shared_facts* shared = nullptr);
  scheduler(const scheduler&) = delete;
  scheduler& operator=(const scheduler&) = delete;

  void on(const scheduler_event& e, instant now);
  /// What to do next; ask until it has nothing.
  std::optional<scheduler_action> next_action(instant now);
  /// Presigns are cheaper by the group (a pipeline's depth, say): begin so many one right after the other where tickets
  /// suffice for so long, and make tickets that much further ahead. 1 to begin with.
  void group_presigns(int n) noexcept;
  /// When to ask again although no event came.
  std::optional<instant> next_wakeup() const;
  /// No file is inside.
  bool done() const noexcept { return open_files_ == 0 && decided_.empty(); }

  // ---- connections; nothing: to the API

  void connection_opened(std::optional<origin_id> to, instant now);
  void connection_closed(std::optional<origin_id> to);
  int connections_to(std::optional<origin_id> storage) const noexcept {
    if (!storage) return api_.connections();
    return *storage < storages_.size() && storages_[*storage] ? storages_[*storage]->connections() : 0;
  }
  /// Another scheduler of the same uploader has reached this origin, or stored something there.
  void origin_known(origin_id o, bool served, instant now);
  /// A new origin, whose rate this scheduler keeps together with others. Precondition: origin_idle(o).
  void origin_is_shared(origin_id o, shared_rate& together);
  /// Whether nothing refers to this origin any more, so that its number may be given to another.
  bool origin_idle(origin_id o) const noexcept;
  /// Its number is another one's from now on. Precondition: origin_idle(o).
  void forget_origin(origin_id o);

  // ---- liveness

  /// Files are inside, nothing is in flight, and no wake-up is near: a fault. After next_action() had nothing.
  bool stalled(instant now) const;
  /// Begins one attempt whatever stands in the way, so that a fault of ours costs time and not the run.
  void heal() noexcept { forced_ = true; }
  /// What a file inside waits for; nothing while it is in flight. After next_action() had nothing.
  std::optional<wait> wait_of(file_id f, instant now) const;
  /// What is worth telling a person: a host that is away, or what all wait for while nothing is in flight.
  std::optional<wait> foremost_wait(instant now) const;

  /// Since when our own descriptors, ports or memory have been too few.
  std::optional<instant> short_since() const noexcept { return short_since_; }
  /// Since when a storage origin, or the API, has not answered; nothing while it does.
  std::optional<instant> down_since(std::optional<origin_id> storage) const noexcept;

  int puts_in_flight() const noexcept { return puts_in_flight_; }
  int presigns_in_flight() const noexcept { return api_.in_flight(); }
  int puts_window() const noexcept;
  int presigns_window() const noexcept { return api_.limit.size(); }
  std::size_t tickets_ready() const noexcept;
  std::uint32_t open_files() const noexcept { return open_files_; }
  /// Files that wait at an origin that is away or slow, beyond those it can take soon. Callers need not count them
  /// against their window.
  std::size_t held_up() const noexcept { return std::min<std::size_t>(held_up_, open_files_); }
  const scheduler_tallies& tallies() const noexcept { return tallies_; }
  /// What stands in the way; after next_action() had nothing.
  core::bottleneck bottleneck() const noexcept;
  /// Of what waits for a pause or a token: whether most of it failed at the API.
  bool held_at_api() const noexcept;
  host_figures api_figures() const noexcept { return api_.limit.figures(); }
  host_figures storage_figures() const noexcept;

  /// Presign requests and PUTs of a file so far; valid until its settlement has been drained.
  int presigns_of(file_id f) const { return files_[f].presigns; }
  int puts_of(file_id f) const { return files_[f].puts; }
  /// Where its latest ticket leads.
  std::optional<origin_id> origin_of(file_id f) const {
    return files_[f].origin == no_origin ? std::nullopt : std::optional(files_[f].origin);
  }

 private:
  static constexpr origin_id no_origin = UINT16_MAX;

  enum class stage : std::uint8_t { absent, waiting, presigning, ready, putting, parked, unfunded };

  struct file_state {
    stage at = stage::absent;
    bool draining = false; ///< its batch was stopped: what is in flight may finish, nothing is begun again
    bool has_ticket = false;
    bool owes_token = false;   ///< its next attempt is a charged retry
    bool failed_at_api = true; ///< where it failed last; else at its origin
    bool counted_refusal = false;
    bool renewing = false;                            ///< of those that wait for a ticket
    host_gate::role role = host_gate::role::ordinary; ///< of the attempt in flight
    origin_id origin = no_origin;
    operation_id operation = 0;
    std::uint32_t presigns = 0, puts = 0;
    std::uint32_t charged = 0;        ///< failures that count against attempts_max
    std::uint32_t refusal_streak = 0; ///< the streak in which it was last counted
    std::uint32_t parking = 0;        ///< tells its entry in parked_ from earlier ones
    errc end_cause = errc::cancelled; ///< if it is abandoned
    instant begun{};                  ///< the attempt in flight
    instant since{};                  ///< in this stage
    instant owed_until{};             ///< it is not given up before that; see owe_attempt
    instant absent_since{};           ///< its first 502, 503 or 504 in a row
    std::uint32_t absents = 0;
    instant renew_at{};          ///< when it may ask for a ticket that leads elsewhere
    instant::duration renewal{}; ///< what it waited for that the last time
    origin_id left = no_origin;  ///< it asks for a ticket that leads elsewhere than there
    int led_back = 0;            ///< how often it got one for the same place, in a row
    file_life life;
    patience failing;
    const host* judged_at = nullptr; ///< by whose clocks its patience runs; null: the API's
    bool judged_by_api_too = false;  ///< it waits for the API after a failure at that host
    lifetime ticket;
  };

  struct parked_file {
    instant until;
    file_id file;
    std::uint32_t parking;
    friend bool operator>(const parked_file& a, const parked_file& b) { return a.until > b.until; }
  };
  using parked_queue = std::priority_queue<parked_file, std::vector<parked_file>, std::greater<>>;

  void handle(const event::file_added& e, instant now);
  void handle(const event::presign_answered& e, instant now);
  void handle(const event::presign_failed& told, instant now);
  void handle(const event::put_answered& e, instant now);
  void handle(const event::put_failed& told, instant now);
  void handle(const event::file_cancelled& e, instant now);

  // what follows from an outcome
  outcome excused(outcome why, const host& where) const noexcept;
  bool others_in_use(const host& than) const noexcept;
  void decide(file_id f, const outcome& why, host& where, instant now);
  bool ends_the_run(file_id f, const outcome& why, const host& where, instant now);
  void carry_out(file_id f, step s, host& where, const outcome& why, instant now);
  void count_left(file_state& file, bool putting, outcome_kind why) noexcept;
  bool ticket_lapsed(const file_state& file, const outcome& why, instant now) const noexcept;
  bool is_the_only_one_refused(file_state& file, const outcome& why, const host& where, instant now) const noexcept;
  void refresh(file_id f, instant now);
  void renew_dead(file_id f, instant now);
  void retry_later(file_id f, host& where, const outcome& why, instant now);
  void retry_after_shortage(file_id f, instant now);
  void park(file_id f, instant until, instant now);

  // queues
  host& waits_for(const file_state& file) noexcept;
  void enter(file_id f, stage at, instant now) noexcept;
  enum class turn : std::uint8_t { next, last };
  void requeue(file_id f, instant now, turn when = turn::next);
  void leave_queue(file_id f) noexcept;
  void settle(file_id f, action::settlement how, errc cause = {});
  void end_run(errc cause, file_id shown_by, instant now);
  void unpark(instant now);
  void drop_stale_parkings() noexcept;
  void fund(host& where, bool others_wait, instant now);
  void review(instant now);
  void review(host& where, instant now);
  void count_held_up(instant now) noexcept;
  bool is_reviewed(const host& h, instant now) const noexcept;
  instant next_review(const host& h) const noexcept;
  std::optional<std::size_t> may_stay(const host& where, instant now) const noexcept;
  bool is_shunned(const host& where, instant now) const noexcept;
  double pace_of(const host& h) const noexcept;
  void renew(file_id f, instant now);
  void review_api(instant now);
  void review_shortage(instant now);
  std::optional<instant> all_storages_sick_since() const noexcept;

  // patience
  host& failed_at(const file_state& file) noexcept { return file.failed_at_api ? api_ : storage(file.origin); }
  patience::readings readings_for(const file_state& file, instant now) const noexcept;
  void judge_at(file_state& file, const host& h, instant now) noexcept;
  bool out_of_patience(const file_state& file, instant now) const noexcept;
  bool give_up(file_id f, instant now);
  void owe_attempt(file_state& file, instant::duration asked, instant now) noexcept;
  void sync_clocks(instant now) noexcept;

  // who goes next
  host& storage(origin_id o);
  void begin_attempt(file_id f, stage as, host& where, instant now);
  std::optional<scheduler_action> start_put(file_id f, host& where, instant now);
  std::optional<scheduler_action> start_presign(file_id f, instant now);
  std::optional<scheduler_action> next_put(instant now);
  std::optional<scheduler_action> next_put_to(host& where, instant now);
  std::optional<scheduler_action> next_presign(instant now);
  std::optional<scheduler_action> next_forced(instant now);
  bool has_slot(const host& where) const noexcept;
  bool is_slow(const host& where) const noexcept;
  int soon_used(const host& where) const noexcept;
  int ahead_of(const host& where) const noexcept;
  bool several_in_use() const noexcept;
  bool in_shortage(instant now) const noexcept { return now < shortage_until_; }
  int tickets_coming() const noexcept;
  supply_figures supply() const noexcept;
  bool tickets_are_wanted(instant now) const noexcept;
  bool another_ticket_may_help() const noexcept;
  instant explores_again() const noexcept;
  bool others_are_served() const noexcept { return now_ - others_served_ < limits::review_interval; }
  bool all_storages_away() const noexcept;
  void windows_held(instant now) noexcept;

  template <class F>
  void for_each_storage(F what) const {
    for (std::size_t i = 0; i < storages_.size(); ++i)
      if (storages_[i]) what(static_cast<origin_id>(i), *storages_[i]);
  }

  scheduler_limits limits_;
  retry_policy policy_;
  random rng_;
  linked_queue::links links_; ///< of the queue that a file is in
  shared_facts own_;
  shared_facts& shared_;
  host_policy put_policy_;
  host api_;
  std::vector<std::unique_ptr<host>> storages_; ///< by origin
  std::size_t next_storage_ = 0;                ///< whose turn it is

  std::vector<file_state> files_;
  presign_queues waiting_{links_};
  parked_queue parked_;
  std::size_t parked_count_ = 0, parked_at_api_ = 0;
  ring<scheduler_action> decided_;

  int puts_in_flight_ = 0;
  int presign_group_ = 1;
  bool grouping_ = false; ///< a group has been begun, and there is need for more of it
  std::uint32_t open_files_ = 0;
  std::size_t held_up_ = 0, tickets_held_up_ = 0; ///< as of the latest review
  instant::duration ticket_life_{};               ///< of the latest ticket of use: from asking for it until use_before
  instant::duration give_up_after_;
  instant now_{};           ///< when it was last told or asked something
  instant reviewed_{};      ///< when those that wait were last looked at
  instant explored_{};      ///< when a ticket was last made to find another origin
  instant others_served_{}; ///< when another scheduler was last seen to have stored something
  std::uint64_t stored_ = 0, stored_told_ = 0, stored_by_others_ = 0;
  std::optional<instant> short_since_;
  instant shortage_until_{};
  instant::duration shortage_pause_{};
  bool forced_ = false;
  scheduler_tallies tallies_;
};

} // namespace hoist::core
