#pragma once

// What is known of one name's addresses, and in which order the next connection tries them: spread over the good ones,
// families by turns, the bad ones last. An address is bad for a while after it did not answer; it is never left out, so
// that a name whose addresses are all bad is still tried. Time is an argument.

#include "net/address_rules.hpp"

#include <chrono>

namespace hoist::net {

/// Long enough that a dead address is not met by every file, short enough that one that came back is found soon.
constexpr std::chrono::seconds bad_address_time{30};

class address_list {
 public:
  using time_point = std::chrono::steady_clock::time_point;

  /// What the name service said. Marks stay, since it says nothing about them.
  void renew(const addresses& found);
  bool empty() const noexcept { return known_.empty(); }

  /// For one connection. Each good address is the first one in its turn.
  addresses next_order(time_point now);

  void mark_bad(const tcp::endpoint& address, time_point now);
  void mark_good(const tcp::endpoint& address);

 private:
  struct mark {
    tcp::endpoint address;
    time_point until;
  };

  addresses known_;
  std::vector<mark> bad_; ///< the one marked longest ago is the first
  std::size_t turn_ = 0;
};

} // namespace hoist::net
