#pragma once

// How a connection ends without a whole answer, and as what that is told.

#include "fake_peer.hpp"

#include "net/failure.hpp"

#include <functional>
#include <string>
#include <vector>

namespace hoist::test {

struct no_answer_case {
  const char* name;
  std::function<void(peer_connection&)> end; ///< after the whole request was read
  net::failure_kind expected;
};

/// What a peer says before it falls silent, or hangs up.
inline std::function<void(peer_connection&)> says(std::string words, bool hangs_up = false) {
  return [words = std::move(words), hangs_up](peer_connection& p) {
    p.write(words);
    if (hangs_up) p.end_writing();
    p.drain();
  };
}

inline std::vector<no_answer_case> no_answers() {
  using enum net::failure_kind;
  return {
      {"closed_before", [](peer_connection& p) { p.close(); }, closed},
      {"reset_before", [](peer_connection& p) { p.reset(); }, closed},
      {"closed_within", says("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n", true), broken},
      {"closed_within_a_name", says("HTTP/1.1 200 OK\r\nContent-Le", true), broken},
      {"garbage", says("\x15\x03\x01 what is this\r\n\r\n"), bad_response},
      {"endless_head", says("HTTP/1.1 200 OK\r\nX: " + std::string(40'000, 'x')), bad_response},
  };
}

} // namespace hoist::test
