#include "cli/bench/bench_budget.hpp"

#include <algorithm>

namespace hoist::cli {

namespace {

// The least that percentiles of a few connections can be made of.
constexpr std::uint64_t objects_least = 8;
// What one measurement may take of what is left of its size, so that something stays for larger ones.
constexpr std::uint64_t share_of_left = 4;

} // namespace

std::uint64_t objects_needed(int concurrency) {
  return std::max<std::uint64_t>(objects_least, 4 * static_cast<std::uint64_t>(concurrency));
}

void bench_budget::begin_size(std::uint64_t bytes_each) {
  bytes_each_ = bytes_each;
  of_size_ = {left_.bytes / sizes_left_, left_.objects / sizes_left_};
  --sizes_left_;
}

std::uint64_t bench_budget::left_of_size() const {
  return bytes_each_ == 0 ? of_size_.objects : std::min(of_size_.objects, of_size_.bytes / bytes_each_);
}

std::uint64_t bench_budget::objects_for(int concurrency, std::optional<std::uint64_t> wanted) const {
  const auto left = left_of_size();
  if (wanted) return *wanted <= left ? *wanted : 0;
  const auto needed = objects_needed(concurrency);
  return needed > left ? 0 : std::max(needed, left / share_of_left);
}

void bench_budget::spent(std::uint64_t objects) {
  for (auto* of : {&left_, &of_size_}) {
    of->objects -= std::min(of->objects, objects);
    of->bytes -= std::min(of->bytes, objects * bytes_each_);
  }
}

bench_limits most_sent(bench_limits allowed, std::span<const std::uint64_t> sizes, std::size_t cells,
                       std::optional<std::uint64_t> wanted) {
  bench_limits most{0, 0};
  for (const auto size : sizes) {
    const auto objects = wanted ? std::min(allowed.objects, *wanted * cells) : allowed.objects;
    most.objects = std::min(allowed.objects, most.objects + objects);
    const auto bytes = size == 0 || objects > allowed.bytes / size ? (size == 0 ? 0 : allowed.bytes) : objects * size;
    most.bytes = std::min(allowed.bytes, most.bytes + bytes);
  }
  return most;
}

} // namespace hoist::cli
