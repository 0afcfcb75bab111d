#pragma once

// Answers out of a stream: receives, parses, keeps what belongs to the next answer.

#include "net/stream.hpp"
#include "wire/response_reader.hpp"

#include <memory>

namespace hoist::net {

class answer_reader {
 public:
  /// Forgets everything, for a new connection.
  void restart();

  enum class progress : std::uint8_t { waiting, complete, broken };

  /// Takes what is there. `waiting`: wait for readability and pull again. `broken`: `why` says how; `any_byte()` tells
  /// whether the answer had begun.
  progress pull(stream& from, failure& why);

  /// After `complete`: the next `pull` begins the next answer.
  void next();
  /// The next answer is that to a HEAD, and has no body. Holds until `next`. Precondition: none of it has been pulled.
  void expect_no_body() { reader_.expect_no_body(); }

  wire::response& answer() noexcept { return reader_.result(); }
  bool any_byte() const noexcept { return any_byte_; }
  /// Status and headers are there.
  bool head_done() const noexcept { return any_byte_ && reader_.head_done(); }
  bool leftover() const noexcept { return begin_ != end_; }

 private:
  static constexpr std::size_t capacity = wire::response_head_max + 1024;

  progress parse(failure& why);
  progress stopped(const error_code& ec, failure& why);

  wire::response_reader reader_;
  std::unique_ptr<char[]> buffer_{new char[capacity]};
  std::size_t begin_ = 0, end_ = 0;
  bool any_byte_ = false;
};

} // namespace hoist::net
