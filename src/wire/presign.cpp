#include "wire/presign.hpp"

#include "wire/dates.hpp"

#include <hoist/version.hpp>

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace hoist::wire {

namespace {

using kind = reply_refusal::kind;

constexpr std::size_t id_bytes_max = 256;
constexpr std::size_t error_bytes_max = 256;
constexpr std::size_t reply_bytes_max = 64 * 1024;
constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";

/// `file_type` is one of four words; the media type's major part tells which.
std::string_view file_type_of(std::string_view content_type) noexcept {
  for (std::string_view major : {"image", "video", "audio"})
    if (content_type.starts_with(major) && content_type.substr(major.size()).starts_with('/')) return major;
  return "other";
}

void append_json_string(std::string& out, std::string_view text) {
  constexpr char digits[] = "0123456789abcdef";
  for (char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += "\\u00";
      out += digits[static_cast<unsigned char>(c) >> 4];
      out += digits[static_cast<unsigned char>(c) & 0xf];
    } else {
      out += c;
    }
  }
}

/// X-Amz-Date + X-Amz-Expires: the only expiry that the signature itself carries.
std::optional<core::wall_time> signed_until(std::string_view target) noexcept {
  const auto date = query_value(target, "X-Amz-Date");
  const auto expires = query_value(target, "X-Amz-Expires");
  if (!date || !expires) return std::nullopt;
  const auto signed_at = parse_amz_date(*date);
  std::int64_t seconds = 0;
  const auto [end, error] = std::from_chars(expires->data(), expires->data() + expires->size(), seconds);
  constexpr std::int64_t seconds_max = 7 * 24 * 3600; // SigV4's own limit
  if (!signed_at || error != std::errc{} || end != expires->data() + expires->size()) return std::nullopt;
  if (seconds < 0 || seconds > seconds_max) return std::nullopt;
  return *signed_at + std::chrono::seconds{seconds};
}

// Earlier than this nobody signs: it is what a field that was never set looks like (Go's year 1, the epoch).
constexpr core::wall_time set_dates_begin{std::chrono::sys_days{std::chrono::year{2000} / 1 / 1}};

/// What serialisers write for "nothing": null, "", false, 0, and PHP's array for an object that has no members.
bool says_nothing(simdjson::dom::element value) noexcept {
  using type = simdjson::dom::element_type;
  switch (value.type()) {
  case type::NULL_VALUE: return true;
  case type::BOOL: return !value.get_bool().value_unsafe();
  case type::STRING: return without_blanks(value.get_string().value_unsafe()).empty();
  case type::ARRAY: return value.get_array().value_unsafe().size() == 0;
  case type::OBJECT: return value.get_object().value_unsafe().size() == 0;
  case type::INT64: return value.get_int64().value_unsafe() == 0;
  case type::UINT64: return value.get_uint64().value_unsafe() == 0;
  case type::DOUBLE: return value.get_double().value_unsafe() == 0;
  }
  return false;
}

/// The text of a string, or of a value that has only one spelling as text: a whole number, true or false. A fraction
/// has several.
bool text_of(simdjson::dom::element value, std::string& out) {
  std::string_view text;
  std::int64_t number = 0;
  std::uint64_t large = 0;
  bool truth = false;
  if (!value.get(text))
    out = text;
  else if (!value.get(number))
    out = std::to_string(number);
  else if (!value.get(large))
    out = std::to_string(large);
  else if (!value.get(truth))
    out = truth ? "true" : "false";
  else
    return false;
  return true;
}

/// Whether `number` is an integer in JSON's spelling that fits into neither 64-bit type.
bool is_beyond_64_bits(std::string_view number) noexcept {
  const bool negative = number.starts_with('-');
  const auto digits = number.substr(negative ? 1 : 0);
  if (digits.find_first_not_of("0123456789") != std::string_view::npos || digits.empty() || digits.front() == '0')
    return false;
  constexpr std::uint64_t negative_max = std::uint64_t{1} << 63;
  std::uint64_t magnitude = 0;
  const auto error = std::from_chars(digits.data(), digits.data() + digits.size(), magnitude).ec;
  return error != std::errc{} || (negative && magnitude > negative_max);
}

/// Behind the text in quotes that begins at `at`.
std::size_t end_of_text(std::string_view json, std::size_t at) noexcept {
  for (++at; at < json.size() && json[at] != '"'; ++at)
    if (json[at] == '\\') ++at;
  return std::min(at + 1, json.size());
}

/// Overwrites each integer beyond 64 bits, for one of which simdjson refuses the whole text, by a number of as many
/// bytes that no field takes. False when there is none.
bool blot_out_large_integers(std::string& json) {
  constexpr std::string_view taken_by_none = "1e99"; // no id, no header's value, no time
  bool any = false;
  for (std::size_t at = 0, end = 0; at < json.size(); at = end) {
    end =
        json[at] == '"' ? end_of_text(json, at) : std::min(json.find_first_not_of("0123456789+-.eE", at), json.size());
    if (end == at) ++end;
    if (!is_beyond_64_bits(std::string_view(json).substr(at, end - at))) continue;
    std::fill(std::copy(taken_by_none.begin(), taken_by_none.end(), json.begin() + static_cast<std::ptrdiff_t>(at)),
              json.begin() + static_cast<std::ptrdiff_t>(end), ' ');
    any = true;
  }
  return any;
}

/// `padded`: simdjson's padding stands behind `text`, so it need not be copied.
bool read_json(simdjson::dom::parser& parser, std::string_view text, bool padded, simdjson::dom::element& out) {
  if (!parser.parse(text.data(), text.size(), !padded).get(out)) return true;
  std::string mended(text);
  return blot_out_large_integers(mended) && !parser.parse(mended.data(), mended.size()).get(out);
}

bool printable_ascii(std::string_view text) noexcept {
  for (char c : text)
    if (static_cast<unsigned char>(c) <= 0x20 || static_cast<unsigned char>(c) >= 0x7f) return false;
  return true;
}

} // namespace

