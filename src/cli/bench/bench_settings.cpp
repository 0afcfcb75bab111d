#include "cli/bench/bench_settings.hpp"

#include "cli/base/usage_error.hpp"
#include "cli/bench/bench_sweep.hpp"
#include "cli/options/option_values.hpp"

#include <algorithm>
#include <array>
#include <bit>

namespace hoist::cli {

namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t concurrency_max = 1024;
/// What was left behind because this process was killed goes away by itself.
constexpr std::chrono::seconds kept_at_most = 1h;

/// What does not get through is not waited for as long as in an upload of files: it is a result, and an id that cannot
/// be deleted goes to a file.
constexpr auto patience = 60s;

/// The pieces of "A,B,C", none of them empty.
std::vector<std::string_view> list_of(const typed_value& value, std::string_view remedy) {
  std::vector<std::string_view> pieces;
  std::string_view rest = value.text;
  while (true) {
    const auto comma = rest.find(',');
    if (rest.substr(0, comma).empty()) refuse(value, remedy);
    pieces.push_back(rest.substr(0, comma));
    if (comma == std::string_view::npos) return pieces;
    rest.remove_prefix(comma + 1);
  }
}

void take_sizes(bench_settings& s, const arguments& typed) {
  const auto* value = typed.last("size");
  if (value == nullptr) return;
  constexpr std::string_view remedy = "write sizes from 1 to 100MiB, such as 4KiB,1MiB";
  s.sizes.clear();
  for (const auto piece : list_of(*value, remedy)) {
    const auto size = parse_size(piece);
    if (!size || *size == 0 || *size > s.common.library.file_bytes_max) refuse(*value, remedy);
    s.sizes.push_back(*size);
  }
}

void take_concurrency(bench_settings& s, const arguments& typed) {
  const auto* value = typed.last("concurrency");
  if (value == nullptr || value->text == "auto") return;
  constexpr std::string_view remedy = "use 'auto', or numbers from 1 to 1024 such as 4,8,16";
  for (const auto piece : list_of(*value, remedy)) {
    const auto count = parse_count(piece, 1, concurrency_max);
    if (!count) refuse(*value, remedy);
    s.concurrency.push_back(static_cast<int>(*count));
  }
}

void take_bounds(bench_settings& s, const arguments& typed) {
  s.count = count_of(typed, "count", {8, 10'000'000});
  if (s.count) s.duration = 0ms;
  s.duration = duration_of(typed, "duration", {100ms, 1h, "use 100ms to 1h"}).value_or(s.duration);
  s.limits.bytes = size_of(typed, "max-bytes").value_or(s.limits.bytes);
  s.limits.objects = count_of(typed, "max-objects", {1, 10'000'000}).value_or(s.limits.objects);
  // Who asks for so many objects has raised that bound as well, unless it was given.
  if (s.count && typed.last("max-objects") == nullptr)
    s.limits.objects = std::max(s.limits.objects, *s.count * s.cells_max() * s.sizes.size());
}

void check_bounds(const bench_settings& s) {
  for (const auto size : s.sizes) {
    bench_budget budget(s.limits, s.sizes.size());
    budget.begin_size(size);
    const int least = s.concurrency.empty() ? 1 : s.concurrency.front();
    if (budget.objects_for(least, s.count) == 0)
      throw usage_error("--max-bytes and --max-objects leave too little for even one measurement of each --size; raise "
                        "them, or name fewer or smaller sizes");
  }
}

} // namespace

std::size_t bench_settings::cells_max() const {
  if (!concurrency.empty()) return concurrency.size();
  return static_cast<std::size_t>(std::bit_width(static_cast<unsigned>(bench_sweep::doubling_max)));
}

bench_settings bench_settings_from(const arguments& typed, const environment& variables) {
  if (!typed.paths.empty())
    throw usage_error("hoist bench takes no files: it makes what it sends. See hoist bench --help.");
  bench_settings s;
  s.common = common_settings_from(typed, variables, key_need::needed);
  take_sizes(s, typed);
  take_concurrency(s, typed);
  take_bounds(s, typed);
  check_bounds(s);
  s.keep = typed.is_on("keep");
  s.ask = !typed.is_on("yes");
  if (typed.last("left") != nullptr) s.left = text_of(typed, "left");
  constexpr std::array<std::pair<std::string_view, bool>, 3> formats{
      {{"text", false}, {"json", true}, {"jsonl", true}}};
  s.json = choice_of(typed, "format", formats, false);
  s.common.library.retry.give_up_after = patience;
  if (!s.keep && s.common.library.expires_in == 0s) s.common.library.expires_in = kept_at_most;
  return s;
}

} // namespace hoist::cli
