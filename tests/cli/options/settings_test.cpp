#include "cli/options/settings.hpp"

#include "cli/base/usage_error.hpp"
#include "cli/options/key_file.hpp"

#include <gtest/gtest.h>

#include <map>

namespace hoist::cli {
namespace {

using namespace std::chrono_literals;
using words = std::vector<std::string>;
using variables = std::map<std::string, std::string>;

settings meaning(const words& typed, variables set = {{"HOIST_API_KEY", "k"}}) {
  const environment lookup = [&](const std::string& name) -> std::optional<std::string> {
    const auto at = set.find(name);
    if (at == set.end()) return std::nullopt;
    return at->second;
  };
  return settings_from(parse_arguments(upload_spec(), typed, lookup), lookup);
}

std::string refusal(const words& typed, variables set = {{"HOIST_API_KEY", "k"}}) {
  try {
    meaning(typed, std::move(set));
  } catch (const usage_error& wrong) {
    return wrong.what();
  }
  return "taken";
}

// Every option lands where the library expects it, in its unit.
TEST(settings, library_options) {
  const auto s = meaning({"d",
                          "--endpoint",
                          "https://h:8443/",
                          "-j",
                          "64",
                          "--threads=2",
                          "--presign-concurrency",
                          "16",
                          "--retries",
                          "4",
                          "--give-up-after",
                          "1m",
                          "--url-lifetime",
                          "120",
                          "--expires-in",
                          "2d",
                          "--verify",
                          "md5",
                          "--tls-offload",
                          "off",
                          "--cacert",
                          "a",
                          "--cacert",
                          "b",
                          "--allow-private-storage",
                          "--ledger",
                          "l"});
  EXPECT_EQ(s.library.endpoint, "https://h:8443");
  EXPECT_EQ(s.library.api_key, "k");
  EXPECT_EQ(s.library.concurrency, 64);
  EXPECT_EQ(s.library.threads, 2);
  EXPECT_EQ(s.library.presign_concurrency, 16);
  EXPECT_EQ(s.library.retry.attempts_max, 5);
  EXPECT_EQ(s.library.retry.give_up_after, 1min);
  EXPECT_EQ(s.library.presign_lifetime_max, 2min);
  EXPECT_EQ(s.library.expires_in, 48h);
  EXPECT_EQ(s.library.verify, verify_mode::md5);
  EXPECT_EQ(s.library.tls.ca_files.size(), 2U);
  EXPECT_EQ(s.library.tls.offload, tls_offload::off);
  EXPECT_TRUE(s.library.allow_private_storage);
  EXPECT_EQ(s.library.ledger, "l");
}

// What is not said is the library's default.
TEST(settings, defaults) {
  const auto s = meaning({"d"});
  const hoist::options standard;
  EXPECT_EQ(s.library.endpoint, standard.endpoint);
  EXPECT_EQ(s.library.concurrency, 0);
  EXPECT_EQ(s.library.retry.attempts_max, 0);
  EXPECT_EQ(s.library.presign_lifetime_max, standard.presign_lifetime_max);
  EXPECT_EQ(s.progress, progress_mode::automatic);
  EXPECT_TRUE(s.summary);
}

struct refusal_case {
  const char* name;
  words typed;
  const char* part; ///< of the message
};

// A refusal names the flag, and what to write instead.
TEST(settings, refusals) {
  const refusal_case cases[] = {
      {"nothing to upload", {}, "name files or directories"},
      {"empty path", {""}, "PATH is empty"},
      {"stdin twice", {"-", "--files-from", "-"}, "stdin is named twice"},
      {"concurrency", {"d", "-j", "many"}, "-j: 'many'"},
      {"concurrency zero", {"d", "-j", "0"}, "1 to 4096"},
      {"duration without unit", {"d", "--max-duration", "5"}, "--max-duration: '5'"},
      {"size", {"d", "--max-size", "big"}, "64KiB"},
      {"kept too long", {"d", "--expires-in", "400d"}, "60s to 365d"},
      {"kept too short", {"d", "--expires-in", "59s"}, "60s to 365d"},
      {"choice", {"d", "--verify", "sha1"}, "md5|size"},
      {"glob", {"d", "--include", "[a"}, "--include: '[a'"},
      {"endpoint with a path", {"d", "--endpoint", "https://h/v1"}, "without a path"},
      {"key in clear", {"d", "--endpoint", "http://h"}, "--allow-plain-http"},
      {"contradiction", {"d", "-q", "-v"}, "contradict"},
      {"content type", {"d", "--content-type", "png"}, "image/png"},
      {"empty value", {"d", "--manifest="}, "not empty"},
      {"escaped", {"d", "-j", "\x1b[2J"}, "\\u{1b}"},
  };
  for (const auto& c : cases)
    EXPECT_NE(refusal(c.typed).find(c.part), std::string::npos) << c.name << ": " << refusal(c.typed);
}

// Plain http is fine on this machine, or when it is asked for.
TEST(settings, plain_http) {
  for (const auto* url : {"http://127.0.0.1:80", "http://localhost", "http://[::1]:8080"}) {
    EXPECT_EQ(refusal({"d", "--endpoint", url}), "taken") << url;
  }
  EXPECT_EQ(refusal({"d", "--endpoint", "http://h", "--allow-plain-http"}), "taken");
}

// The first variable that is set has the key; a rehearsal needs none.
TEST(settings, key) {
  EXPECT_EQ(meaning({"d"}, {{"EACHLABS_API_KEY", "b"}, {"EACH_API_KEY", "c"}}).library.api_key, "b");
  EXPECT_EQ(meaning({"d", "--api-key-file", "f"}).api_key_file, "f");
  const auto missing = refusal({"d"}, {});
  for (const auto* name : {"HOIST_API_KEY", "EACHLABS_API_KEY", "EACH_API_KEY", "--api-key-file"}) {
    EXPECT_NE(missing.find(name), std::string::npos) << name;
  }
  EXPECT_EQ(refusal({"d", "-n"}, {}), "taken");
}

// A key is one word; a message about it never shows it.
TEST(settings, key_text) {
  EXPECT_EQ(checked_key(" secret\r\n", "FILE"), "secret");
  for (const auto* text : {"", " \n", "two words", "line\nline"}) {
    try {
      checked_key(text, "FILE");
      FAIL() << text;
    } catch (const usage_error& wrong) {
      EXPECT_EQ(std::string(wrong.what()).find("line\n"), std::string::npos);
    }
  }
}

// A proxy that would be in the way is refused, not ignored.
TEST(settings, proxy) {
  variables set{{"HOIST_API_KEY", "k"}, {"HTTPS_PROXY", "http://p:3128"}};
  EXPECT_NE(refusal({"d"}, set).find("HTTPS_PROXY"), std::string::npos);
  EXPECT_EQ(refusal({"d", "-n"}, set), "taken");
  set["NO_PROXY"] = "eachlabs.ai";
  EXPECT_EQ(refusal({"d"}, set), "taken");
}

// Quiet means no progress and no summary; an explicit --progress still counts.
TEST(settings, quiet) {
  EXPECT_EQ(meaning({"d", "-q"}).progress, progress_mode::none);
  EXPECT_EQ(meaning({"d", "-q", "-P", "plain"}).progress, progress_mode::plain);
  EXPECT_FALSE(meaning({"d", "-q"}).summary);
  EXPECT_EQ(meaning({"d", "-q"}).log_level, verbosity::error);
  EXPECT_EQ(meaning({"d", "-vv"}).log_level, verbosity::debug);
}

// One failure is enough for --fail-fast.
TEST(settings, error_bounds) {
  EXPECT_EQ(meaning({"d"}).errors_max, 0U);
  EXPECT_EQ(meaning({"d", "--fail-fast"}).errors_max, 1U);
  EXPECT_EQ(meaning({"d", "--max-errors", "9"}).errors_max, 9U);
}

} // namespace
} // namespace hoist::cli
