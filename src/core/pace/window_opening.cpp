#include "core/pace/window_opening.hpp"

#include <algorithm>
#include <utility>

namespace hoist::core {

using namespace std::chrono_literals;

namespace {

constexpr auto near = 20ms; // where an answer takes less a few rounds are over in no time
// A generation brought more than the best before if it was so many times as much; the second where requests wait for
// each other, as its answers are still those of a smaller window.
constexpr double gain = 1.1;
constexpr double gain_queueing = 1.25;

// An answer that takes this many times as long as the quickest says that requests wait for each other. The quickest of
// a few is compared, or of an eighth of the window: others may have had to wait for their connection.
constexpr int queueing = 2;
constexpr int answers_of_late = 8;
constexpr int part_of_late = 8;
// A generation that lasts so many times the quickest answer has large files among small ones, and is judged by rounds.
constexpr int generation_max = 8;
// The answers of a generation that brought no more were begun when it was half as large, and some of them waited
// already.
constexpr int enough_num = 3, enough_den = 8;
// Not all are awaited: one stalled request must not stall the window.
constexpr int stragglers = 16; // one in so many

double per_second(double work, instant::duration lasted) noexcept {
  return work / std::chrono::duration<double>(std::max<instant::duration>(lasted, near)).count();
}

} // namespace

int window_opening::enough() const noexcept {
  return std::max(size_ * enough_num / enough_den, start_);
}

void window_opening::held(instant now, int in_flight) noexcept {
  if (generation_.size == 0 && in_flight > 0) generation_ = {now, size_, in_flight - in_flight / stragglers, 0};
}

window_opening::verdict window_opening::ended(instant begun, instant now, double work) noexcept {
  generation& g = generation_;
  if (work > 0) {
    const auto took = now - begun;
    if (took < near) return verdict::near;
    note(took);
    if (g.size > 0) size_ = std::min({size_ + 1, 2 * g.size, max_});
  }
  if (g.size == 0) return verdict::goes_on;
  g.work += work;
  g.left -= begun <= g.began ? 1 : 0;
  const auto lasted = now - g.began;
  if (lasted / generation_max > least_) return verdict::enough; // before the first success it is the largest there is
  if (g.left <= 0) {
    if (!brought_more(per_second(g.work, lasted))) return verdict::enough;
    g.size = 0;
  }
  return size_ < max_ ? verdict::goes_on : verdict::full;
}

void window_opening::note(instant::duration took) noexcept {
  least_ = std::min(least_, took);
  least_of_late_ = std::min(least_of_late_, took);
  if (++of_late_ < std::max(answers_of_late, size_ / part_of_late)) return;
  queues_ = std::exchange(least_of_late_, instant::duration::max()) > queueing * least_;
  of_late_ = 0;
}

/// Than the best before. Where requests do not wait for each other, the first time that it did not may be chance.
bool window_opening::brought_more(double done) noexcept {
  const bool more = done > (queues_ ? gain_queueing : gain) * best_;
  const bool again = std::exchange(second_look_, !more);
  best_ = std::max(best_, done);
  return more || !(again || queues_);
}

} // namespace hoist::core
