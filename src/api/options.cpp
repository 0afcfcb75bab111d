// The legal range of every option, and the words for what is outside of it.

#include <hoist/error.hpp>
#include <hoist/options.hpp>

#include "wire/address.hpp"
#include "wire/header_rules.hpp"
#include "wire/url.hpp"

#include <boost/system/system_error.hpp>

#include <arpa/inet.h>

namespace hoist {

namespace {

using namespace std::chrono_literals;

[[noreturn]] void refuse(const std::string& field, const std::string& reason) {
  throw boost::system::system_error(make_error_code(errc::invalid_options), "options::" + field + " " + reason);
}

void in_range(const char* field, std::int64_t value, std::int64_t low, std::int64_t high) {
  if (value < low || value > high)
    refuse(field,
           "is " + std::to_string(value) + "; the range is " + std::to_string(low) + " to " + std::to_string(high));
}

void positive(const char* field, std::chrono::milliseconds value) {
  if (value <= 0ms) refuse(field, "must be longer than nothing");
}

/// An address in full: "127.example.com" is a name, and anybody's. Of IPv6 that one alone: the forms with an IPv4
/// address inside, which count as it where connections are refused, may be routed anywhere.
bool is_loopback(const std::string& host) {
  wire::ipv4_bytes v4;
  if (::inet_pton(AF_INET, host.c_str(), v4.data()) == 1)
    return wire::classify_address(v4) == wire::address_class::loopback;
  return host == "localhost" || host == "::1";
}

void check_endpoint(const options& o) {
  wire::url u;
  if (const auto reason = wire::parse_url(o.endpoint, u); !reason.empty()) refuse("endpoint", std::string(reason));
  if (u.target != "/") refuse("endpoint", "has a path; give an origin: https://host[:port]");
  if (u.where.how == wire::scheme::http && !is_loopback(u.where.host) && !o.allow_plain_http)
    refuse("endpoint",
           "is plain http, which would show the key to everybody on the way; use https, or allow_plain_http");
}

} // namespace

void validate(const options& o) {
  check_endpoint(o);
  if (o.api_key.empty()) refuse("api_key", "is empty; every API request needs one");
  if (!wire::is_field_value(o.api_key)) refuse("api_key", "has a control character or surrounding space");
  in_range("threads", o.threads, 0, 64);
  in_range("concurrency", o.concurrency, 0, 4096);
  in_range("presign_concurrency", o.presign_concurrency, 0, 1024);
  in_range("presign_depth", o.presign_depth, 0, 64);
  positive("presign_lifetime_max", o.presign_lifetime_max);
  if (o.expires_in != 0s) in_range("expires_in", o.expires_in.count(), 60, 31'536'000);
  in_range("retry.attempts_max", o.retry.attempts_max, 0, 1'000'000);
  positive("retry.give_up_after", o.retry.give_up_after);
  positive("retry.backoff_base", o.retry.backoff_base);
  positive("retry.backoff_cap", o.retry.backoff_cap);
  positive("retry.throttle_base", o.retry.throttle_base);
  positive("timeout.connect", o.timeout.connect);
  positive("timeout.handshake", o.timeout.handshake);
  positive("timeout.progress", o.timeout.progress);
  positive("timeout.response", o.timeout.response);
  positive("timeout.idle", o.timeout.idle);
}

} // namespace hoist
