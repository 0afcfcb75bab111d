#include "wire/response_reader.hpp"

#include "wire/header_rules.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <utility>

namespace hoist::wire {

namespace {

namespace http = boost::beast::http;
using error_code = boost::beast::error_code;

std::string_view view(boost::beast::string_view s) noexcept {
  return {s.data(), s.size()};
}

/// Whether a list's elements are each empty or one of `words`.
bool only_of(std::string_view list, std::initializer_list<std::string_view> words) {
  while (!list.empty()) {
    const auto end = std::min(list.find(','), list.size());
    const auto element = without_blanks(list.substr(0, end));
    list.remove_prefix(std::min(end + 1, list.size()));
    const auto same = [&](std::string_view word) { return equal_ignoring_case(element, word); };
    if (!element.empty() && std::ranges::none_of(words, same)) return false;
  }
  return true;
}

// Beast refuses an answer whose Connection is no list of tokens ("keep-alive; timeout=5"), though nothing is at stake
// in it but whether the connection is used again.

constexpr int odd_connections_max = 8; ///< lines of one head

bool begins_connection_line(std::string_view bytes) noexcept {
  const auto begins = [&](std::string_view name) { return equal_ignoring_case(bytes.substr(0, name.size()), name); };
  return begins("connection:") || begins("proxy-connection:");
}

/// Whether a value that is no list of tokens has "close" in it all the same.
bool says_close(std::string_view value) noexcept {
  while (!value.empty()) {
    const auto end = std::min(value.find_first_of(",; \t\"'"), value.size());
    if (equal_ignoring_case(value.substr(0, end), "close")) return true;
    value.remove_prefix(std::min(end + 1, value.size()));
  }
  return false;
}

// Many servers and proxies leave out the blank before an absent reason phrase, which RFC 9112 wants and Beast insists
// on.
constexpr std::string_view bare_status_line = "HTTP/1.d ddd\r\n"; // each d a digit
constexpr std::size_t bare_blank_at = 12;

/// How many of the first bytes are as in a bare status line.
std::size_t bare_prefix(std::string_view bytes) noexcept {
  const auto fits = [](char pattern, char c) { return pattern == 'd' ? c >= '0' && c <= '9' : c == pattern; };
  const std::size_t most = std::min(bytes.size(), bare_status_line.size());
  std::size_t n = 0;
  while (n < most && fits(bare_status_line[n], bytes[n])) ++n;
  return n;
}

/// Puts what Beast recognises into a `response`.
class collector : public http::basic_parser<false> {
 public:
  explicit collector(response& out) : out_(out) {
    header_limit(response_head_max);
    body_limit(std::numeric_limits<std::uint64_t>::max()); // ours is the limit of what is kept, see take()
    eager(true);
  }

  /// The next header is a Connection that Beast does not take, under a name that it does not know.
  void expect_odd_connection() noexcept { odd_connection_next_ = true; }
  bool odd_close() const noexcept { return odd_close_; }
  bool encoded() const noexcept { return encoded_; }
  bool body_overflowed() const noexcept { return overflowed_; }
  /// What ends the body is in doubt, though RFC 9112 says how to take it: nothing more is to be read from this
  /// connection.
  bool framing_is_odd() const noexcept {
    const bool bodiless = out_.status == 204 || out_.status == 304;
    return (is_http_1_0_ && coded_) || (bodiless && (coded_ || content_length().value_or(0) > 0));
  }

 private:
  void on_request_impl(http::verb, boost::beast::string_view, boost::beast::string_view, int, error_code&) override {}

  void on_response_impl(int status, boost::beast::string_view, int version, error_code& ec) override {
    out_.status = status;
    is_http_1_0_ = version < 11;
    if (status < 100) ec = http::error::bad_status; // Beast takes any three digits
  }

