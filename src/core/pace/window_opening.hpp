#pragma once

// How the window of a far host opens: by one with each answer, to twice its size in a generation, which is over when
// what was in flight at its beginning has been answered. It is wide enough when a generation gets no more done than the
// best before: at once where answers take longer than at first, else twice in a row. Rounds, in which nothing grows,
// would take seconds.

#include "core/base/time.hpp"

namespace hoist::core {

class window_opening {
 public:
  enum class verdict : unsigned char {
    goes_on,
    near, ///< answers come so soon that rounds are quick enough
    full, ///< as wide as it may be, and more would have been done in a wider one
    enough,
  };

  window_opening(int start, int max) noexcept : start_(start), size_(start), max_(max) {}

  int size() const noexcept { return size_; }
  /// What would have done, once it has become larger than enough; what it began with, at least.
  int enough() const noexcept;

  /// Another request would have been begun, were the window larger: begins a generation unless there is one.
  void held(instant now, int in_flight) noexcept;
  /// As `window::ended`. One that failed says nothing of the window, but that its generation got less done.
  verdict ended(instant begun, instant now, double work) noexcept;

 private:
  struct generation {
    instant began{};
    int size = 0; ///< of the window then; 0: there is none
    int left = 0; ///< of those in flight then, to be awaited
    double work = 0;
  };

  void note(instant::duration took) noexcept;
  bool brought_more(double per_second) noexcept;

  int start_, size_, max_;
  generation generation_;
  double best_ = 0; ///< work per second in the best generation
  bool second_look_ = false;
  instant::duration least_ = instant::duration::max(); ///< that an answer took
  instant::duration least_of_late_ = least_;
  int of_late_ = 0;     ///< answers since `least_of_late_` began
  bool queues_ = false; ///< of late even the quickest took long
};

} // namespace hoist::core