presign_writer::presign_writer(const origin& api, std::string_view api_key, std::chrono::seconds expires_in) {
  head_ = "POST /v1/upload/presign HTTP/1.1\r\nHost: " + api.authority() + "\r\nUser-Agent: hoist/" + version() +
          "\r\nX-API-Key: ";
  head_ += api_key;
  head_ += "\r\nAccept: application/json\r\nContent-Type: application/json\r\nContent-Length: ";
  if (expires_in.count() > 0) expires_in_ = ",\"expires_in_seconds\":" + std::to_string(expires_in.count());
}

void presign_writer::append(std::string& out, std::string_view content_type) const {
  constexpr std::string_view before_type = "{\"content_type\":\"", between = "\",\"file_type\":\"";
  const std::string_view file_type = file_type_of(content_type);
  const std::size_t head_at = out.size();
  out += before_type;
  append_json_string(out, content_type);
  out += between;
  out += file_type;
  out += '"';
  out += expires_in_;
  out += '}';
  const std::size_t body_bytes = out.size() - head_at;
  // The body is built first, in place, since its length stands in the head.
  std::array<char, 24> length;
  char* end = std::to_chars(length.data(), length.data() + 20, body_bytes).ptr;
  for (char c : std::string_view("\r\n\r\n")) *end++ = c;
  out.insert(head_at, length.data(), static_cast<std::size_t>(end - length.data()));
  out.insert(head_at, head_);
}

struct presign_reader::body {
  reply_rules rules;
  simdjson::dom::parser parser{reply_bytes_max};
  url_reader urls;
};

presign_reader::presign_reader(reply_rules rules) : body_(std::make_unique<body>()) {
  body_->rules = std::move(rules);
}
presign_reader::~presign_reader() = default;
presign_reader::presign_reader(presign_reader&&) noexcept = default;
presign_reader& presign_reader::operator=(presign_reader&&) noexcept = default;

std::size_t presign_reader::padding() noexcept {
  return simdjson::SIMDJSON_PADDING;
}

namespace {

/// One reply being read: each known member once, of the right type.
class reply_parse {
 public:
  reply_parse(const reply_rules& rules, url_reader& urls, ticket& out) : rules_(rules), urls_(urls), out_(out) {
    out_.required_headers.clear();
    out_.dates = {};
    out_.expires_at_unreadable = false;
  }

  reply_refusal run(simdjson::dom::element document) {
    simdjson::dom::object object;
    if (document.get(object)) return malformed("the reply", "is no JSON object");
    for (const auto& [name, value] : object)
      if (auto refusal = read(name, value)) return refusal;
    return finish();
  }

 private:
  enum seen_bit : unsigned { id = 1, put_url = 2, public_url = 4, expires_at = 8, headers = 16 };

  bool holds_key(std::string_view text) const noexcept {
    return !rules_.api_key.empty() && text.find(rules_.api_key) != std::string_view::npos;
  }

  static reply_refusal malformed(std::string_view field, std::string_view reason) {
    return {kind::malformed, field, reason};
  }

  reply_refusal read(std::string_view name, simdjson::dom::element value) {
    if (name == "id") return read_id(value);
    if (name == "presigned_url")
      return text(put_url, "presigned_url", value, [&](std::string_view v) { return take_put_url(v); });
    if (name == "public_url")
      return text(public_url, "public_url", value, [&](std::string_view v) { return take_public_url(v); });
    if (name == "expires_at") return read_expires_at(value);
    if (name == "required_headers") return read_headers(value);
    return {};
  }

  template <class Take>
  reply_refusal text(seen_bit bit, std::string_view field, simdjson::dom::element value, Take take) {
    if (seen_ & bit) return malformed(field, "stands there twice");
    seen_ |= bit;
    std::string_view content;
    if (value.get(content)) return malformed(field, "is no string");
    return take(content);
  }

  reply_refusal take_id(std::string_view v) {
    if (v.empty() || v.size() > id_bytes_max || !printable_ascii(v))
      return malformed("id", "is empty, too long or odd");
    if (holds_key(v)) return malformed("id", "repeats the API key");
    out_.id = v;
    return {};
  }

