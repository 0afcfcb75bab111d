#include "wire/url.hpp"

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include <algorithm>
#include <array>

namespace hoist::wire {

namespace {

std::uint16_t default_port(scheme how) noexcept {
  return how == scheme::https ? 443 : 80;
}

/// Boost.URL's several kinds of views, whose names change between its versions.
template <class View>
std::string_view view(const View& s) noexcept {
  return {s.data(), s.size()};
}

enum target_byte : std::uint8_t { plain = 0, percent = 1, refused = 2 };

/// What RFC 3986 lets stand in a path or a query: pchar, "/" and "?".
constexpr auto target_bytes = [] {
  std::array<std::uint8_t, 256> kinds{};
  kinds.fill(refused);
  for (char c = 'a'; c <= 'z'; ++c) kinds[static_cast<unsigned char>(c)] = plain;
  for (char c = 'A'; c <= 'Z'; ++c) kinds[static_cast<unsigned char>(c)] = plain;
  for (char c = '0'; c <= '9'; ++c) kinds[static_cast<unsigned char>(c)] = plain;
  for (char c : std::string_view("-._~!$&'()*+,;=:@/?")) kinds[static_cast<unsigned char>(c)] = plain;
  kinds['%'] = percent;
  return kinds;
}();

bool is_hex_digit(char c) noexcept {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/// A path and a query that are certainly fine.
bool is_plain_target(std::string_view text) noexcept {
  if (!text.starts_with('/')) return false;
  unsigned kinds = plain;
  for (char c : text) kinds |= target_bytes[static_cast<unsigned char>(c)];
  if (kinds == plain) return true;
  if ((kinds & refused) != 0) return false;
  for (auto at = text.find('%'); at != std::string_view::npos; at = text.find('%', at + 3))
    if (at + 2 >= text.size() || !is_hex_digit(text[at + 1]) || !is_hex_digit(text[at + 2])) return false;
  return true;
}

void assign_lower(std::string& out, std::string_view text) {
  out.resize(text.size());
  std::ranges::transform(text, out.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
}

} // namespace

std::string origin::authority() const {
  const bool is_v6 = host.find(':') != std::string::npos;
  std::string text;
  if (is_v6) text += '[';
  text += host;
  if (is_v6) text += ']';
  if (port != default_port(how)) text.append(":").append(std::to_string(port));
  return text;
}

std::string origin::text() const {
  return (how == scheme::https ? "https://" : "http://") + authority();
}

std::string_view parse_url(std::string_view text, url& out) {
  if (text.size() > url_bytes_max) return "is longer than 8 KiB";
  const auto parsed = boost::urls::parse_uri(text);
  if (!parsed) return "is not a valid URL";
  const boost::urls::url_view& u = *parsed;
  if (u.scheme_id() == boost::urls::scheme::https)
    out.where.how = scheme::https;
  else if (u.scheme_id() == boost::urls::scheme::http)
    out.where.how = scheme::http;
  else
    return "has a scheme other than https";
  if (u.has_userinfo()) return "has user information";
  if (u.has_fragment()) return "has a fragment";

  // Boost.URL 1.81 takes what follows a malformed port or address literal as a path.
  if (const auto path = view(u.encoded_path()); !path.empty() && !path.starts_with('/')) return "is not a valid URL";
  if (u.host_type() == boost::urls::host_type::ipvfuture) return "has an address of an unknown kind";
  std::string_view host = view(u.encoded_host());
  if (host.empty()) return "has no host";
  if (host.find('%') != std::string_view::npos) return "has an encoded character in its host";
  if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
  assign_lower(out.where.host, host);

  if (u.has_port() && (u.port_number() == 0 && !u.port().empty())) return "has an impossible port";
  out.where.port = u.port().empty() ? default_port(out.where.how) : u.port_number();

  const std::string_view target = view(u.encoded_target());
  out.target.clear();
  if (!target.starts_with('/')) out.target = "/";
  out.target += target;
  return {};
}

std::string_view url_reader::parse(std::string_view text, url& out) {
  if (!prefix_.empty() && text.size() <= url_bytes_max && text.starts_with(prefix_) &&
      is_plain_target(text.substr(prefix_.size()))) {
    out.where = where_;
    out.target = text.substr(prefix_.size());
    return {};
  }
  const auto refusal = parse_url(text, out);
  if (!refusal.empty()) return refusal;
  const auto path = text.find('/', text.find("//") + 2);
  if (path < text.find('?')) { // else the target is not what stands there
    prefix_ = text.substr(0, path);
    where_ = out.where;
  }
  return {};
}

std::optional<std::string_view> query_value(std::string_view target, std::string_view name) noexcept {
  const auto question = target.find('?');
  if (question == std::string_view::npos) return std::nullopt;
  std::string_view rest = target.substr(question + 1);
  while (!rest.empty()) {
    const auto end = std::min(rest.find('&'), rest.size());
    const std::string_view pair = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    const auto equals = std::min(pair.find('='), pair.size());
    if (pair.substr(0, equals) == name) return pair.substr(std::min(equals + 1, pair.size()));
  }
  return std::nullopt;
}

std::string_view refuse_public_url(std::string_view text) noexcept {
  if (text.size() > url_bytes_max) return "is longer than 8 KiB";
  if (!text.starts_with("https://") && !text.starts_with("http://")) return "has a scheme other than http and https";
  const auto harmless = [](char c) {
    return static_cast<unsigned char>(c) > 0x20 && static_cast<unsigned char>(c) < 0x7f;
  };
  if (!std::ranges::all_of(text, harmless)) return "has a space, a control character or one beyond ASCII";
  return {};
}

} // namespace hoist::wire
