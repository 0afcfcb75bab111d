// The command line and its variables: any words are taken, or refused by one harmless sentence that does not repeat the
// key; what is taken lies in its range, and the endpoint is one that the key may be sent to.
//
// The input is words, one a line; "NAME=value" lines before the first empty line are variables.

#include "cli/base/escape.hpp"
#include "cli/base/units.hpp"
#include "cli/base/usage_error.hpp"
#include "cli/bench/bench_settings.hpp"
#include "cli/options/endpoint.hpp"
#include "cli/options/settings.hpp"
#include "cli/remove/delete_settings.hpp"
#include "fuzz.hpp"
#include "terminal.hpp"
#include "wire/url.hpp"

#include <boost/system/system_error.hpp>

#include <algorithm>
#include <map>

#include <arpa/inet.h>

namespace {

using namespace hoist;
using namespace std::chrono_literals;
using fuzz::harmless;
using fuzz::require;

constexpr std::string_view key = "key-0123456789";

bool is_really_loopback(const std::string& host) {
  ::in_addr four{};
  ::in6_addr six{};
  if (::inet_pton(AF_INET, host.c_str(), &four) == 1) return (ntohl(four.s_addr) >> 24) == 127;
  if (::inet_pton(AF_INET6, host.c_str(), &six) == 1) return IN6_IS_ADDR_LOOPBACK(&six) != 0;
  return host == "localhost";
}

/// Both readings of one endpoint, the command's and the library's.
void check_endpoint(const options& o) {
  try {
    validate(o);
  } catch (const boost::system::system_error&) {
    return; // the library has the last word
  }
  wire::url u;
  require(wire::parse_url(o.endpoint, u).empty(), "an endpoint that passed is a URL");
  require(u.where.how == wire::scheme::https || o.allow_plain_http || is_really_loopback(u.where.host),
          "no key goes out in clear unasked");
  const auto parts = cli::parse_endpoint(o.endpoint);
  if (!parts) return;
  require(parts->host == u.where.host && parts->port == u.where.port &&
              parts->secure == (u.where.how == wire::scheme::https),
          "command and library read one endpoint alike");
  require(!parts->loopback || is_really_loopback(parts->host), "what is called loopback is");
}

void check_upload(const cli::settings& s) {
  check_endpoint(s.library);
  const auto& o = s.library;
  require(o.concurrency >= 0 && o.concurrency <= 4096 && o.threads >= 0 && o.threads <= 64,
          "figures are in their ranges");
  require(o.retry.attempts_max >= 0 && o.retry.attempts_max <= 1'000'001, "retries are in their range");
  require(o.expires_in == 0s || (o.expires_in >= 60s && o.expires_in <= 31'536'000s), "a retention is in its range");
  require(o.retry.give_up_after > 0ms && o.presign_lifetime_max > 0ms && o.presign_lifetime_max <= 168h,
          "times are in their ranges");
  require(harmless(s.content_type), "a media type is one line");
  for (const auto& notice : s.notices) require(harmless(notice), "a notice is harmless");
}

template <class Read>
void check_command(const cli::command_spec& spec, const std::vector<std::string>& words,
                   const cli::environment& variables, Read read) {
  try {
    read(cli::parse_arguments(spec, words, variables));
  } catch (const cli::usage_error& refusal) {
    const std::string_view text = refusal.what();
    require(!text.empty() && harmless(text), "a refusal is one harmless sentence");
    const bool typed =
        std::ranges::any_of(words, [](const std::string& word) { return word.find(key) != std::string::npos; });
    require(typed || text.find(key) == std::string_view::npos, "no message has the key");
  }
}

void check_units(std::string_view word) {
  if (const auto time = cli::parse_duration(word, cli::bare_number::seconds))
    require(*time >= 0ms && *time <= 36'600 * 24h, "a duration is at most a century");
  if (const auto strict = cli::parse_duration(word))
    require(cli::parse_duration(word, cli::bare_number::seconds) == strict, "a unit means what it means");
  const auto size = cli::parse_size(word);
  if (size && word.ends_with("KiB") && word.find('.') == std::string_view::npos)
    require(*size % 1024 == 0, "KiB are 1024");
  if (const auto count = cli::parse_count(word, 0, UINT64_MAX))
    require(size && *size == *count, "a count is a size without a unit");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto text = fuzz::text_of(data, size);
  std::map<std::string, std::string> set{{"HOIST_API_KEY", std::string(key)}};
  const auto gap = text.find("\n\n");
  if (gap != std::string_view::npos) {
    auto lines = text.substr(0, gap);
    text.remove_prefix(gap + 2);
    while (!lines.empty()) {
      const auto line = fuzz::take_line(lines);
      const auto equals = line.find('=');
      if (equals == std::string_view::npos || line.starts_with("HOIST_API_KEY=")) continue;
      set[std::string(line.substr(0, equals))] = line.substr(equals + 1);
    }
  }
  const cli::environment variables = [&](const std::string& name) -> std::optional<std::string> {
    const auto at = set.find(name);
    return at == set.end() || at->second.empty() ? std::nullopt : std::optional(at->second);
  };
  std::vector<std::string> words;
  while (!text.empty()) words.emplace_back(fuzz::take_line(text));
  for (const auto& word : words) {
    check_units(word);
    if (wire::url u; wire::parse_url(word, u).empty()) {
      options o;
      o.endpoint = word;
      o.api_key = key;
      check_endpoint(o);
    }
    if (const auto parts = cli::parse_endpoint(word)) {
      (void)cli::proxy_in_the_way(*parts, variables);
      require(!cli::is_exempt(*parts, ""), "an empty NO_PROXY exempts nothing");
      require(cli::is_exempt(*parts, "*"), "a star exempts everything");
    }
  }
  check_command(cli::upload_spec(), words, variables,
                [&](const cli::arguments& typed) { check_upload(cli::settings_from(typed, variables)); });
  check_command(cli::delete_spec(), words, variables, [&](const cli::arguments& typed) {
    check_endpoint(cli::delete_settings_from(typed, variables).library);
  });
  check_command(cli::bench_spec(), words, variables, [&](const cli::arguments& typed) {
    const auto s = cli::bench_settings_from(typed, variables);
    check_endpoint(s.common.library);
    require(!s.sizes.empty() && s.cells_max() > 0, "a benchmark measures something");
    require(std::ranges::all_of(s.concurrency, [](int c) { return c > 0 && c <= 4096; }),
            "concurrency is in its range");
  });
  return 0;
}
