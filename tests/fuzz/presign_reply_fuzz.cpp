// wire::presign_reader: what a ticket of an arbitrary reply may never hold.

#include "core/base/server_clock.hpp"
#include "fuzz.hpp"
#include "wire/presign.hpp"
#include "wire/put_head.hpp"

#include <algorithm>

namespace {

using namespace hoist;
using fuzz::require;

constexpr std::string_view api_key = "key-0123456789";

bool one_line(std::string_view text) {
  return std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

bool holds_key(std::string_view text) {
  return text.find(api_key) != std::string_view::npos;
}

void check_ticket(const wire::ticket& t, bool http_allowed) {
  require(t.put_url.where.how == wire::scheme::https || http_allowed, "bytes go over https unless that was waived");
  require(!t.put_url.where.host.empty() && t.put_url.where.port != 0, "a ticket leads somewhere");
  require(t.put_url.target.starts_with('/') && one_line(t.put_url.target), "a target is one line");
  require(!t.id.empty() && t.id.size() <= 256 && one_line(t.id), "an id is short and one line");
  require(!t.public_url.empty() && one_line(t.public_url), "a public URL is one line");
  require(!holds_key(t.id) && !holds_key(t.public_url) && !holds_key(t.put_url.target) &&
              !holds_key(t.put_url.where.host),
          "the key is in nothing that a ticket holds");
  require(wire::refuse_headers(t.required_headers, api_key).empty(), "a ticket's headers have passed every rule");
  for (const auto& [name, value] : t.required_headers) {
    require(wire::is_token(name) && (value.empty() || one_line(value) || value.find('\t') != std::string::npos),
            "a header is one line");
    require(!holds_key(name) && !holds_key(value), "the key is in no header");
  }
  std::string head;
  if (wire::append_put_head(head, t, "image/png", 12).empty()) {
    require(head.size() <= 32 * 1024, "a head fits in front of the first batch");
    require(!holds_key(head), "no head to the storage has the key");
  }
}

/// With any clock: nobody begins a PUT behind its own end.
void check_lifetime(const wire::ticket& t) {
  core::server_clock clock;
  const core::instant asked{std::chrono::hours{1000}};
  clock.observe(asked, asked, core::wall_time{std::chrono::hours{24 * 365 * 50}}, core::millis{0});
  const auto life = core::lifetime_of(t.dates, asked, clock, core::millis{900'000});
  require(life.use_before <= life.expiry, "a URL is left alone before it ends");
  require(life.expiry <= asked + std::chrono::hours{24 * 8},
          "no URL is believed to live longer than its signature may");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static wire::presign_reader strict({std::string(api_key), false});
  static wire::presign_reader lenient({std::string(api_key), true});
  static wire::ticket reused; // as in a run: it keeps the strings of earlier replies
  const fuzz::exact_copy body(fuzz::text_of(data, size), wire::presign_reader::padding());

  const auto refused = strict.parse(body.text(), reused);
  if (!refused) {
    check_ticket(reused, false);
    check_lifetime(reused);
  }
  wire::ticket fresh;
  const auto with_http = lenient.parse(body.text(), fresh);
  if (!with_http) check_ticket(fresh, true);
  require(refused || !with_http, "what is taken strictly is taken leniently");
  if (!refused) {
    require(fresh.id == reused.id && fresh.public_url == reused.public_url &&
                fresh.put_url.target == reused.put_url.target && fresh.put_url.where == reused.put_url.where &&
                fresh.required_headers == reused.required_headers &&
                fresh.dates.expires_at == reused.dates.expires_at &&
                fresh.dates.signed_until == reused.dates.signed_until,
            "nothing of an earlier reply is left in a ticket");
  } else {
    require(!refused.field.empty() && !refused.reason.empty(), "a refusal says what is wrong with what");
  }
  require(wire::parse_api_error(body.text()).size() <= 256, "an API's own words are bounded");
  return 0;
}