  void on_field_impl(http::field name, boost::beast::string_view name_text, boost::beast::string_view value,
                     error_code& ec) override {
    if (head_over_) return; // a trailer
    if (std::exchange(odd_connection_next_, false)) {
      odd_close_ = odd_close_ || says_close(view(value));
      return;
    }
    switch (name) {
    case http::field::date: out_.date = view(value); return;
    case http::field::retry_after: out_.retry_after = view(value); return;
    case http::field::etag: out_.etag = view(value); return;
    case http::field::location: out_.location = view(value); return;
    case http::field::content_encoding: encoded_ = encoded_ || !only_of(view(value), {"identity"}); return;
    case http::field::transfer_encoding:
      coded_ = true;
      encoded_ = encoded_ || !only_of(view(value), {"chunked", "identity"});
      if (sized_) ec = http::error::bad_transfer_encoding; // two ends for one body is how answers are smuggled
      return;
    case http::field::content_length:
      sized_ = true;
      if (coded_) ec = http::error::bad_content_length;
      return;
    default: break;
    }
    if (boost::beast::iequals(name_text, "x-amz-request-id")) out_.request_id = view(value);
    if (boost::beast::iequals(name_text, "x-amz-server-side-encryption")) out_.encryption = view(value);
    if (boost::beast::iequals(name_text, "x-amz-error-code") || boost::beast::iequals(name_text, "x-ms-error-code"))
      out_.error_code = view(value);
  }

  void on_header_impl(error_code&) override { head_over_ = true; }
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  void on_chunk_header_impl(std::uint64_t, boost::beast::string_view, error_code&) override {}
  void on_finish_impl(error_code&) override {}

  std::size_t on_body_impl(boost::beast::string_view bytes, error_code&) override { return take(view(bytes)); }
  std::size_t on_chunk_body_impl(std::uint64_t, boost::beast::string_view bytes, error_code&) override {
    return take(view(bytes));
  }

  /// Keeps what fits. An answer that goes on beyond that is cut: its connection is not worth draining.
  std::size_t take(std::string_view bytes) {
    const std::size_t room = response_body_max - out_.body.size();
    overflowed_ = overflowed_ || bytes.size() > room;
    out_.body += bytes.substr(0, room);
    return bytes.size();
  }

  response& out_;
  bool head_over_ = false;
  bool encoded_ = false;
  bool coded_ = false; ///< has a Transfer-Encoding
  bool sized_ = false; ///< has a Content-Length
  bool is_http_1_0_ = false;
  bool overflowed_ = false;
  bool odd_connection_next_ = false;
  bool odd_close_ = false;
};

void clear(response& r) {
  r.status = 0;
  r.keep_alive = false;
  r.cut_off = r.encoded = false;
  r.content_length.reset();
  for (std::string* s :
       {&r.date, &r.retry_after, &r.etag, &r.request_id, &r.encryption, &r.location, &r.error_code, &r.body})
    s->clear();
}

} // namespace

struct response_reader::body {
  response out;
  std::optional<collector> parser;
  int interim = 0;
  int odd_connections = 0; ///< of this head
  bool body_expected = true;
  bool begun = false; ///< the parser has been given the status line, or what is none that needs mending
  std::string_view why;

  void begin() {
    clear(out);
    parser.emplace(out);
    parser->skip(!body_expected);
    begun = false;
    odd_connections = 0;
  }

  /// Gives the parser what it takes of `bytes`, and tells how much that was.
  std::size_t feed(std::string_view bytes, error_code& ec) {
    std::size_t mended = 0;
    if (!begun) {
      const auto alike = bare_prefix(bytes);
      const bool bare = alike == bare_status_line.size();
      if (alike == bytes.size() && !bare) return 0; // it may become one
      begun = true;
      if (bare) {
        mended = alike;
        put_status_line(bytes, ec);
        if (ec != http::error::need_more || mended == bytes.size()) return mended;
      }
    }
    std::size_t taken = mended + put(bytes.substr(mended), ec);
    while (ec == http::error::bad_value && is_odd_connection(bytes.substr(taken))) {
      // Beast has stopped before this line. Without its first letter the name is none that it looks into, and all else
      // that a line must be is still asked of it.
      parser->expect_odd_connection();
      ++taken;
      taken += put(bytes.substr(taken), ec);
    }
    return taken;
  }

