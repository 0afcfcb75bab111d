#pragma once

// An HTTP/1.1 response pushed in as it arrives. Beast's basic_parser does the parsing; this keeps the status, the few
// headers that decisions need, and a bounded body, in storage that is reused from response to response.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace hoist::wire {

struct response {
  int status = 0;
  bool keep_alive = false;
  std::optional<std::uint64_t>
      content_length;   ///< as declared; in the answer to a HEAD, the length of what was not sent
  bool cut_off = false; ///< its body ended with the connection, and TLS did not say that this was the end
  bool encoded =
      false; ///< a body is there, and a Content-Encoding or transfer coding that we do not decode stands before it
  std::string date, retry_after, etag, request_id, encryption, location;
  std::string error_code; ///< of the headers in which some storages repeat what their body says
  std::string body;       ///< at most `response_body_max` bytes
};

constexpr std::size_t response_head_max = 16 * 1024;
constexpr std::size_t response_body_max = 64 * 1024;
constexpr int interim_responses_max = 8; ///< 1xx answers before the real one

class response_reader {
 public:
  response_reader();
  ~response_reader();
  response_reader(response_reader&&) noexcept;
  response_reader& operator=(response_reader&&) noexcept;

  /// Makes ready for the next response.
  void reset();
  /// The next response answers a HEAD: it ends with its head, whatever the head says of a body and its encoding. Holds
  /// until `reset`. Precondition: none of its bytes has been pushed.
  void expect_no_body();

  enum class progress : std::uint8_t {
    need_more, ///< the response is not whole yet
    complete,  ///< `result()` is the final response; bytes behind it were not consumed
    broken,    ///< no response that we accept; `why()` says so
  };

  /// Takes bytes in; `consumed` tells how many. Unconsumed bytes are to be offered again, together with later ones.
  progress push(std::string_view bytes, std::size_t& consumed);

  /// The peer closed. Completes a response without a declared length.
  progress push_end();

  /// A status line has been seen. Until the response is complete, only `status` and the headers read so far are true.
  bool head_done() const noexcept;
  const response& result() const noexcept;
  response& result() noexcept;
  std::string_view why() const noexcept;

 private:
  struct body;
  std::unique_ptr<body> body_;
};

} // namespace hoist::wire
