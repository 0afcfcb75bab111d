#pragma once

// Notices what takes too long. It keeps, for each connection, when its `moves` last changed; a stage that has seen no
// move for longer than its limit is over.

#include "core/base/time.hpp"
#include "net/failure.hpp"

#include <hoist/options.hpp>

#include <vector>

namespace hoist::engine {

class sweeper {
 public:
  sweeper(const timeout_options& limits, std::size_t connections) : limits_(limits), seen_(connections) {}

  /// Whether connection `i` has exceeded its stage's limit; the clock of that connection then starts anew.
  bool overdue(std::size_t i, const net::activity& doing, core::instant now);

 private:
  core::millis limit_of(net::stage at) const noexcept;

  struct observation {
    std::uint32_t moves = 0;
    core::instant since{};
    bool looked = false;
  };
  timeout_options limits_;
  std::vector<observation> seen_;
};

} // namespace hoist::engine
