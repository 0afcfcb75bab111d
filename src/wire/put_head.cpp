#include "wire/put_head.hpp"

#include <hoist/version.hpp>

namespace hoist::wire {

namespace {

void append_header(std::string& out, std::string_view name, std::string_view value) {
  out += name;
  out += ": ";
  out += value;
  out += "\r\n";
}

} // namespace

std::string_view append_put_head(std::string& out, const ticket& t, std::string_view content_type, std::uint64_t size) {
  static const std::string user_agent = "hoist/" + version();
  const std::string authority = t.put_url.where.authority();
  const std::string length = std::to_string(size);

  out += "PUT ";
  out += t.put_url.target;
  out += " HTTP/1.1\r\n";
  append_header(out, "Host", authority);
  append_header(out, "Content-Length", length);
  bool agent_given = false;
  for (const header& h : t.required_headers) {
    agent_given = agent_given || equal_ignoring_case(h.name, "user-agent");
    if (equal_ignoring_case(h.name, "host")) {
      if (!equal_ignoring_case(h.value, authority)) return "asks for another Host";
    } else if (equal_ignoring_case(h.name, "content-length")) {
      if (h.value != length) return "asks for another Content-Length";
    } else if (equal_ignoring_case(h.name, "content-type")) {
      content_type = h.value; // what was signed
    } else {
      append_header(out, h.name, h.value);
    }
  }
  append_header(out, "Content-Type", content_type);
  if (!agent_given) append_header(out, "User-Agent", user_agent);
  out += "\r\n";
  return {};
}

} // namespace hoist::wire
