#pragma once

// Several production schedulers, as independent of each other as shards are, against one simulated API and one or more
// simulated storages, on virtual time. For scenarios with numbers: how many requests a second arrive, how many files
// are done by when. Everything follows from the seed.

#include "core/schedule/scheduler.hpp"

#include <algorithm>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <queue>
#include <tuple>
#include <vector>

namespace hoist::core::sim {

using namespace std::chrono_literals;

constexpr instant start{std::chrono::hours{1}};

/// How a simulated host behaves. May be changed while time goes on.
struct manners {
  std::chrono::nanoseconds latency{1ms}; ///< of every answer, beside its queueing
  std::chrono::nanoseconds jitter{0ns};  ///< and up to so much more
  double capacity = 1e9;                 ///< requests a second that it can work off; the others queue
  double throttle_above = 1e9;           ///< requests a second that it accepts; the others are throttled
  double throttle_burst = 0.1;           ///< seconds' worth of requests that it accepts at once
  std::optional<millis> retry_after;     ///< what it says then
  double throttled = 0, transient = 0, lost = 0, refused = 0, stalled = 0; ///< shares by chance; a stall adds 200 ms
  bool away = false;
  bool hangs = false; ///< takes requests and says nothing, until a timeout of 30 s
};

/// What arrived, and what came of it; by second since the start.
struct account {
  std::vector<int> arrived, served;
  int throttled = 0, in_flight = 0, in_flight_most = 0;
  std::vector<instant> attempts_while_away;

  static int sum(const std::vector<int>& by_second, std::size_t from, std::size_t to) {
    int n = 0;
    for (std::size_t i = from; i < std::min(to, by_second.size()); ++i) n += by_second[i];
    return n;
  }
};

class host {
 public:
  explicit host(random& rng) : rng_(rng) {}

  manners how;
  account seen;

  struct answer {
    instant at;
    std::optional<outcome> failed;
  };

  answer ask(instant now) {
    count(seen.arrived, now);
    seen.in_flight_most = std::max(seen.in_flight_most, ++seen.in_flight);
    using enum outcome_kind;
    if (how.away) {
      seen.attempts_while_away.push_back(now);
      return {now + 1ms, outcome{unreachable, {}}};
    }
    if (how.hangs) return {now + 30s, outcome{lost, {}}};
    instant at = now + how.latency;
    if (how.jitter > 0ns) at += std::chrono::nanoseconds{rng_.up_to(how.jitter.count())};
    if (!accepts(now) || chance(how.throttled)) {
      ++seen.throttled;
      return {at, outcome{throttled, how.retry_after}};
    }
    free_at_ = std::max(free_at_, now) + as_nanos(1 / how.capacity);
    at += free_at_ - now;
    if (chance(how.stalled)) at += 200ms;
    if (chance(how.transient)) return {at, outcome{transient, {}}};
    if (chance(how.lost)) return {at, outcome{lost, {}}};
    if (chance(how.refused)) return {at, outcome{refused, {}}};
    return {at, std::nullopt};
  }

  /// The answer is due; what comes of it.
  std::optional<outcome> answered(instant now, std::optional<outcome> failed) {
    --seen.in_flight;
    if (how.away && !failed) failed = outcome{outcome_kind::lost, {}};
    if (!failed) count(seen.served, now);
    return failed;
  }

 private:
  static std::chrono::nanoseconds as_nanos(double seconds) {
    return std::chrono::nanoseconds{static_cast<std::int64_t>(seconds * 1e9)};
  }

  static void count(std::vector<int>& by_second, instant now) {
    const auto second = static_cast<std::size_t>((now - start) / 1s);
    if (by_second.size() <= second) by_second.resize(second + 1);
    ++by_second[second];
  }

