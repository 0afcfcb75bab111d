#include "net/address_list.hpp"

#include <algorithm>

namespace hoist::net {

namespace {

bool holds(const addresses& list, const tcp::endpoint& address) {
  return std::ranges::find(list, address) != list.end();
}

/// Families by turns (RFC 8305), so that one that is broken costs one attempt and not all of them.
addresses interleaved(const addresses& list) {
  addresses same, other, result;
  for (const auto& e : list) (e.protocol() == list.front().protocol() ? same : other).push_back(e);
  for (std::size_t i = 0; i < std::max(same.size(), other.size()); ++i) {
    if (i < same.size()) result.push_back(same[i]);
    if (i < other.size()) result.push_back(other[i]);
  }
  return result;
}

} // namespace

void address_list::renew(const addresses& found) {
  known_.clear();
  for (const auto& e : found)
    if (!holds(known_, e)) known_.push_back(e); // an address named twice is not raced against itself
}

addresses address_list::next_order(time_point now) {
  std::erase_if(bad_, [now](const mark& m) { return m.until <= now; });
  addresses bad, good;
  for (const mark& m : bad_)
    if (holds(known_, m.address)) bad.push_back(m.address);
  for (const auto& e : known_)
    if (!holds(bad, e)) good.push_back(e);
  // Not std::ranges::rotate, whose result Clang 14 cannot make with the library of GCC 12.
  if (!good.empty())
    std::rotate(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(turn_++ % good.size()), good.end());
  addresses order = interleaved(good);
  order.insert(order.end(), bad.begin(), bad.end());
  return order;
}

void address_list::mark_bad(const tcp::endpoint& address, time_point now) {
  mark_good(address); // its place is the last from now on
  bad_.push_back({address, now + bad_address_time});
}

void address_list::mark_good(const tcp::endpoint& address) {
  std::erase_if(bad_, [&](const mark& m) { return m.address == address; });
}

} // namespace hoist::net
