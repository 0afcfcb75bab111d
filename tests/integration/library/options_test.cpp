// What the constructor refuses, and how it says so. No server is needed: nothing is contacted before the first upload.

#include "temporary_folder.hpp"

#include <hoist/hoist.hpp>

#include <gtest/gtest.h>

#include <boost/system/system_error.hpp>

#include <functional>

namespace hoist {
namespace {

using namespace std::chrono_literals;

struct bad_case {
  const char* field;
  std::function<void(options&)> spoil;
};

options good() {
  options o;
  o.api_key = "secret-key";
  return o;
}

// Each option out of its range throws errc::invalid_options with a text that names the field and never the key.
TEST(options_validation, names_the_field) {
  const bad_case cases[] = {
      {"endpoint", [](options& o) { o.endpoint = ""; }},
      {"endpoint", [](options& o) { o.endpoint = "no url"; }},
      {"endpoint", [](options& o) { o.endpoint = "ftp://api.example"; }},
      {"endpoint", [](options& o) { o.endpoint = "https://api.example/path"; }},
      {"endpoint", [](options& o) { o.endpoint = "https://user:secret-key@api.example"; }},
      {"endpoint", [](options& o) { o.endpoint = "https://api.example?q"; }},
      {"endpoint", [](options& o) { o.endpoint = "https://api.example:0"; }},
      {"endpoint", [](options& o) { o.endpoint = "http://api.example"; }},
      {"api_key", [](options& o) { o.api_key = ""; }},
      {"api_key", [](options& o) { o.api_key = "secret-key\r\nX-Evil: 1"; }},
      {"api_key", [](options& o) { o.api_key = " secret-key"; }},
      {"threads", [](options& o) { o.threads = -1; }},
      {"threads", [](options& o) { o.threads = 65; }},
      {"concurrency", [](options& o) { o.concurrency = -1; }},
      {"concurrency", [](options& o) { o.concurrency = 4097; }},
      {"presign_concurrency", [](options& o) { o.presign_concurrency = 1025; }},
      {"presign_depth", [](options& o) { o.presign_depth = -1; }},
      {"presign_depth", [](options& o) { o.presign_depth = 65; }},
      {"presign_lifetime_max", [](options& o) { o.presign_lifetime_max = 0ms; }},
      {"expires_in", [](options& o) { o.expires_in = 59s; }},
      {"expires_in", [](options& o) { o.expires_in = std::chrono::days(366); }},
      {"expires_in", [](options& o) { o.expires_in = -1s; }},
      {"retry.attempts_max", [](options& o) { o.retry.attempts_max = -1; }},
      {"retry.give_up_after", [](options& o) { o.retry.give_up_after = 0ms; }},
      {"retry.backoff_base", [](options& o) { o.retry.backoff_base = 0ms; }},
      {"retry.backoff_cap", [](options& o) { o.retry.backoff_cap = -1ms; }},
      {"retry.throttle_base", [](options& o) { o.retry.throttle_base = 0ms; }},
      {"timeout.connect", [](options& o) { o.timeout.connect = 0ms; }},
      {"timeout.handshake", [](options& o) { o.timeout.handshake = 0ms; }},
      {"timeout.progress", [](options& o) { o.timeout.progress = 0ms; }},
      {"timeout.response", [](options& o) { o.timeout.response = 0ms; }},
      {"timeout.idle", [](options& o) { o.timeout.idle = 0ms; }},
      {"tls.ca_files", [](options& o) { o.tls.ca_files = {"/nonexistent/ca.pem"}; }},
  };
  for (const auto& c : cases) {
    options o = good();
    c.spoil(o);
    try {
      uploader refused(o);
      ADD_FAILURE() << c.field << " was accepted";
    } catch (const boost::system::system_error& e) {
      const std::string text = e.what();
      EXPECT_NE(text.find(c.field), std::string::npos) << text;
      EXPECT_EQ(text.find("secret-key"), std::string::npos) << text;
      EXPECT_EQ(e.code(), errc::invalid_options) << text;
      EXPECT_EQ(e.code(), condition::misuse) << text;
    }
  }
}

// A name that only begins like a loopback address is anybody's: the key does not go there in clear.
TEST(options_validation, regression_names_that_begin_like_loopback) {
  for (const char* endpoint : {"http://127.example.com", "http://127.0.0.1.example.com", "http://127.",
                               "http://a.localhost", "http://128.0.0.1", "http://[::2]", "http://[64:ff9b::7f00:1]"}) {
    options o = good();
    o.endpoint = endpoint;
    EXPECT_THROW(uploader refused(o), boost::system::system_error) << endpoint;
  }
}

// The ends of every range, and what zero means by its documentation, are accepted.
TEST(options_validation, accepts_the_ends_of_the_ranges) {
  const std::function<void(options&)> cases[] = {
      [](options&) {},
      [](options& o) { o.threads = o.concurrency = o.presign_concurrency = 0; },
      [](options& o) { o.threads = 64; },
      [](options& o) { o.concurrency = 4096; },
      [](options& o) { o.presign_concurrency = 1024; },
      [](options& o) { o.concurrency = 1; },
      [](options& o) { o.presign_depth = 64; },
      [](options& o) { o.file_bytes_max = 0; },
      [](options& o) { o.expires_in = 60s; },
      [](options& o) { o.expires_in = std::chrono::days(365); },
      [](options& o) { o.retry.attempts_max = 1; },
      [](options& o) { o.endpoint = "http://127.0.0.1:8080"; },
      [](options& o) { o.endpoint = "http://localhost"; },
      [](options& o) { o.endpoint = "http://[::1]:8080"; },
      [](options& o) { o.endpoint = "https://api.example/"; },
      [](options& o) {
        o.endpoint = "http://api.example";
        o.allow_plain_http = true;
      },
  };
  int i = 0;
  for (const auto& spoil : cases) {
    options o = good();
    spoil(o);
    EXPECT_NO_THROW(uploader accepted(o)) << "case " << i;
    ++i;
  }
}

// A trust anchor that is no certificate is refused with its name.
TEST(options_validation, a_trust_anchor_that_is_none_is_refused) {
  const test::temporary_folder folder;
  options o = good();
  o.tls.ca_files = {folder.write("not-a-certificate.pem", "hello")};
  try {
    uploader refused(o);
    ADD_FAILURE() << "it was accepted";
  } catch (const boost::system::system_error& e) {
    EXPECT_NE(std::string(e.what()).find("not-a-certificate.pem"), std::string::npos) << e.what();
  }
}

} // namespace
} // namespace hoist