  reply_refusal take_put_url(std::string_view v) {
    if (const auto reason = urls_.parse(v, out_.put_url); !reason.empty()) return {kind::url, "presigned_url", reason};
    if (out_.put_url.where.how == scheme::http && !rules_.allow_http_storage)
      return {kind::url, "presigned_url", "has a scheme other than https"};
    if (holds_key(v)) return {kind::url, "presigned_url", "would send the API key to the storage"};
    out_.dates.signed_until = signed_until(out_.put_url.target);
    return {};
  }

  reply_refusal take_public_url(std::string_view v) {
    if (const auto reason = refuse_public_url(v); !reason.empty()) return {kind::url, "public_url", reason};
    if (holds_key(v)) return {kind::url, "public_url", "repeats the API key"};
    out_.public_url = v;
    return {};
  }

  /// Nothing is at stake in how an id is spelled: databases number their rows, and the digits are the id.
  reply_refusal read_id(simdjson::dom::element value) {
    std::uint64_t number = 0;
    if (value.get(number)) return text(id, "id", value, [&](std::string_view v) { return take_id(v); });
    if (seen_ & id) return malformed("id", "stands there twice");
    seen_ |= id;
    return take_id(std::to_string(number));
  }

  /// The URL may live until then; what cannot be read, or was never set, is one bound less.
  reply_refusal read_expires_at(simdjson::dom::element value) {
    if (seen_ & expires_at) return malformed("expires_at", "stands there twice");
    seen_ |= expires_at;
    std::string_view content;
    double number = 0;
    std::optional<core::wall_time> time;
    if (!value.get(content))
      time = parse_expires_at(content);
    else if (!value.get(number))
      time = parse_epoch(number);
    never_set_ = time ? *time < set_dates_begin : says_nothing(value);
    if (!never_set_) out_.dates.expires_at = time;
    out_.expires_at_unreadable = !out_.dates.expires_at;
    return {};
  }

  reply_refusal read_headers(simdjson::dom::element value) {
    if (seen_ & headers) return malformed("required_headers", "stands there twice");
    seen_ |= headers;
    simdjson::dom::object object;
    if (value.get(object)) return says_nothing(value) ? reply_refusal{} : malformed("required_headers", "is no object");
    for (const auto& [name, element] : object) {
      std::string content;
      if (!header_value(element, content)) return malformed("required_headers", "has a value that is no text");
      out_.required_headers.push_back({std::string(name), std::move(content)});
      if (out_.required_headers.size() > required_headers_max) break; // refused below
    }
    const auto reason = refuse_headers(out_.required_headers, rules_.api_key);
    return reason.empty() ? reply_refusal{} : reply_refusal{kind::headers, "required_headers", reason};
  }

  /// Go's and Java's header maps have a list of values for each name. A value that we could only guess fails the file:
  /// the storage would refuse the signature.
  static bool header_value(simdjson::dom::element value, std::string& out) {
    simdjson::dom::array list;
    if (value.get(list)) return text_of(value, out);
    return list.size() == 1 && text_of(list.at(0).value_unsafe(), out);
  }

  reply_refusal finish() {
    if (!(seen_ & id)) return malformed("id", "is missing");
    if (!(seen_ & put_url)) return malformed("presigned_url", "is missing");
    if (!(seen_ & public_url)) return malformed("public_url", "is missing");
    // Where it says something that we do not understand, that may be a shorter life than the one we would assume.
    if (out_.expires_at_unreadable && !never_set_ && !out_.dates.signed_until)
      return malformed("expires_at", "is no time that we can read, and the URL does not tell its own expiry");
    return {};
  }

  const reply_rules& rules_;
  url_reader& urls_;
  ticket& out_;
  unsigned seen_ = 0;
  bool never_set_ = false; ///< expires_at is there, and says nothing
};

} // namespace

reply_refusal presign_reader::parse(std::string_view text, ticket& out) {
  if (text.size() > reply_bytes_max) return {kind::malformed, "the reply", "is longer than 64 KiB"};
  if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size()); // editors and .NET put it there
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) return {kind::malformed, "the reply", "is empty"};
  simdjson::dom::element document;
  if (!read_json(body_->parser, text, true, document)) return {kind::malformed, "the reply", "is not valid JSON"};
  return reply_parse(body_->rules, body_->urls, out).run(document);
}

std::string parse_api_error(std::string_view body) {
  if (body.starts_with(byte_order_mark)) body.remove_prefix(byte_order_mark.size());
  simdjson::dom::parser parser;
  simdjson::dom::element document;
  simdjson::dom::object object;
  if (!read_json(parser, body, false, document) || document.get(object)) return {};
  std::string_view text;
  if (object["error"].get(text) && object["error"]["message"].get(text)) {
    for (const char* name : {"message", "detail", "title"})
      if (!object[name].get(text)) break;
  }
  return std::string(text.substr(0, error_bytes_max));
}

} // namespace hoist::wire
