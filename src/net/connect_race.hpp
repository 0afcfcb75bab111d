#pragma once

// TCP to the first of several addresses that answers (RFC 8305): each gets a head start over the next one, and none has
// to fail before another is tried. The first that stands wins; the others are closed, and have ended when `run`
// returns.

#include "net/address_rules.hpp"

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>

namespace hoist::net {

/// What RFC 8305 recommends: longer than most connections take, and a wait that nobody notices once per connection.
constexpr std::chrono::milliseconds connect_head_start{250};

/// Each attempt holds a descriptor, and a thousand connections may be made at once: black holes must not use up all.
constexpr std::size_t connects_alive_max = 4;

struct race_result {
  std::optional<tcp_socket> socket; ///< empty when nobody won
  tcp::endpoint winner;
  addresses bad;  ///< refused us, or had not answered when their time was over
  error_code why; ///< without a winner: the peers' last word, or else what we ran out of
};

/// Whether `ec` tells of our lack of descriptors, ports or memory and not of the peer.
bool is_own_shortage(const error_code& ec) noexcept;

class connect_race {
 public:
  explicit connect_race(executor ex, std::chrono::milliseconds head_start = connect_head_start);
  ~connect_race();
  connect_race(const connect_race&) = delete;
  connect_race& operator=(const connect_race&) = delete;

  /// Runs over `list`, in its order. One run at a time.
  task<race_result> run(addresses list);

  /// Ends the run under way, if there is one, with `why`. After `timed_out` those that had not answered are bad.
  void shut(error_code why);

  /// Attempts under way.
  std::size_t alive() const noexcept;

 private:
  struct field;

  executor ex_;
  std::chrono::milliseconds head_start_;
  std::shared_ptr<field> field_; ///< shared with the reactor's pending connects, which may outlive a dropped coroutine
};

} // namespace hoist::net
