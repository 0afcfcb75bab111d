#include "core/pace/pipeline.hpp"

#include <algorithm>

namespace hoist::core {

namespace {

using namespace std::chrono_literals;

/// A depth is doubled when so many of its pipelines have been answered in a row.
constexpr int pipelines_trusted = 4;

/// Pipelining may delay the last request in line by a quarter, or by 1 ms if that is more. A slow serial API is better
/// asked over more connections.
constexpr auto wait_added_min = 1ms;
constexpr int wait_added_part = 4;

constexpr int hesitation_growth = 8, hesitation_max = 4096;

void average(std::optional<instant::duration>& of, instant::duration value) noexcept {
  of = of ? *of + (value - *of) / 8 : value;
}

} // namespace

instant::duration pipeline::wait_added_max() const noexcept {
  return std::max<instant::duration>(wait_added_min, alone_.value_or(0s) / wait_added_part);
}

int pipeline::depth() const noexcept {
  if (!finds_out_ || grown_ == 1 || apart_.value_or(0s) <= 0s) return grown_;
  return static_cast<int>(std::min<std::int64_t>(1 + wait_added_max() / *apart_, grown_));
}

int pipeline::room(const line& l) const noexcept {
  const int behind = depth() - l.unanswered();
  if (!line_asks_ || l.answered >= *line_asks_) return behind;
  return std::min(behind, static_cast<int>(*line_asks_ - l.asked));
}

void pipeline::answered(line& l, instant sent, instant now, bool goes_on) noexcept {
  const bool waited_in_line = l.answered > 0 && sent < l.last_answer;
  const auto took = now - sent;
  if (!waited_in_line)
    average(alone_, took);
  else // whoever asked later is answered later, and has waited for nobody by that
    average(apart_, std::clamp(now - l.last_answer, 0ns, std::max(0ns, took - alone_.value_or(0s))));
  ++l.answered;
  l.last_answer = now;

  if (!goes_on)
    line_asks_ = l.answered;
  else if (line_asks_ && l.answered >= *line_asks_)
    line_asks_.reset(); // it takes more than it did before

  if (!finds_out_ || given_up_) return;
  if (grown_ > 1 && apart_.value_or(0s) > wait_added_max()) return step_back();
  if (waited_in_line || grown_ == 1) ++trusted_;
  if (trusted_ >= pipelines_trusted * grown_ * (grown_ == 1 ? hesitation_ : 1)) grow();
}

void pipeline::grow() noexcept {
  trusted_ = 0;
  if (grown_ > 1) hesitation_ = 1; // it was good at that depth
  grown_ = std::min(grown_ * 2, most_);
}

/// Those that wait in line wait too long. That may have been a moment's trouble.
void pipeline::step_back() noexcept {
  trusted_ = 0;
  hesitation_ = std::min(hesitation_ * hesitation_growth, hesitation_max);
  grown_ = 1;
  apart_.reset();
}

void pipeline::lost(const line& l, loss how) noexcept {
  if (how == loss::announced || how == loss::ours || l.unanswered() < 2) return;
  trusted_ = 0;
  if (how == loss::closed && l.answered >= static_cast<std::uint32_t>(depth())) return; // any connection ends some day
  given_up_ = true;
  grown_ = most_ = 1;
}

} // namespace hoist::core
