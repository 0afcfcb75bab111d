// The scheduler in weather that is worse than the world's: several shards, storage origins that are dead, die, hang,
// break or refuse connections, balancers that answer 502 and 503, throttling with any Retry-After, tickets that live
// from minus an hour to a year and change from reply to reply, shortages of our own, operations that come and go and
// are cancelled in every stage, windows up to 4096. Some time later the world is kind again. The rules:
//
// * It never stands still: something is in flight, or a wake-up is near.
// * Once the world is kind everything is settled in bounded time; what waits for a place that never was, by
// give_up_after.
// * No file fails right after a wait that was asked for: it is tried once more.
// * What is away is asked about once a second; a place that takes no more connections refuses few.
// * An operation is served in its turn, however many files another one has.
// * Counters count what left; nothing is begun beyond the windows; each file is settled once.
//
// A failure names the seed; HOIST_UNKIND_SEED=n replays one, HOIST_UNKIND_SEEDS=n runs so many.

#include "core/base/limits.hpp"
#include "core/schedule/scheduler.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace hoist::core::sim {
namespace {

using namespace std::chrono_literals;
using action::settlement;

constexpr instant dawn{std::chrono::hours{1}};
constexpr millis hang_time = 30s; ///< until a timeout of ours ends it
constexpr millis idle_time = 4s;  ///< until an unused connection is closed

struct span {
  instant from, to;
};

bool within(const std::vector<span>& spans, instant t) {
  return std::any_of(spans.begin(), spans.end(), [&](const span& s) { return s.from <= t && t < s.to; });
}

/// How a host behaves until the world is kind.
struct place {
  bool never = false;          ///< nobody was ever there
  std::optional<instant> dies; ///< or nobody is there any more from then on
  std::vector<span> away, balancer, hangs, breaks;
  outcome_kind away_as = outcome_kind::unreachable, balancer_as = outcome_kind::gateway;
  double accepts = 0; ///< requests a second; 0: any
  std::optional<millis> retry_after;
  int transient = 0, lost = 0, garbled = 0, stale = 0; ///< percent
  int connections_max = 0;                             ///< 0: any
  millis latency_max{20};

