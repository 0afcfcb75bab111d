#pragma once

// One measurement: what came of objects, as it comes, and which part of it counts. Not counted are the warm-up, in
// which connections are made, and the end, when there is nothing left to begin and fewer are under way than are meant
// to be. Pure: time and the process's use of the machine are arguments.

#include <hoist/report.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace hoist::cli {

/// What had been used up by a moment.
struct resource_use {
  std::chrono::microseconds process_cpu{0}; ///< of this process
  std::uint64_t machine_busy = 0;           ///< ticks of all processors, summed: not idle
  std::uint64_t machine_total = 0;          ///< and all of them; 0: unknown
};

struct percentiles {
  std::uint64_t p50 = 0, p90 = 0, p99 = 0; ///< microseconds
};
/// Exact, by rank: the smallest value that so many per cent do not exceed. Sorts `values`; all 0 when there is none.
percentiles percentiles_of(std::vector<std::uint32_t>& values);

/// Fewer counted objects are too few for what is said of them.
constexpr std::uint64_t samples_least = 20;

struct bench_cell {
  std::uint64_t size = 0; ///< bytes of each object
  int concurrency = 0;

  std::uint64_t objects = 0; ///< counted: done within the time that counts
  std::uint64_t all_done = 0;
  std::uint64_t failed = 0;
  double seconds = 0; ///< that count
  percentiles presign, put;
  double cpu_us_per_object = 0; ///< 0 when unknown: too short to tell
  double cores_used = 0;        ///< by this process: 1.5 is one and a half; 0 when unknown
  double machine_busy = 0;      ///< 0 to 1, of all processors and by anybody; 0 when unknown
  std::uint64_t presigns_throttled = 0, puts_throttled = 0; ///< answers 429 and 503, of the whole measurement
  limit limited_by = limit::none;
  std::string limited_detail;

  double objects_per_second() const { return seconds > 0 ? static_cast<double>(objects) / seconds : 0; }
  double bytes_per_second() const { return objects_per_second() * static_cast<double>(size); }
  std::uint64_t throttled() const { return presigns_throttled + puts_throttled; }
  bool few_samples() const { return objects < samples_least; }
};

class bench_meter {
 public:
  using time_point = std::chrono::steady_clock::time_point;

  struct plan {
    std::uint64_t size = 0;
    int concurrency = 1;
    std::uint64_t objects_max = 0;
    std::chrono::milliseconds duration{0}; ///< 0: no bound but the objects
  };
  /// `look` is asked twice: when counting begins and when it ends.
  bench_meter(plan p, time_point begun, std::function<resource_use()> look);

  /// Another object was handed over; there is no more to come.
  void began() { ++begun_objects_; }
  void source_ended() { source_ended_ = true; }

  /// `at`: when it was done, of which the news may come in late and in groups. `now`: for the use of the machine.
  void done(time_point now, time_point at, std::chrono::microseconds presign, std::chrono::microseconds put);
  void failed() { ++failed_; }
  /// From here on nothing counts.
  void close(time_point now);

  std::uint64_t settled() const { return all_done_ + failed_; }
  /// Objects a second so far, as far as they count.
  double rate() const;
  bench_cell result();

 private:
  bool warm_up_is_over(time_point at) const;

  plan plan_;
  time_point begun_;
  std::function<resource_use()> look_;
  std::uint64_t begun_objects_ = 0, all_done_ = 0, failed_ = 0;
  bool source_ended_ = false, closed_ = false;

  bool counting_ = false;
  time_point from_{}, until_{};          ///< of what is counted: the completion before the first, and the last
  time_point looked_at_{}, closed_at_{}; ///< when the machine was looked at
  resource_use used_from_, used_until_;
  std::uint64_t counted_ = 0;
  std::vector<std::uint32_t> presigns_, puts_; ///< microseconds
};

} // namespace hoist::cli
