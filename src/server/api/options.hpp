// What hoist-server can be told, and the reading of it from arguments and HOIST_SERVER_* variables; --help explains
// each.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <variant>
#include <vector>

#include "server/base/digest.hpp"
#include "server/base/usage_error.hpp"
#include "server/faults/fault_plan.hpp"

namespace hoist::server {

// The two readings of the API's `expires_at`: when the URL lapses, or when the stored file is deleted.
enum class expires_at_means { url, retention };

struct server_options {
  std::string bind = "127.0.0.1";
  std::string advertise_host; // in URLs and in the certificate; empty: what is bound
  std::uint16_t port = 0;     // 0: a free one
  bool own_storage_port = false;
  std::uint16_t storage_port = 0;
  bool plain_http = false;
  std::string suite; // TLS 1.3 suite; empty: OpenSSL's choice

  std::filesystem::path state; // empty: a temporary folder, removed at exit
  std::filesystem::path certificate, key, api_key_file;

  expires_at_means expires_at = expires_at_means::url;
  std::chrono::seconds url_lifetime{15 * 60};
  std::chrono::seconds retention{std::chrono::hours{24 * 180}};
  std::uint64_t size_max = 104'857'600; // bytes of one file

  bool discard = false;
  digest_kind digest = digest_kind::md5;
  bool fsync = false;

  std::chrono::milliseconds put_delay{0};
  std::chrono::milliseconds presign_delay{0};
  std::uint64_t bandwidth = 0; // body bytes per second, all connections together; 0: unlimited
  std::chrono::milliseconds idle_timeout{std::chrono::seconds{60}};
  std::uint64_t requests_max = 0; // per connection; 0: unlimited
  unsigned threads = 0;           // 0: one per core

  std::vector<fault> faults; // in the order given; the first that hits is the one
  std::uint64_t fault_seed = 1;
  std::string log_level = "info";
};

// Throws usage_error. Else the options, or the exit code when CLI11 has said everything (--help, an unknown flag).
[[nodiscard]] std::variant<server_options, int> parse_options(int argc, const char* const* argv);

} // namespace hoist::server
