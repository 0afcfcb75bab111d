#include "server/service/route.hpp"

#include <array>

#include "server/storage/put_judge.hpp"

namespace hoist::server {
namespace {

bool drop_prefix(std::string_view& text, std::string_view prefix) noexcept {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

} // namespace

std::string_view name_of(endpoint place) noexcept {
  static constexpr std::array<std::string_view, endpoint_count> names{"presign", "file",    "bucket",  "public_file",
                                                                      "health",  "metrics", "account", "nothing"};
  return names[static_cast<std::size_t>(place)];
}

route route_of(std::string_view path, port_roles roles) noexcept {
  constexpr std::string_view files = "/v1/files/";
  constexpr std::string_view public_files = "/files/";
  if (path == "/healthz") return {endpoint::health, {}};
  if (path == "/metrics") return {endpoint::metrics, {}};
  if (roles.api) {
    if (path == "/v1/upload/presign") return {endpoint::presign, {}};
    if (path.starts_with(files)) return {endpoint::file, path.substr(files.size())};
    if (path == "/account") return {endpoint::account, {}};
  }
  if (!roles.storage) return {};
  if (path.starts_with(public_files)) return {endpoint::public_file, path.substr(public_files.size())};
  if (auto rest = path; drop_prefix(rest, "/") && drop_prefix(rest, bucket_name) && drop_prefix(rest, "/")) {
    return {endpoint::bucket, rest};
  }
  // A storage origin knows nothing but buckets; on a shared origin an unknown path is the API's 404.
  return {roles.api ? endpoint::nothing : endpoint::bucket, path};
}

} // namespace hoist::server
