#pragma once

// A hoist-server of a test's own: started on a free loopback port, asked for its account, and ended by its process id.

#include "temporary_folder.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <sys/types.h>

namespace hoist::test {

class server_process {
 public:
  /// Waits at most 20 s for the server's line; throws when it does not come.
  explicit server_process(const std::vector<std::string>& options = {});
  ~server_process();
  server_process(const server_process&) = delete;
  server_process& operator=(const server_process&) = delete;

  const std::string& endpoint() const noexcept { return endpoint_; }
  const std::string& key() const noexcept { return key_; }
  const std::string& cacert() const noexcept { return cacert_; }

  /// GET over the server's own TLS; the body.
  std::string get(const std::string& path, const std::string& headers = {}) const;
  /// The value of a metric without labels, or with them spelled out.
  std::uint64_t metric(const std::string& name) const;

  struct stored {
    std::uint64_t size = 0;
    int puts = 0;
    std::string md5;
  };
  /// What the server itself says it has, by id.
  std::map<std::string, stored> account() const;

 private:
  std::string read_line(int descriptor) const;

  temporary_folder state_;
  pid_t pid_ = -1;
  std::string endpoint_, key_, cacert_;
  std::string port_;
};

} // namespace hoist::test
