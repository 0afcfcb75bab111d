#pragma once

// How many presign requests a connection to one API may have unanswered (HTTP/1.1 pipelining). A presign is safe to
// repeat, so this can be found out by trying: more at once while answers come, one at a time for good as soon as the
// API, or a proxy before it, shows that it cannot take it.

#include "core/base/time.hpp"

#include <cstdint>
#include <optional>

namespace hoist::core {

struct pipeline_range {
  int first = 1; ///< to begin with
  int most = 16; ///< equal to `first`: nothing is found out
};

class pipeline {
 public:
  explicit pipeline(pipeline_range range = {}) noexcept
      : finds_out_(range.first < range.most), most_(range.most), grown_(range.first) {}

  /// One connection's account, from the moment it stands.
  struct line {
    std::uint32_t asked = 0, answered = 0;
    instant last_answer{};

    int unanswered() const noexcept { return static_cast<int>(asked - answered); }
  };

  enum class loss : std::uint8_t {
    announced, ///< by "Connection: close": what was behind that answer has not been looked at
    closed,    ///< without a word
    silent,    ///< a limit of time ran out
    garbled,   ///< what came is no answer
    ours,      ///< we wanted it so, or never were connected
  };

  int depth() const noexcept;
  /// How many more requests `l` may take now.
  int room(const line& l) const noexcept;
  /// The request of `l` that was handed to the kernel at `sent` is answered. `goes_on`: the connection is kept.
  void answered(line& l, instant sent, instant now, bool goes_on) noexcept;
  /// `l` has ended, with what it still had unanswered.
  void lost(const line& l, loss how) noexcept;
  /// It was tried, and one at a time is how it is done from here on.
  bool given_up() const noexcept { return given_up_; }

 private:
  instant::duration wait_added_max() const noexcept;
  void grow() noexcept;
  void step_back() noexcept;

  bool finds_out_;
  int most_;
  int grown_;
  int trusted_ = 0;    ///< answers in a row at this depth
  int hesitation_ = 1; ///< how many times as many it takes to try again what was too slow
  bool given_up_ = false;
  std::optional<std::uint32_t> line_asks_; ///< the API closes a connection after so many
  std::optional<instant::duration> alone_; ///< what an answer takes to a request that waits behind none, averaged
  std::optional<instant::duration> apart_; ///< how much longer it takes to one that waits behind another, averaged
};

} // namespace hoist::core
