#pragma once

// All that is known of one origin: whether it answers, how much of one kind of request it may be sent, and who waits
// for it. One for the API's presigns, one for each storage origin's PUTs, in each shard. The scheduler conducts it.

#include "core/base/outcome.hpp"
#include "core/base/stopwatch.hpp"
#include "core/pace/connection_pace.hpp"
#include "core/pace/host_gate.hpp"
#include "core/pace/limiter.hpp"
#include "core/pace/patience.hpp"
#include "core/pace/retry_budget.hpp"
#include "core/schedule/operation_queues.hpp"
#include "core/schedule/shared_facts.hpp"

namespace hoist::core {

/// What paces one host.
struct host_policy {
  window_range window;
  budget_policy budget;
  rate_policy rate;
  connect_policy connects;
  millis probe_interval{1'000};
  shared_rate* together = nullptr; ///< the rate that several schedulers keep together; null: this one has its own
  int shards = 1;                  ///< how many they are
  bool counts_connections = false; ///< the driver tells of connections that begin and end
};

class host {
 public:
  using role = host_gate::role;

  /// `links`: of all files; it outlives the host.
  host(const host_policy& policy, linked_queue::links& links);

  // ---- what happened

  void begun(instant now) noexcept;
  /// An attempt ended well.
  void served_one(instant begun, instant now, std::uint64_t bytes) noexcept;
  /// It ended otherwise. `gates`: how many gates may be those of the same machine.
  void failed_one(const outcome& why, instant begun, role as, instant now, int gates) noexcept;
  void connection_opened(instant now) noexcept;
  void connection_closed() noexcept {
    connections_ = std::max(0, connections_ - 1);
    proven_connections_ = std::min(proven_connections_, connections_);
  }
  /// Another shard has reached it, or been served by it.
  void known_elsewhere(bool served, instant now) noexcept;
  /// After the end of a run: as if it had never failed.
  void forget_absence(instant now) noexcept;

  // ---- what it allows

  /// Whether another attempt may begin now; remembers what stood in the way.
  bool may_start(instant now) noexcept;
  /// The window and the connections, which only the end of an attempt changes.
  bool has_room() const noexcept { return in_flight_ < limit.size(); }
  /// When to ask again, if anything waits: nothing where only an event can help.
  std::optional<instant> resumes(instant now) const noexcept;

  // ---- what it is

  int in_flight() const noexcept { return in_flight_; }
  int connections() const noexcept { return connections_; }
  bool reached() const noexcept { return reached_; }
  /// One handshake that went wrong where another one did not, or may not, is an accident, whatever it looks like;
  /// several are not. Precondition: the attempt is still counted in flight.
  bool excuses_handshake() const noexcept {
    return (reached_ || connecting() > 1) && handshakes_lost_ < limits::handshakes_lost_max;
  }
  /// Something has been asked of it.
  bool was_asked() const noexcept { return in_flight_ > 0 || last_answer_ || unserved_since_; }
  std::uint32_t served() const noexcept { return served_; }
  bool is_alive(instant begun, instant now) const noexcept;
  std::optional<instant> last_served() const noexcept { return last_served_; }
  /// It fails whatever it is asked, and has done so for a while.
  bool serves_nobody(instant now) const noexcept;
  /// How long there has been no answer while there were requests.
  instant::duration silence(instant now) const noexcept {
    return in_flight_ > 0 && asked_since_ ? now - *asked_since_ : instant::duration{};
  }
  /// How long a request takes, or has taken by now without an answer.
  instant::duration slowness(instant now) const noexcept { return std::max(limit.took(), silence(now)); }
  /// Somebody has asked something of it lately, or waits to.
  bool in_use(instant now) const noexcept;
  /// It is away, or says nothing although it was asked; since when.
  std::optional<instant> silent_since(instant now) const noexcept;
  bool held_by_rate() const noexcept { return held_by_rate_; }
  bool held_by_connections() const noexcept { return held_by_connections_; }

  host_gate gate;
  limiter limit;
  retry_budget budget;
  connection_pace connects;
  operation_queues ready;          ///< with a ticket of this origin, for a PUT slot
  operation_queues unfunded;       ///< retries whose pause is over and whose token is not there
  stopwatch away, sick;            ///< closed, by its fault or by nobody's; see patience
  stopwatch away_or_api;           ///< it or the API was away
  std::optional<instant> reviewed; ///< when those that wait for it were last looked at
  int depth = 1;                   ///< requests that one connection carries
  std::size_t files = 0;           ///< inside, whose latest ticket leads here
  int led_back_in_a_row = 0;       ///< new tickets asked for to get away from here that led here again

 private:
  void answered(instant now) noexcept;
  void absent_answer(const outcome& why, role as, instant now, int gates) noexcept;
  void close_gate(instant now, role as, int gates, std::optional<millis> retry_after) noexcept;
  void note_closed(bool excusable, instant now) noexcept;
  void note_unserved(instant begun, instant now) noexcept;
  /// Connections under way, as far as that is known: each request that no connection can carry has begun one.
  int connecting() const noexcept { return (std::max(0, in_flight_ - connections_ * depth) + depth - 1) / depth; }

  host_policy policy_;
  int in_flight_ = 0, connections_ = 0;
  int proven_connections_ = 0; ///< of them, as many as there were when one answered
  std::uint32_t served_ = 0;
  bool reached_ = false, served_anywhere_ = false;
  int handshakes_lost_ = 0; ///< in a row, with no answer in between
  int absent_answers_ = 0;  ///< likewise
  instant absent_since_{};
  rate before_absence_; ///< so that an outage is not taken for throttling
  std::optional<instant> last_answer_, last_served_, asked_since_;
  std::optional<instant> unserved_since_; ///< the first failure since the last success
  instant failing_since_{};               ///< when that attempt was begun
  instant last_failed_{};
  bool held_by_rate_ = false, held_by_connections_ = false;
};

} // namespace hoist::core