  // what it has seen
  double tokens = 1;
  instant refilled = dawn;
  int connections = 0;
  std::map<std::int64_t, int> refused, asked_while_away; ///< by second
  bool gone(instant t) const { return never || (dies && t >= *dies) || within(away, t); }
};

struct unkind_weather {
  explicit unkind_weather(random& rng) {
    const auto up_to = [&](std::int64_t most) { return static_cast<int>(rng.up_to(most)); };
    const auto one_in = [&](int n) { return rng.up_to(n - 1) == 0; };
    shards = 1 + up_to(2);
    kind_from = dawn + millis{1000 + up_to(one_in(3) ? 600'000 : 90'000)};
    const auto period = [&] {
      const instant from = dawn + millis{up_to(60'000)};
      return span{from, from + millis{up_to(90'000)}};
    };
    const int origins = one_in(3) ? 1 : 1 + up_to(5);
    places.resize(static_cast<std::size_t>(origins) + 1); // the API first
    for (std::size_t i = 0; i < places.size(); ++i) {
      place& p = places[i];
      p.latency_max = millis{1 + up_to(one_in(2) ? 50 : 3000)};
      if (one_in(4)) continue; // a fair one
      if (i > 1 && one_in(5)) p.never = true;
      if (i > 1 && one_in(6)) p.dies = dawn + millis{up_to(20'000)};
      for (auto* spans : {&p.away, &p.balancer, &p.hangs, &p.breaks})
        for (int n = one_in(3) ? up_to(3) : 0; n > 0; --n) spans->push_back(period());
      if (i == 0) // so that the first presign has a chance
        for (auto* spans : {&p.away, &p.balancer})
          std::erase_if(*spans, [](const span& s) { return s.from < dawn + 4s; });
      if (one_in(3)) p.away_as = outcome_kind::handshake_lost;
      if (one_in(2)) p.balancer_as = outcome_kind::unavailable;
      if (one_in(4)) p.accepts = 1 + up_to(200);
      static constexpr std::int64_t asks[] = {0, 1, 3, 20, 60};
      if (one_in(2)) p.retry_after = 1s * asks[up_to(4)];
      if (one_in(3)) p.transient = up_to(60);
      if (one_in(3)) p.lost = up_to(40);
      if (one_in(6)) p.garbled = up_to(10);
      if (one_in(3)) p.stale = up_to(20);
      if (one_in(6)) p.connections_max = 1 + up_to(8);
    }
    files = 5 + up_to(one_in(12) ? 600 : 60);
    operations = 1 + up_to(one_in(2) ? 3 : 20);
    const int most = one_in(8) ? 4096 : 1 + up_to(15);
    limits = {most, std::max(1, most / (1 + up_to(3))), up_to(8)};
    if (one_in(2)) {
      limits.puts = limits.presigns = sizing::adaptive;
      limits.puts_min = limits.presigns_min = 1 + up_to(3);
    }
    limits.counts_connections = true;
    policy.budget = {1 + up_to(500), millis{20 + up_to(500)}};
    static constexpr millis patience[] = {5s, 10s, 30s, 15min, millis::max()};
    policy.give_up_after = patience[up_to(4)];
    if (one_in(8)) policy.attempts_max = 1 + up_to(4);
    if (one_in(3)) dead_tickets = up_to(100);
    if (one_in(3)) short_lived = up_to(100);
    if (one_in(8)) all_dead_from = dawn + millis{up_to(30'000)};
    if (one_in(4)) shortages.push_back(period());
    cancelled = one_in(3) ? up_to(50) : 0;
    if (one_in(2)) group = 1 + up_to(15);
    if (one_in(5)) refused = up_to(60);
    if (group > 1) places[0].connections_max = 0; // here each presign has a connection of its own, there they share it
  }

  int shards = 1, files = 0, operations = 1, group = 1;
  instant kind_from{};
  std::vector<place> places;
  scheduler_limits limits;
  retry_policy policy;
  int dead_tickets = 0, short_lived = 0; ///< percent of replies
  std::optional<instant> all_dead_from;
  std::vector<span> shortages;
  int cancelled = 0; ///< percent of files
  int refused = 0;   ///< percent of PUTs

  /// Retries and new tickets go before an operation's other files, so turns can be counted only where there are none.
  bool fair_turns_can_be_told() const {
    return dead_tickets == 0 && short_lived == 0 && !all_dead_from && refused == 0 && shortages.empty() &&
           std::none_of(places.begin(), places.end(),
                        [](const place& p) { return p.never || p.dies || !p.away.empty(); }) &&
           places[0].stale == 0 && places[0].transient == 0 && places[0].lost == 0 && places[0].garbled == 0 &&
           places[0].accepts == 0 && places[0].balancer.empty() && places[0].hangs.empty() &&
           places[0].breaks.empty() && places[0].connections_max == 0;
  }

  /// Nothing but absences, limits and balancers: no file may fail.
  bool only_absent() const {
    if (refused > 0 || dead_tickets > 0 || short_lived > 0 || all_dead_from || !shortages.empty() ||
        policy.attempts_max > 0)
      return false;
    if (policy.give_up_after < 15min) return false;
    return std::none_of(places.begin(), places.end(), [](const place& p) {
      return p.never || p.dies || !p.hangs.empty() || !p.breaks.empty() || p.transient > 0 || p.lost > 0 ||
             p.garbled > 0 || p.stale > 0;
    });
  }
};

class unkind {
 public:
  explicit unkind(std::uint64_t seed) : rng_(seed), w_(rng_) {
    const auto each = share_of(w_.policy, w_.shards);
    for (int i = 0; i < w_.shards; ++i) {
      shards_.push_back(std::make_unique<shard>(w_.limits, each, rng_.next(), &facts_));
      shards_.back()->tested.group_presigns(w_.group);
      shards_.back()->idle.resize(w_.places.size());
    }
    for (int n = 0; n < w_.files; ++n) {
      file one;
      one.operation = static_cast<operation_id>(rng_.up_to(w_.operations - 1));
      one.comes = dawn + millis{one.operation == 0 ? 0 : rng_.up_to(30'000)};
      files_.push_back(one);
      arrivals_.emplace(one.comes, n);
    }
  }

  std::string run() {
    const instant bound = settled_by();
    for (int steps = 0; fault_.empty(); ++steps) {
      take_in();
      for (auto& s : shards_) drain(*s);
      check();
      if (!fault_.empty() || (arrivals_.empty() && open_ == 0)) break;
      if (steps > 3'000'000) fail("no end after 3 000 000 steps");
      if (now_ > bound) {
        give_in();
        for (auto& s : shards_) drain(*s);
        if (!fault_.empty() || open_ == 0) continue;
      }
      advance();
    }
    if (fault_.empty()) check_end();
    return fault_;
  }

 private:
  enum class doing : std::uint8_t { nothing, presign, put };

  struct file {
    operation_id operation = 0;
    instant comes{};
    std::size_t place = 0; ///< of its ticket
    lifetime ticket;
    doing what = doing::nothing;
    bool inside = false, settled = false, stored = false, cancelled = false;
    bool on_kept = false; ///< its attempt goes over a connection that stood
    bool owed = false;    ///< the wait it is in was asked for
    instant owed_until{}, failed_at{};
    std::uint64_t attempt = 0;
    std::uint64_t turns_seen = 0; ///< presigns begun in its shard when it came
    std::size_t waiting_then = 0;
    bool first_turn_pending = false;
    bool met_one_that_died = false; ///< whose end is an outage, which is waited out
    int shard = 0;
    file_id id = 0;
  };

  struct shard {
    shard(const scheduler_limits& l, const retry_policy& p, std::uint64_t seed, shared_facts* facts)
        : tested(l, p, seed, facts) {}
    scheduler tested;
    std::vector<int> numbers; ///< by file_id, the file
    std::vector<file_id> free;
    std::vector<int> idle; ///< connections kept, by place
    std::uint64_t presigns = 0, puts = 0;
    int presigning = 0, putting = 0;
    int empty_wakeups = 0;
    std::optional<instant> wakeup; ///< that it asked for last
    std::int64_t second = 0;
  };

  struct happening {
    int number; ///< of the file
    std::uint64_t attempt;
    std::optional<outcome> failed;
    std::uint64_t bytes = 0;
  };

  void fail(const std::string& what) {
    if (!fault_.empty()) return;
    fault_ = what;
    if (std::getenv("HOIST_UNKIND_SEED") != nullptr) describe();
  }

  /// For whoever replays a seed: who waits for what.
  void describe() const {
    std::cerr << fault_ << " at " << std::chrono::duration<double>(now_ - dawn).count() << " s, kind from "
              << std::chrono::duration<double>(w_.kind_from - dawn).count() << " s, " << w_.shards << " shards, "
              << w_.places.size() - 1 << " origins, puts_max " << w_.limits.puts_max << ", give up after "
              << w_.policy.give_up_after.count() << " ms\n";
    for (const file& f : files_) {
      if (!f.inside) continue;
      const auto& tested = shards_[static_cast<std::size_t>(f.shard)]->tested;
      const auto w = tested.wait_of(f.id, now_);
      std::cerr << "  shard " << f.shard << " file " << f.id << " place " << f.place << " operation " << f.operation
                << ": " << (w ? name_of(w->what) : "in flight") << (f.cancelled ? ", cancelled" : "") << '\n';
    }
    for (std::size_t i = 0; i < shards_.size(); ++i)
      std::cerr << "  shard " << i << ": " << shards_[i]->putting << " of " << shards_[i]->tested.puts_window()
                << " puts, " << shards_[i]->presigning << " of " << shards_[i]->tested.presigns_window()
                << " presigns\n";
    for (std::size_t i = 0; i < shards_.size(); ++i)
      for (std::size_t o = 0; o < w_.places.size(); ++o)
        std::cerr << "  shard " << i << " place " << o << ": " << shards_[i]->idle[o] << " idle, known "
                  << shards_[i]->tested.connections_to(o == 0 ? std::nullopt
                                                              : std::optional(static_cast<origin_id>(o - 1)))
                  << (w_.places[o].never  ? ", never"
                      : w_.places[o].dies ? ", dies"
                                          : "")
                  << '\n';
  }
  bool chance(int percent) { return percent > 0 && rng_.up_to(99) < percent; }
  bool kind() const { return now_ >= w_.kind_from; }
  std::int64_t second() const { return (now_ - dawn) / 1s; }

  /// When all must be settled: the longest wait that may still go on when the world turns kind, what the slowest host
  /// is sent meanwhile, and give_up_after for what waits for nobody.
  instant settled_by() const {
    const instant::duration patience = std::min<instant::duration>(bounded(w_.policy.give_up_after), 16min);
    const bool nobody =
        std::any_of(w_.places.begin(), w_.places.end(), [](const place& p) { return p.never || p.dies; });
    const bool adapts = w_.limits.puts == sizing::adaptive;
    const int at_once = std::max(1, adapts ? std::min(w_.limits.puts_min, w_.limits.presigns_min)
                                           : std::min(w_.limits.puts_max, w_.limits.presigns_max));
    millis slowest{0};
    for (const place& p : w_.places) slowest = std::max(slowest, p.latency_max);
    // Where some places are gone, it takes several tickets until one leads to another place.
    const auto tickets = nobody ? static_cast<int>(w_.places.size()) : 1;
    return std::max(w_.kind_from, dawn + 60s) + 4min + w_.files * (250ms + 2 * tickets * slowest / at_once) +
           (nobody ? 3 * patience : 1min);
  }

  /// Past the bound only those may be left whose place is gone for good, and whom nothing but a person ends.
  void give_in() {
    for (file& f : files_) {
      if (!f.inside || f.cancelled) continue;
      const place& p = w_.places[f.place];
      const bool hopeless = f.place != 0 && (p.never || p.dies);
      const bool for_ever = f.met_one_that_died || (hopeless && w_.policy.give_up_after == millis::max());
      if (!for_ever) {
        const auto waits = shards_[static_cast<std::size_t>(f.shard)]->tested.wait_of(f.id, now_);
        return fail("not settled in time, it waits for " + std::string(waits ? name_of(waits->what) : "its attempt"));
      }
      f.cancelled = true;
      shards_[static_cast<std::size_t>(f.shard)]->tested.on(event::file_cancelled{f.id, stop_kind::now}, now_);
    }
  }

  void take_in() {
    for (; !arrivals_.empty() && arrivals_.begin()->first <= now_; arrivals_.erase(arrivals_.begin())) {
      const int n = arrivals_.begin()->second;
      file& f = files_[static_cast<std::size_t>(n)];
      f.shard = n % w_.shards;
      shard& s = *shards_[static_cast<std::size_t>(f.shard)];
      if (s.free.empty()) {
        s.free.push_back(static_cast<file_id>(s.numbers.size()));
        s.numbers.push_back(-1);
      }
      f.id = s.free.back();
      s.free.pop_back();
      s.numbers[f.id] = n;
      f.inside = f.first_turn_pending = true;
      f.turns_seen = s.presigns;
      f.waiting_then = same_operation(f);
      ++open_;
      s.tested.on(event::file_added{f.id, f.operation}, now_);
      if (chance(w_.cancelled)) {
        const auto how = rng_.up_to(1) == 0 ? stop_kind::drain : stop_kind::now;
        cancellations_.emplace(now_ + millis{rng_.up_to(60'000)}, std::pair{n, how});
        if (how == stop_kind::drain && rng_.up_to(1) == 0)
          cancellations_.emplace(now_ + millis{rng_.up_to(90'000)}, std::pair{n, stop_kind::now});
      }
    }
  }

  std::size_t same_operation(const file& f) const {
    return static_cast<std::size_t>(std::count_if(files_.begin(), files_.end(), [&](const file& o) {
      return o.inside && o.shard == f.shard && o.operation == f.operation;
    }));
  }

  void drain(shard& s) {
    int actions = 0;
    for (auto a = s.tested.next_action(now_); a && fault_.empty(); a = s.tested.next_action(now_)) {
      if (++actions > 200'000) fail("actions without end in one moment");
      if (const auto* p = std::get_if<action::start_presign>(&*a)) begin(s, p->file, doing::presign);
      if (const auto* p = std::get_if<action::start_put>(&*a)) begin(s, p->file, doing::put);
      if (const auto* p = std::get_if<action::abort_attempt>(&*a)) abort(s, p->file);
      if (const auto* p = std::get_if<action::settle>(&*a)) settle(s, *p);
      if (const auto* p = std::get_if<action::end_run>(&*a)) end_run(p->cause);
    }
    count_wakeups(s, actions);
    if (s.tested.stalled(now_))
      fail("it stands still: nothing in flight, no wake-up near, held by " +
           std::string(name_of(s.tested.bottleneck())));
  }

  /// Being asked again and again for nothing is a loop without an end, too: a thousand times a second, as no wake-up is
  /// sooner than 1 ms. Shards that share a rate may wake for the same token some hundred times.
  void count_wakeups(shard& s, int actions) {
    if (std::exchange(s.second, second()) != second() || actions > 0)
      s.empty_wakeups = 0;
    else if (happenings_at_ != now_ && s.wakeup && *s.wakeup <= now_ && ++s.empty_wakeups > 500)
      fail("woken for nothing, more than 500 times in a second");
  }

  void begin(shard& s, file_id id, doing what) {
    const int n = s.numbers[id];
    if (n < 0) return fail("an attempt of a file that is not inside");
    file& f = files_[static_cast<std::size_t>(n)];
    if (!f.inside || f.what != doing::nothing) return fail("two attempts of one file at once");
    // Of several origins one may have more in flight than its window, which has shrunk, while another begins.
    if (what == doing::put ? w_.places.size() == 2 && s.putting >= s.tested.puts_window()
                           : s.presigning >= s.tested.presigns_window())
      fail("an attempt begun although the window was full");
    if (what == doing::put && !f.ticket.usable(now_)) fail("a PUT begun on a ticket that may not be used");
    f.what = what;
    f.owed = false;
    f.attempt = ++attempts_;
    ++(what == doing::put ? s.putting : s.presigning);
    ++(what == doing::put ? s.puts : s.presigns);
    if (what == doing::presign && std::exchange(f.first_turn_pending, false)) check_turn(s, f);
    ask(s, n, what == doing::put ? f.place : 0);
  }

  /// Every other operation, and each of its own before it, may go first as often as turns go round; and as often those
  /// that ask for another ticket because their origin is bad. Nobody else.
  void check_turn(const shard& s, const file& f) {
    const auto before = s.presigns - f.turns_seen;
    const auto turns =
        (f.waiting_then + 1) * static_cast<std::uint64_t>(w_.operations) + static_cast<std::uint64_t>(w_.operations);
    const auto fair = w_.places.size() > 1 ? 2 * turns : turns;
    // Retries and new tickets of its own operation go before it: they have had their turn already.
    if (w_.fair_turns_can_be_told() && before > fair) fail("an operation waited longer than its turn");
  }

  void ask(shard& s, int n, std::size_t where) {
    place& p = w_.places[where];
    file& f = files_[static_cast<std::size_t>(n)];
    const instant soon = now_ + millis{1 + rng_.up_to(5)};
    const auto end = [&](instant at, outcome_kind why, std::optional<millis> after = {}) {
      happenings_.emplace(at, happening{n, f.attempt, outcome{why, after}});
    };
    f.on_kept = s.idle[where] > 0;
    if (f.on_kept) --s.idle[where];
    if (within(w_.shortages, now_)) return end(soon, outcome_kind::exhausted);
    const bool gone = p.never || (p.dies && now_ >= *p.dies) || (!kind() && within(p.away, now_));
    if (gone) {
      if (s.tested.down_since(where == 0 ? std::nullopt : std::optional(static_cast<origin_id>(where - 1))))
        ++p.asked_while_away[second()];
      if (!f.on_kept && p.away_as == outcome_kind::unreachable) return end(soon, outcome_kind::unreachable);
      return end(soon, f.on_kept ? outcome_kind::stale : p.away_as);
    }
    if (!f.on_kept) {
      if (!kind() && p.connections_max > 0 && p.connections >= p.connections_max) {
        ++p.refused[second()];
        return end(soon, outcome_kind::handshake_lost);
      }
      ++p.connections;
      f.on_kept = true;
      openings_.emplace(now_ + 1ms, std::pair{n, f.attempt});
    }
    instant at = now_ + 2ms + millis{rng_.up_to(p.latency_max.count())};
    if (kind()) return answer(n, at);
    if (within(p.balancer, now_)) return end(at, p.balancer_as, rng_.up_to(1) == 0 ? p.retry_after : std::nullopt);
    if (within(p.hangs, now_)) return end(now_ + hang_time, outcome_kind::lost);
    if (within(p.breaks, now_) || chance(p.lost)) return end(at, outcome_kind::lost);
    if (!accepts(p)) return end(soon, outcome_kind::throttled, p.retry_after);
    if (chance(p.transient)) return end(at, outcome_kind::transient);
    if (chance(p.garbled)) return end(at, outcome_kind::garbled);
    if (chance(p.stale)) return end(soon, outcome_kind::stale);
    if (where != 0 && chance(w_.refused)) return end(at, outcome_kind::refused);
    answer(n, at);
  }

  void answer(int n, instant at) {
    happenings_.emplace(at, happening{n, files_[static_cast<std::size_t>(n)].attempt, std::nullopt,
                                      static_cast<std::uint64_t>(rng_.up_to(1 << 20))});
  }

  bool accepts(place& p) {
    if (p.accepts <= 0) return true;
    p.tokens =
        std::min(1 + p.accepts / 10, p.tokens + std::chrono::duration<double>(now_ - p.refilled).count() * p.accepts);
    p.refilled = now_;
    if (p.tokens < 1) return false;
    --p.tokens;
    return true;
  }

  lifetime new_ticket() {
    millis life = 15min;
    if (!kind()) {
      if ((w_.all_dead_from && now_ >= *w_.all_dead_from) || chance(w_.dead_tickets))
        life = -millis{rng_.up_to(3'600'000)};
      else if (chance(w_.short_lived))
        life = millis{rng_.up_to(rng_.up_to(1) == 0 ? 8'000 : std::int64_t{365} * 86'400'000)};
    }
    const auto margin = std::min<instant::duration>(30s, std::max<instant::duration>(life, 0ms) / 10);
    return {later(now_, life), later(now_, life - margin), now_, {}};
  }

  /// Half of the attempts told to stop end so; the others are quicker, or late.
  void abort(shard& s, file_id id) {
    const int n = s.numbers[id];
    if (n < 0) return fail("an abort of a settled file");
    const file& f = files_[static_cast<std::size_t>(n)];
    if (f.what != doing::nothing && rng_.up_to(1) == 0)
      happenings_.emplace(now_ + millis{rng_.up_to(50)}, happening{n, f.attempt, outcome{outcome_kind::cancelled, {}}});
  }

  void settle(shard& s, const action::settle& a) {
    const int n = s.numbers[a.file];
    if (n < 0) return fail("a file settled twice");
    file& f = files_[static_cast<std::size_t>(n)];
    if (f.what != doing::nothing) return fail("a file settled with an attempt in flight");
    if (a.how == settlement::done && !f.stored) return fail("done, but not stored");
    if (a.how == settlement::failed) judge_failure(f, a.cause);
    if (a.how == settlement::abandoned && !f.cancelled && !run_over_) fail("abandoned, and nobody cancelled it");
    f.inside = f.first_turn_pending = false;
    f.settled = true;
    s.numbers[a.file] = -1;
    s.free.push_back(a.file);
    --open_;
  }

  void judge_failure(const file& f, errc cause) {
    // A shortage of our own that lasts ends everybody's waiting.
    if (cause == errc::gave_up && w_.shortages.empty() && f.owed && now_ > f.failed_at &&
        now_ <= f.owed_until + bounded(w_.policy.give_up_after))
      fail("a file failed right after a wait that was asked for");
    if (w_.only_absent()) fail("a file failed in weather that fails none: " + std::string(name_of(cause)));
    if (cause == errc::gave_up && w_.policy.give_up_after == millis::max() && w_.policy.attempts_max == 0)
      fail("gave up, and was told never to");
  }

  void end_run(errc cause) {
    run_over_ = true;
    const bool dead = w_.dead_tickets > 0 || w_.all_dead_from || w_.short_lived > 0;
    if (cause == errc::api_unreachable && (facts_.presigned || facts_.connections > 0))
      fail("the run ended for an API that can be reached");
    if (cause == errc::api_refused && !dead) fail("the run ended for refusals that never were");
    if (cause == errc::storage_refused && w_.refused == 0) fail("the run ended for a storage that refused nothing");
  }

  void advance() {
    std::optional<instant> next;
    const auto consider = [&](instant t) { next = next ? std::min(*next, t) : t; };
    for (auto& s : shards_) {
      const auto wakeup = s->tested.next_wakeup();
      if (wakeup && *wakeup <= now_) return fail("a wake-up that is due although it has nothing to do");
      s->wakeup = wakeup;
      if (wakeup) consider(*wakeup);
    }
    if (!happenings_.empty()) consider(happenings_.begin()->first);
    if (!openings_.empty()) consider(openings_.begin()->first);
    if (!closings_.empty()) consider(closings_.begin()->first);
    if (!arrivals_.empty()) consider(arrivals_.begin()->first);
    if (!cancellations_.empty()) consider(cancellations_.begin()->first);
    if (!next) return fail("nothing will ever happen again");
    now_ = std::max(now_, *next);
    for (; !openings_.empty() && openings_.begin()->first <= now_; openings_.erase(openings_.begin()))
      open(openings_.begin()->second);
    for (; !cancellations_.empty() && cancellations_.begin()->first <= now_;
         cancellations_.erase(cancellations_.begin()))
      cancel(cancellations_.begin()->second);
    for (; !happenings_.empty() && happenings_.begin()->first <= now_; happenings_.erase(happenings_.begin())) {
      happenings_at_ = now_;
      deliver(happenings_.begin()->second);
    }
    for (; !closings_.empty() && closings_.begin()->first <= now_; closings_.erase(closings_.begin())) {
      const auto [s, where] = closings_.begin()->second;
      if (shards_[s]->idle[where] == 0) continue; // in use
      --shards_[s]->idle[where];
      close(*shards_[s], where);
    }
  }

  void open(const std::pair<int, std::uint64_t>& which) {
    file& f = files_[static_cast<std::size_t>(which.first)];
    if (f.attempt != which.second || f.what == doing::nothing) { // it was given up before it stood
      return;
    }
    shards_[static_cast<std::size_t>(f.shard)]->tested.connection_opened(origin_of(f), now_);
    opened_.insert(which.second);
  }

  std::optional<origin_id> origin_of(const file& f) const {
    return f.what == doing::presign ? std::nullopt : std::optional(static_cast<origin_id>(f.place - 1));
  }

  void close(shard& s, std::size_t where) {
    --w_.places[where].connections;
    s.tested.connection_closed(where == 0 ? std::nullopt : std::optional(static_cast<origin_id>(where - 1)));
  }

  void cancel(const std::pair<int, stop_kind>& which) {
    file& f = files_[static_cast<std::size_t>(which.first)];
    if (!f.inside) return;
    f.cancelled = true;
    shards_[static_cast<std::size_t>(f.shard)]->tested.on(event::file_cancelled{f.id, which.second}, now_);
  }

  void deliver(const happening& h) {
    file& f = files_[static_cast<std::size_t>(h.number)];
    if (f.attempt != h.attempt || f.what == doing::nothing) return; // ended already
    shard& s = *shards_[static_cast<std::size_t>(f.shard)];
    end_connection(s, f, h);
    const auto what = std::exchange(f.what, doing::nothing);
    --(what == doing::put ? s.putting : s.presigning);
    if (h.failed && never_left(h.failed->kind)) --(what == doing::put ? s.puts : s.presigns);
    if (h.failed) {
      f.owed = h.failed->retry_after.has_value();
      f.failed_at = now_;
      f.owed_until = now_ + std::min<instant::duration>(h.failed->retry_after.value_or(0ms), limits::retry_after_max);
      if (what == doing::put)
        s.tested.on(event::put_failed{f.id, *h.failed}, now_);
      else
        s.tested.on(event::presign_failed{f.id, *h.failed}, now_);
      return;
    }
    if (what == doing::put) {
      f.stored = true;
      s.tested.on(event::put_answered{f.id, h.bytes}, now_);
      return;
    }
    f.ticket = new_ticket();
    f.place = 1 + static_cast<std::size_t>(rng_.up_to(static_cast<std::int64_t>(w_.places.size()) - 2));
    f.met_one_that_died = f.met_one_that_died || w_.places[f.place].dies.has_value();
    s.tested.on(event::presign_answered{f.id, f.ticket, static_cast<origin_id>(f.place - 1)}, now_);
  }

  /// The connection of an attempt is kept, or gone with it.
  void end_connection(shard& s, file& f, const happening& h) {
    const std::size_t where = f.what == doing::presign ? 0 : f.place;
    if (!f.on_kept) return; // it never had one
    const bool kept = !h.failed || is_answer(h.failed->kind) || h.failed->kind == outcome_kind::unavailable ||
                      h.failed->kind == outcome_kind::gateway;
    if (!opened_.erase(f.attempt)) {
      // A new one that ended before it was told of, or one that was kept: the scheduler knows of the latter only.
      const auto pending =
          std::find_if(openings_.begin(), openings_.end(), [&](const auto& o) { return o.second.second == f.attempt; });
      if (pending != openings_.end()) {
        openings_.erase(pending);
        --w_.places[where].connections;
        return;
      }
    }
    if (!kept) return close(s, where);
    ++s.idle[where];
    closings_.emplace(now_ + idle_time, std::pair{static_cast<std::size_t>(f.shard), where});
  }

  void check() {
    for (const auto& s : shards_) {
      if (s->tested.puts_in_flight() != s->putting || s->tested.presigns_in_flight() != s->presigning)
        fail("in flight is not what it says");
      if (s->putting > w_.limits.puts_max) fail("more PUTs than puts_max");
    }
  }

  void check_end() {
    for (const file& f : files_)
      if (!f.settled) fail("a file is not settled");
    for (const auto& s : shards_) {
      if (s->tested.next_wakeup()) fail("a wake-up is set at the end");
      if (!s->tested.done()) fail("not done at the end");
      if (s->tested.tallies().puts != s->puts || s->tested.tallies().presigns != s->presigns)
        fail("the tallies are wrong");
    }
    for (const place& p : w_.places) {
      for (const auto& [at, n] : p.refused)
        if (n > 40)
          fail("more than forty refused connections in a second: " + std::to_string(n) + " in second " +
               std::to_string(at));
      for (const auto& [at, n] : p.asked_while_away)
        if (n > 3 * w_.shards + 3) fail("a host that is away is asked too often");
    }
  }

  random rng_;
  unkind_weather w_;
  instant now_ = dawn, happenings_at_{};
  std::string fault_;
  shared_facts facts_;
  std::vector<std::unique_ptr<shard>> shards_;
  std::vector<file> files_;
  std::multimap<instant, int> arrivals_;
  std::multimap<instant, happening> happenings_;
  std::multimap<instant, std::pair<int, std::uint64_t>> openings_;
  std::multimap<instant, std::pair<std::size_t, std::size_t>> closings_;
  std::multimap<instant, std::pair<int, stop_kind>> cancellations_;
  std::set<std::uint64_t> opened_;
  std::uint64_t attempts_ = 0;
  int open_ = 0;
  bool run_over_ = false;
};

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

// However unkind the weather, the rules above hold.
TEST(unkind_sim, every_seed_keeps_the_rules) {
  const bool one = std::getenv("HOIST_UNKIND_SEED") != nullptr;
  const std::uint64_t first = one ? number_from("HOIST_UNKIND_SEED", 0) : number_from("HOIST_UNKIND_FIRST", 1);
  const std::uint64_t count = one ? 1 : number_from("HOIST_UNKIND_SEEDS", 20'000);
  std::map<std::string, std::pair<int, std::uint64_t>> faults; ///< how often, and the first seed
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    const std::string fault = unkind(seed).run();
    if (fault.empty()) continue;
    auto& [times, example] = faults[fault];
    if (times++ == 0) example = seed;
  }
  for (const auto& [fault, seen] : faults)
    ADD_FAILURE() << fault << ": " << seen.first << " of " << count
                  << " seeds; replay with HOIST_UNKIND_SEED=" << seen.second;
}

} // namespace
} // namespace hoist::core::sim
