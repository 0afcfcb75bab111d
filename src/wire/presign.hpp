#pragma once

// The presign call: a request's bytes out, a reply's JSON in.

#include "core/base/lifetime.hpp"
#include "wire/header_rules.hpp"
#include "wire/url.hpp"

#include <hoist/options.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace hoist::wire {

/// What a presign returned, after every rule of the contract has been applied to it.
struct ticket {
  std::string id;
  std::string public_url;
  url put_url; ///< secret: its query is a bearer token
  std::vector<header> required_headers;
  core::ticket_dates dates;
  bool expires_at_unreadable = false; ///< the field was there and tells nothing; another bound holds
};

/// Builds the presign requests of one uploader. Everything but the body's fields is prepared once.
class presign_writer {
 public:
  presign_writer(const origin& api, std::string_view api_key, std::chrono::seconds expires_in);

  /// Appends one whole request to `out`.
  void append(std::string& out, std::string_view content_type) const;

 private:
  std::string head_;       ///< up to "Content-Length: "
  std::string expires_in_; ///< the body's last member, or empty
};

/// Why a reply was refused: what is wrong with what. Both in our words, without bytes of the reply.
struct reply_refusal {
  enum class kind : std::uint8_t { none, malformed, headers, url } what = kind::none;
  std::string_view field;
  std::string_view reason;

  explicit operator bool() const noexcept { return what != kind::none; }
};

struct reply_rules {
  std::string api_key;             ///< may appear in nothing that goes to the storage
  bool allow_http_storage = false; ///< the API is http itself, or the caller said so
};

/// Reads presign replies. One per thread: it keeps simdjson's tapes between calls.
class presign_reader {
 public:
  explicit presign_reader(reply_rules rules);
  ~presign_reader();
  presign_reader(presign_reader&&) noexcept;
  presign_reader& operator=(presign_reader&&) noexcept;

  /// Bytes that must be readable behind the body handed to `parse`.
  static std::size_t padding() noexcept;

  /// Reads the reply `body` of a 2xx into `out`, whose strings keep their capacity. On a refusal `out` is unspecified.
  /// Precondition: `padding()` bytes behind `body` may be read.
  reply_refusal parse(std::string_view body, ticket& out);

 private:
  struct body;
  std::unique_ptr<body> body_;
};

/// What the JSON body of a refusal says to people, at most 256 bytes: `error`, be it a text or an object with a
/// `message`, else `message`, `detail` or `title`. Empty when there is none.
std::string parse_api_error(std::string_view body);

} // namespace hoist::wire
