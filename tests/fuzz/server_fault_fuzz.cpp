// hoist-server's fault switches and quantities, and the tickets that are spoilt on purpose.

#include "fuzz.hpp"
#include "server/base/quantity.hpp"
#include "server/faults/fault_plan.hpp"
#include "server/faults/ticket_spoiler.hpp"

#include <cmath>

namespace {

using namespace hoist;
using namespace hoist::server;
using fuzz::require;

void check_fault(std::string_view spec) {
  const auto parsed = parse_fault(spec);
  if (const auto* complaint = std::get_if<std::string>(&parsed)) {
    require(!complaint->empty(), "a refusal says what would be right");
    return;
  }
  const auto& f = std::get<fault>(parsed);
  require(std::isfinite(f.share) && f.share >= 0 && f.share <= 1, "a share is one");
  require(std::isfinite(f.per_second) && f.per_second >= 0, "a rate is a number");
  require(f.status == 0 || (f.status >= 300 && f.status <= 599), "a status is one of a refusal");
  require(f.time.count() >= 0, "a time is not negative");
  require(spec.starts_with(f.name), "a fault is counted under its name");
  for (const std::uint64_t number : {std::uint64_t{0}, std::uint64_t{1}, ~std::uint64_t{0}}) {
    const bool hit = hits(f, 1, number);
    require(hit == hits(f, 1, number), "the same seed hits the same requests");
    if (f.first) require(hit == (number < *f.first), "the first so many, and no others");
    if (!f.first && f.share == 0) require(!hit, "a share of nothing hits nobody");
    if (!f.first && f.share == 1) require(hit, "a share of all hits everybody");
  }
}

void check_quantities(std::string_view text) {
  if (const auto time = parse_duration(text)) require(time->count() >= 0, "a duration is not negative");
  if (const auto size = parse_size(text))
    require(parse_rate(std::string(text) + "/s") == size, "a rate is a size per second");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::exact_copy input(fuzz::text_of(data, size));
  check_fault(input.text());
  check_quantities(input.text());
  const auto equals = input.text().find('=');
  if (equals != std::string_view::npos) check_quantities(input.text().substr(equals + 1));
  return 0;
}
