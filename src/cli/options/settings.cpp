#include "cli/options/settings.hpp"

#include "cli/base/escape.hpp"
#include "cli/base/usage_error.hpp"
#include "cli/options/endpoint.hpp"
#include "cli/options/option_values.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <array>

namespace hoist::cli {

namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

void take_inputs(settings& s, const arguments& typed) {
  s.paths = typed.paths;
  for (const auto& list : typed.all("files-from")) s.lists.push_back(list.text);
  s.separator = typed.is_on("from0") ? '\0' : '\n';
  const auto globs = [&](std::string_view name) {
    std::vector<glob> compiled;
    for (const auto& pattern : typed.all(name)) {
      auto result = glob::compile(pattern.text);
      if (!result) refuse(pattern, "a '[' needs its ']', and a pattern is not empty");
      compiled.push_back(*std::move(result));
    }
    return compiled;
  };
  s.rules.includes = globs("include");
  s.rules.excludes = globs("exclude");
  s.rules.size_min = size_of(typed, "min-size");
  s.rules.size_max = size_of(typed, "max-size");
  s.content_type = text_of(typed, "content-type");
  s.type_map = text_of(typed, "type-map");
  s.dry_run = typed.is_on("dry-run");
  s.error_on_empty = typed.is_on("error-on-empty");
}

void check_inputs(const settings& s) {
  for (const auto& path : s.paths) {
    if (path.empty()) throw usage_error("a PATH is empty; name a file, a directory, or '-' for a list on stdin");
  }
  const auto dashes = std::ranges::count(s.paths, "-") + std::ranges::count(s.lists, "-");
  if (dashes > 1) throw usage_error("stdin is named twice; one '-' is enough");
  if (s.paths.empty() && s.lists.empty()) {
    throw usage_error("nothing to upload: name files or directories, or '-' for a list on stdin");
  }
  const auto type_is_safe = std::ranges::all_of(s.content_type, [](char c) { return c >= 0x20 && c < 0x7F; });
  if (!type_is_safe || (!s.content_type.empty() && s.content_type.find('/') == std::string::npos)) {
    throw usage_error("--content-type: '" + escaped(s.content_type) + "' is no media type; write e.g. image/png");
  }
}

void take_target(settings& s, const arguments& typed) {
  auto& o = s.library;
  if (typed.last("endpoint") != nullptr) o.endpoint = text_of(typed, "endpoint");
  while (o.endpoint.ends_with('/')) o.endpoint.pop_back();
  o.allow_plain_http = typed.is_on("allow-plain-http");
  o.allow_private_storage = typed.is_on("allow-private-storage");
  for (const auto& file : typed.all("cacert")) o.tls.ca_files.emplace_back(file.text);
  s.api_key_file = text_of(typed, "api-key-file");
  constexpr auto year = milliseconds{std::chrono::hours{24 * 365}};
  const auto kept = duration_of(typed, "expires-in", {60s, year, "use 60s to 365d"});
  if (kept) o.expires_in = std::chrono::duration_cast<std::chrono::seconds>(*kept);
  o.presign_lifetime_max =
      duration_of(typed, "url-lifetime",
                  {1ms, milliseconds{168h}, "use a duration up to 168h, or seconds", bare_number::seconds})
          .value_or(o.presign_lifetime_max);
}

void check_target(const settings& s, const arguments& typed) {
  const auto* given = typed.last("endpoint");
  const auto parts = parse_endpoint(s.library.endpoint);
  if (!parts) refuse(*given, "use an origin without a path, such as https://api.eachlabs.ai");
  if (!parts->secure && !parts->loopback && !s.library.allow_plain_http) {
    refuse(*given, "the key would cross the network in clear; use https, or --allow-plain-http if that is meant");
  }
}

constexpr auto any = milliseconds::max();

void take_retries(settings& s, const arguments& typed) {
  auto& o = s.library;
  if (const auto retries = count_of(typed, "retries", {0, 1'000'000}))
    o.retry.attempts_max = static_cast<int>(*retries) + 1;
  o.retry.give_up_after = duration_of(typed, "give-up-after", {1ms, any, "write a duration such as 30s, 15m or 1h"})
                              .value_or(o.retry.give_up_after);
}

void take_pace(settings& s, const arguments& typed) {
  auto& o = s.library;
  o.concurrency = limit_of(typed, "concurrency", 4096);
  o.presign_concurrency = limit_of(typed, "presign-concurrency", 1024);
  o.presign_depth = limit_of(typed, "presign-depth", 64);
  s.errors_max = count_of(typed, "max-errors", {1, UINT64_MAX}).value_or(0);
  if (typed.is_on("fail-fast")) s.errors_max = 1;
  s.duration_max = duration_of(typed, "max-duration", {1ms, any, "write a duration such as 30s, 15m or 1h"});
  constexpr std::array<std::pair<std::string_view, verify_mode>, 2> modes{
      {{"md5", verify_mode::md5}, {"size", verify_mode::size}}};
  o.verify = choice_of(typed, "verify", modes, o.verify);
  constexpr std::array<std::pair<std::string_view, tls_offload>, 2> offloads{
      {{"auto", tls_offload::automatic}, {"off", tls_offload::off}}};
  o.tls.offload = choice_of(typed, "tls-offload", offloads, o.tls.offload);
}

void take_records(settings& s, const arguments& typed) {
  s.manifest = text_of(typed, "manifest");
  if (s.manifest == "-") s.manifest.clear();
  s.overwrite = typed.is_on("overwrite");
  constexpr std::array<std::pair<std::string_view, output_format>, 3> formats{
      {{"jsonl", output_format::jsonl}, {"json", output_format::jsonl}, {"url", output_format::url}}};
  s.format = choice_of(typed, "format", formats, s.format);
  s.library.ledger = text_of(typed, "ledger");
  s.library.rekey = typed.is_on("rekey");
  const bool anew = typed.is_on("no-resume"), failed_only = typed.is_on("retry-failed");
  if (anew && failed_only)
    throw usage_error("--no-resume and --retry-failed contradict each other: one forgets what the other goes by");
  s.library.resume = anew ? resume_mode::none : failed_only ? resume_mode::failed : resume_mode::all;
}

verbosity level_of(const arguments& typed) {
  if (typed.last("log-level") != nullptr) {
    constexpr std::array<std::pair<std::string_view, verbosity>, 7> levels{{{"trace", verbosity::trace},
                                                                            {"debug", verbosity::debug},
                                                                            {"info", verbosity::info},
                                                                            {"warning", verbosity::warning},
                                                                            {"warn", verbosity::warning},
                                                                            {"error", verbosity::error},
                                                                            {"off", verbosity::off}}};
    return choice_of(typed, "log-level", levels, verbosity::warning);
  }
  const int louder = typed.count("verbose");
  if (louder > 0) return louder == 1 ? verbosity::info : louder == 2 ? verbosity::debug : verbosity::trace;
  return typed.is_on("quiet") ? verbosity::error : verbosity::warning;
}

void take_messages(settings& s, const arguments& typed) {
  constexpr std::array<std::pair<std::string_view, progress_mode>, 4> modes{{{"auto", progress_mode::automatic},
                                                                             {"bar", progress_mode::bar},
                                                                             {"plain", progress_mode::plain},
                                                                             {"none", progress_mode::none}}};
  const bool quiet = typed.is_on("quiet");
  if (quiet && typed.is_on("verbose")) throw usage_error("-q and -v contradict each other; use one");
  s.progress = choice_of(typed, "progress", modes, quiet ? progress_mode::none : s.progress);
  if (typed.is_on("no-progress")) s.progress = progress_mode::none;
  s.stats_every =
      duration_of(typed, "stats", {100ms, milliseconds::max(), "use 100ms or longer"}).value_or(s.stats_every);
  s.log_level = level_of(typed);
  s.log_file = text_of(typed, "log-file");
  s.summary = !quiet && !typed.is_on("no-summary");
}

void take_key(settings& s, const environment& variables) {
  if (!s.api_key_file.empty()) return;
  for (const auto* name : {"HOIST_API_KEY", "EACHLABS_API_KEY", "EACH_API_KEY"}) {
    if (auto key = variables(name)) {
      s.library.api_key = *std::move(key);
      return;
    }
  }
  throw usage_error("no API key: set HOIST_API_KEY (or EACHLABS_API_KEY, or EACH_API_KEY), or name a file with "
                    "--api-key-file FILE");
}

void check_proxy(const settings& s, const environment& variables) {
  const auto proxy = proxy_in_the_way(*parse_endpoint(s.library.endpoint), variables);
  if (!proxy) return;
  throw usage_error(
      fmt::format("{} is set, and proxies are not supported yet: unset it, or exempt the host with NO_PROXY={}",
                  proxy->variable, escaped(proxy->host)));
}

void take_common(settings& s, const arguments& typed) {
  take_target(s, typed);
  s.library.threads = static_cast<int>(count_of(typed, "threads", {0, 64}).value_or(0));
  take_retries(s, typed);
  take_messages(s, typed);
}

void check_common(settings& s, const arguments& typed, const environment& variables, key_need need) {
  check_target(s, typed);
  if (need == key_need::not_needed) return;
  take_key(s, variables);
  check_proxy(s, variables);
}

} // namespace

settings common_settings_from(const arguments& typed, const environment& variables, key_need need) {
  settings s;
  take_common(s, typed);
  check_common(s, typed, variables, need);
  return s;
}

settings settings_from(const arguments& typed, const environment& variables) {
  settings s;
  take_inputs(s, typed);
  take_common(s, typed);
  take_pace(s, typed);
  take_records(s, typed);
  check_inputs(s);
  check_common(s, typed, variables, s.dry_run ? key_need::not_needed : key_need::needed);
  return s;
}

} // namespace hoist::cli
