// wire::url: a URL that was taken is where it says, and prints back to itself.

#include "fuzz.hpp"
#include "wire/url.hpp"

#include <algorithm>
#include <string>

namespace {

using namespace hoist;
using fuzz::require;

bool harmless(std::string_view text) {
  return std::ranges::all_of(
      text, [](char c) { return static_cast<unsigned char>(c) > 0x20 && static_cast<unsigned char>(c) < 0x7f; });
}

void check_taken(std::string_view text, const wire::url& u) {
  const std::string& host = u.where.host;
  require(text.size() <= wire::url_bytes_max, "a URL is at most 8 KiB");
  require(!host.empty() && harmless(host) && host.find_first_of("%@/\\?#[]<>\"") == std::string::npos,
          "a host is a plain name or address");
  require(std::ranges::none_of(host, [](char c) { return c >= 'A' && c <= 'Z'; }), "a host is in lower case");
  require(u.where.port != 0, "port 0 is nowhere");
  require(u.target.starts_with('/') && harmless(u.target) && u.target.find('#') == std::string::npos,
          "a target can be a request's");
  require(text.ends_with(u.target) || text.ends_with(std::string_view(u.target).substr(1)),
          "signed bytes stay as they came");

  wire::url again;
  require(wire::parse_url(u.where.text() + u.target, again).empty(), "a URL that was taken prints back to one");
  require(again.where == u.where && again.target == u.target, "and to the same");
}

void check_query(std::string_view target) {
  for (const char* name : {"X-Amz-Date", "X-Amz-Expires", "a", ""}) {
    const auto value = wire::query_value(target, name);
    if (!value) continue;
    require(value->data() >= target.data() && value->data() + value->size() <= target.data() + target.size(),
            "a value is a part of its URL");
    require(value->find('&') == std::string_view::npos, "a value ends where the next begins");
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::exact_copy input(fuzz::text_of(data, size));
  static wire::url reused;
  const auto refused = wire::parse_url(input.text(), reused);
  wire::url fresh;
  require(wire::parse_url(input.text(), fresh) == refused, "what was read before changes nothing");
  if (refused.empty()) {
    require(fresh.where == reused.where && fresh.target == reused.target, "nothing of an earlier URL is left");
    check_taken(input.text(), fresh);
    check_query(fresh.target);
  }
  check_query(input.text());

  wire::url_reader remembering;
  wire::url first, second;
  require(remembering.parse("https://storage.example:9000/bucket/key?X-Amz-Signature=ab", first).empty(),
          "the first is fine");
  require(remembering.parse(input.text(), second) == refused, "an origin that is remembered changes no verdict");
  if (refused.empty()) require(second.where == fresh.where && second.target == fresh.target, "and no part");
  if (wire::refuse_public_url(input.text()).empty()) require(harmless(input.text()), "a public URL is safe to show");
  return 0;
}
