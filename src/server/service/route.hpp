// Which of our endpoints a request is for. Pure.
#pragma once

#include <string_view>

#include "server/http/http_message.hpp"

namespace hoist::server {

// What a listening port serves; one port may be both.
struct port_roles {
  bool api = true;
  bool storage = true;
};

enum class endpoint { presign, file, bucket, public_file, health, metrics, account, nothing };
inline constexpr std::size_t endpoint_count = 8;
[[nodiscard]] std::string_view name_of(endpoint place) noexcept;

struct route {
  endpoint place = endpoint::nothing;
  std::string_view rest; // of the path: the id where there is one
};
[[nodiscard]] route route_of(std::string_view path, port_roles roles) noexcept;

} // namespace hoist::server
