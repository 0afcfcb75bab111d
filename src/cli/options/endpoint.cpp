#include "cli/options/endpoint.hpp"

#include "cli/base/units.hpp"
#include "cli/options/option_table.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>

namespace hoist::cli {

namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

struct host_and_port {
  std::string_view host;
  std::string_view port; ///< empty: none
};

host_and_port split_authority(std::string_view text) {
  if (text.starts_with('[')) {
    const auto close = text.find(']');
    if (close == std::string_view::npos) return {};
    const auto rest = text.substr(close + 1);
    if (!rest.empty() && !rest.starts_with(':')) return {};
    return {text.substr(1, close - 1), rest.starts_with(':') ? rest.substr(1) : std::string_view{}};
  }
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return {text, {}};
  return {text.substr(0, colon), text.substr(colon + 1)};
}

bool is_host_character(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '-' || c == '.' || c == '_' || c == ':';
}

/// An address in full: "127.example.com" is a name, and anybody's.
bool is_loopback(const std::string& host) {
  ::in_addr address{};
  if (::inet_pton(AF_INET, host.c_str(), &address) == 1) return (ntohl(address.s_addr) >> 24U) == 127;
  return host == "localhost" || host == "::1";
}

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

bool matches(const endpoint_parts& endpoint, std::string_view entry) {
  if (entry == "*") return true;
  std::string name = lower(entry);
  const bool bare_ipv6 = std::ranges::count(name, ':') > 1 && !name.starts_with('[');
  const auto [host, port] = bare_ipv6 ? host_and_port{name, {}} : split_authority(name);
  if (!port.empty() && port != std::to_string(endpoint.port)) return false;
  auto domain = host;
  if (domain.starts_with('*')) domain.remove_prefix(1);
  if (domain.starts_with('.')) domain.remove_prefix(1);
  if (domain.empty()) return false;
  return endpoint.host == domain || endpoint.host.ends_with("." + std::string(domain));
}

std::optional<std::string> first_set(std::initializer_list<const char*> names, const environment& variables) {
  for (const auto* name : names) {
    if (variables(name)) return name;
  }
  return std::nullopt;
}

} // namespace

std::optional<endpoint_parts> parse_endpoint(std::string_view url) {
  endpoint_parts parts;
  const std::string text = lower(url);
  std::string_view rest = text;
  if (rest.starts_with("https://")) {
    rest.remove_prefix(8);
  } else if (rest.starts_with("http://")) {
    rest.remove_prefix(7);
    parts.secure = false;
    parts.port = 80;
  } else {
    return std::nullopt;
  }
  const auto [host, port] = split_authority(rest);
  if (host.empty() || rest.ends_with(':') || !std::ranges::all_of(host, is_host_character)) return std::nullopt;
  if (!port.empty()) {
    const auto number = parse_count(port, 1, 65535);
    if (!number) return std::nullopt;
    parts.port = static_cast<std::uint16_t>(*number);
  }
  parts.host = host;
  parts.loopback = is_loopback(parts.host);
  return parts;
}

bool is_exempt(const endpoint_parts& endpoint, std::string_view no_proxy) {
  bool exempt = false;
  for_each_piece(no_proxy, ',', [&](std::string_view entry) { exempt = exempt || matches(endpoint, trimmed(entry)); });
  return exempt;
}

std::optional<proxy_setting> proxy_in_the_way(const endpoint_parts& endpoint, const environment& variables) {
  const auto variable = endpoint.secure ? first_set({"HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"}, variables)
                                        : first_set({"HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"}, variables);
  if (!variable) return std::nullopt;
  for (const auto* name : {"NO_PROXY", "no_proxy"}) {
    const auto list = variables(name);
    if (list && is_exempt(endpoint, *list)) return std::nullopt;
  }
  return proxy_setting{*variable, endpoint.host};
}

} // namespace hoist::cli