  std::size_t put(std::string_view bytes, error_code& ec) {
    return parser->put(boost::asio::buffer(bytes.data(), bytes.size()), ec);
  }

  bool is_odd_connection(std::string_view bytes) {
    return !parser->is_header_done() && begins_connection_line(bytes) && ++odd_connections <= odd_connections_max;
  }

  void put_status_line(std::string_view bytes, error_code& ec) {
    std::array<char, bare_status_line.size() + 1> line;
    bytes.copy(line.data(), bare_blank_at);
    line[bare_blank_at] = ' ';
    bytes.substr(bare_blank_at).copy(line.data() + bare_blank_at + 1, bare_status_line.size() - bare_blank_at);
    parser->put(boost::asio::buffer(line), ec);
  }

  progress broken(std::string_view reason) {
    why = reason;
    return progress::broken;
  }

  progress finish() {
    // Without a body there is nothing that would have to be decoded.
    out.encoded = parser->encoded() && !out.body.empty();
    if (const auto length = parser->content_length()) out.content_length = *length;
    // 421: this server is the wrong one for what we ask, whatever it thinks of keeping us.
    out.keep_alive = parser->keep_alive() && !parser->odd_close() && !parser->body_overflowed() && out.status != 421 &&
                     !(body_expected && parser->framing_is_odd());
    return progress::complete;
  }
};

response_reader::response_reader() : body_(std::make_unique<body>()) {
  reset();
}
response_reader::~response_reader() = default;
response_reader::response_reader(response_reader&&) noexcept = default;
response_reader& response_reader::operator=(response_reader&&) noexcept = default;

void response_reader::reset() {
  body_->body_expected = true;
  body_->begin();
  body_->interim = 0;
  body_->why = {};
}

void response_reader::expect_no_body() {
  body_->body_expected = false;
  body_->begin();
}

response_reader::progress response_reader::push(std::string_view bytes, std::size_t& consumed) {
  body& b = *body_;
  consumed = 0;
  for (;;) {
    error_code ec;
    if (consumed < bytes.size()) consumed += b.feed(bytes.substr(consumed), ec);
    if (ec && ec != http::error::need_more) {
      if (ec == http::error::header_limit) return b.broken("has a head over 16 KiB");
      return b.broken("is not valid HTTP/1.1");
    }
    if (!b.parser->is_done()) {
      // What a body holds is bounded by take(); what the parser does not take yet, since it is not whole, by this: a
      // head, a chunk's first line, what follows the last chunk.
      if (bytes.size() - consumed > response_head_max)
        return b.broken(b.parser->is_header_done() ? "has a line over 16 KiB" : "has a head over 16 KiB");
      if (b.parser->body_overflowed()) return b.finish(); // enough is known; the rest is not read
      return progress::need_more;
    }
    const bool interim = b.out.status >= 100 && b.out.status < 200;
    if (!interim) return b.finish();
    if (b.out.status == 101) return b.broken("switches protocols");
    if (++b.interim > interim_responses_max) return b.broken("has too many interim answers");
    b.begin();
  }
}

response_reader::progress response_reader::push_end() {
  if (!body_->parser->got_some()) return body_->broken("ends before it begins");
  error_code ec;
  body_->parser->put_eof(ec);
  if (ec || !body_->parser->is_done()) return body_->broken("ends before it is whole");
  return body_->finish();
}

bool response_reader::head_done() const noexcept {
  return body_->parser->is_header_done();
}
const response& response_reader::result() const noexcept {
  return body_->out;
}
response& response_reader::result() noexcept {
  return body_->out;
}
std::string_view response_reader::why() const noexcept {
  return body_->why;
}

} // namespace hoist::wire
