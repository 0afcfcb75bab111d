// Decisions: what one file costs the scheduler in all its life, and what one ticket's dates cost. No I/O, no clock.
#include "core/base/lifetime.hpp"
#include "core/schedule/scheduler.hpp"

#include <benchmark/benchmark.h>

#include <chrono>
#include <deque>
#include <variant>

namespace hoist::core {
namespace {

using namespace std::chrono_literals;

constexpr file_id files_inside = 512;

// Answers every action as a good host would, oldest first, until the window is full of PUTs again.
class good_hosts {
 public:
  explicit good_hosts(scheduler& tested) : tested_(tested) {}

  void add(file_id f) { tested_.on(event::file_added{f}, now_); }

  // Until one file has settled; which one.
  file_id settle_one() {
    for (;;) {
      while (const auto next = tested_.next_action(now_)) {
        if (const auto* settled = std::get_if<action::settle>(&*next)) return settled->file;
        under_way_.push_back(*next);
      }
      now_ += 1us;
      const auto oldest = under_way_.front();
      under_way_.pop_front();
      if (const auto* presign = std::get_if<action::start_presign>(&oldest))
        tested_.on(event::presign_answered{presign->file, {now_ + 15min, now_ + 14min, now_, {}}}, now_);
      else if (const auto* put = std::get_if<action::start_put>(&oldest))
        tested_.on(event::put_answered{put->file, 4096}, now_);
    }
  }

 private:
  scheduler& tested_;
  std::deque<scheduler_action> under_way_;
  instant now_ = instant{} + 1h;
};

// One iteration is one file, from being added to being settled, with `files_inside` others at every stage.
void scheduler_file(benchmark::State& state) {
  scheduler_limits limits;
  limits.puts_max = 256;
  limits.presigns_max = 64;
  limits.tickets_ahead_max = 64;
  limits.puts = limits.presigns = state.range(0) == 0 ? sizing::fixed : sizing::adaptive;
  scheduler tested(limits, {}, 1);
  good_hosts hosts(tested);
  for (file_id f = 0; f < files_inside; ++f) hosts.add(f);
  for (auto _ : state) hosts.add(hosts.settle_one());
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(scheduler_file)->ArgName("adaptive")->Arg(0)->Arg(1);

void expiry(benchmark::State& state) {
  const instant now = instant{} + 1h;
  const wall_time there{std::chrono::hours{500'000}};
  server_clock clock;
  clock.observe(now - 20ms, now, there, 1s);
  const ticket_dates dates{there + 15min, there + 15min};
  for (auto _ : state) benchmark::DoNotOptimize(lifetime_of(dates, now, clock, 15min));
}
BENCHMARK(expiry);

} // namespace
} // namespace hoist::core