  bool chance(double share) { return share > 0 && static_cast<double>(rng_.up_to(999'999)) < share * 1e6; }

  bool accepts(instant now) {
    const double burst = std::max(1.0, how.throttle_above * how.throttle_burst);
    tokens_ += std::chrono::duration<double>(now - refilled_).count() * how.throttle_above;
    tokens_ = std::min(tokens_, burst);
    refilled_ = now;
    if (tokens_ < 1) return false;
    tokens_ -= 1;
    return true;
  }

  random& rng_;
  double tokens_ = 1e18;
  instant refilled_ = start;
  instant free_at_ = start;
};

struct plan {
  int shards = 1;
  int storages = 1;                       ///< each ticket leads to one of them, by chance
  std::function<origin_id(int)> leads_to; ///< if given: every ticket of the n-th file leads there
  scheduler_limits limits;
  retry_policy policy; ///< of the whole; each shard gets its share
  int files = 1'000'000;
  int open_max = 4096; ///< files in all schedulers
  std::uint64_t bytes = 4096;
  millis ticket_life = 15min;
  std::uint64_t seed = 1;
};

class world {
 public:
  explicit world(plan p) : plan_(p), rng_(p.seed) {
    const retry_policy each = share_of(p.policy, p.shards);
    for (int i = 0; i < p.storages; ++i) storages.emplace_back(rng_);
    for (int i = 0; i < p.shards; ++i) shards_.push_back(std::make_unique<shard>(p.limits, each, rng_.next(), &facts_));
    for (int o = 0; o < p.storages; ++o) { // as the engine does it: one rate for all shards
      rates_.emplace_back(p.policy.rate);
      for (auto& s : shards_) s->tested.origin_is_shared(static_cast<origin_id>(o), rates_.back());
    }
  }

  host api{rng_};
  std::deque<host> storages;
  host& storage() { return storages.front(); }
  instant now = start;
  int done = 0, failed = 0;

  std::optional<errc> ended; ///< why the run ended, if it did before all files were settled

  bool finished() const { return ended || (taken_ == plan_.files && done + failed == taken_); }
  std::chrono::milliseconds elapsed() const { return std::chrono::duration_cast<millis>(now - start); }

  /// Goes on until `longest` has passed or every file is settled.
  void run_for(std::chrono::nanoseconds longest) {
    const instant end = now + longest;
    take_in();
    for (auto& s : shards_) drain(*s);
    while (!finished()) {
      const auto next = next_moment();
      if (!next || *next > end) break;
      now = std::max(now, *next);
      step();
    }
    if (!finished()) now = end;
  }
  void run() { run_for(std::chrono::hours{1000}); }

  int puts_window() const {
    return sum([](const scheduler& s) { return s.puts_window(); });
  }
  int presigns_window() const {
    return sum([](const scheduler& s) { return s.presigns_window(); });
  }
  int puts_in_flight() const {
    return sum([](const scheduler& s) { return s.puts_in_flight(); });
  }
  std::uint64_t retries() const {
    std::uint64_t n = 0;
    for (const auto& s : shards_) n += s->tested.tallies().retries;
    return n;
  }
  const scheduler& shard_at(std::size_t i) const { return shards_[i]->tested; }

 private:
  struct shard {
    shard(const scheduler_limits& limits, const retry_policy& policy, std::uint64_t seed, shared_facts* facts)
        : tested(limits, policy, seed, facts) {}
    scheduler tested;
    std::vector<file_id> free;
    std::vector<origin_id> leads_to; ///< the ticket of each file
    file_id ids = 0;
  };

  struct happening {
    instant at;
    std::uint64_t number;
    shard* where;
    bool put;
    file_id file;
    std::optional<outcome> failed;
    lifetime ticket;
    friend bool operator>(const happening& a, const happening& b) {
      return std::tie(a.at, a.number) > std::tie(b.at, b.number);
    }
  };

  template <class F>
  int sum(F figure) const {
    int n = 0;
    for (const auto& s : shards_) n += figure(s->tested);
    return n;
  }

  void take_in() {
    const auto has_room = [this] { // as run::wait_for_room
      const int open = taken_ - done - failed;
      return open < static_cast<int>(limits::files_inside_max) &&
             open - sum([](const scheduler& s) { return static_cast<int>(s.held_up()); }) < plan_.open_max;
    };
    while (taken_ < plan_.files && has_room()) {
      shard& least = **std::min_element(shards_.begin(), shards_.end(), [](const auto& a, const auto& b) {
        return a->tested.open_files() < b->tested.open_files();
      });
      file_id f = least.ids;
      if (least.free.empty()) {
        ++least.ids;
        least.leads_to.push_back(0);
      } else {
        f = least.free.back();
        least.free.pop_back();
      }
      if (plan_.leads_to) least.leads_to[f] = plan_.leads_to(taken_);
      least.tested.on(event::file_added{f}, now);
      ++taken_;
    }
  }

  std::optional<instant> next_moment() const {
    std::optional<instant> next;
    if (!happenings_.empty()) next = happenings_.top().at;
    for (const auto& s : shards_)
      if (const auto wakeup = s->tested.next_wakeup(); wakeup && (!next || *wakeup < *next)) next = wakeup;
    return next;
  }

  void step() {
    while (!happenings_.empty() && happenings_.top().at <= now) {
      const happening h = happenings_.top();
      happenings_.pop();
      deliver(h);
    }
    take_in();
    for (auto& s : shards_) drain(*s);
  }

  void deliver(const happening& h) {
    origin_id& leads_to = h.where->leads_to[h.file];
    const auto bad = (h.put ? storages[leads_to] : api).answered(now, h.failed);
    if (!h.put && !bad && storages.size() > 1 && !plan_.leads_to)
      leads_to = static_cast<origin_id>(rng_.up_to(static_cast<std::int64_t>(storages.size()) - 1));
    if (h.put && bad)
      h.where->tested.on(event::put_failed{h.file, *bad}, now);
    else if (h.put)
      h.where->tested.on(event::put_answered{h.file, plan_.bytes}, now);
    else if (bad)
      h.where->tested.on(event::presign_failed{h.file, *bad}, now);
    else
      h.where->tested.on(event::presign_answered{h.file, h.ticket, leads_to}, now);
  }

  void drain(shard& s) {
    while (const auto a = s.tested.next_action(now)) {
      if (const auto* presign = std::get_if<action::start_presign>(&*a)) begin(s, api, false, presign->file);
      if (const auto* put = std::get_if<action::start_put>(&*a))
        begin(s, storages[s.leads_to[put->file]], true, put->file);
      if (const auto* end = std::get_if<action::end_run>(&*a)) ended = end->cause;
      if (const auto* settle = std::get_if<action::settle>(&*a)) {
        ++(settle->how == action::settlement::done ? done : failed);
        s.free.push_back(settle->file);
      }
    }
  }

  void begin(shard& s, host& whom, bool put, file_id f) {
    const auto answer = whom.ask(now);
    const auto life = plan_.ticket_life;
    const lifetime ticket{now + life, now + life - std::min<millis>(30s, life / 10), now, {}};
    happenings_.push({answer.at, ++happened_, &s, put, f, answer.failed, ticket});
  }

  plan plan_;
  random rng_;
  shared_facts facts_;
  std::deque<shared_rate> rates_; ///< of each storage
  std::vector<std::unique_ptr<shard>> shards_;
  std::priority_queue<happening, std::vector<happening>, std::greater<>> happenings_;
  std::uint64_t happened_ = 0;
  int taken_ = 0;
};

} // namespace hoist::core::sim
