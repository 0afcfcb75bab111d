// The id of an upload: a version 4 UUID. Only ids that parse here ever become part of a path on disk.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace hoist::server {

struct file_id {
  std::array<std::uint8_t, 16> bytes{};

  [[nodiscard]] static file_id random();
  // The canonical lower- or upper-case form with four hyphens, nothing else.
  [[nodiscard]] static std::optional<file_id> parse(std::string_view text);
  [[nodiscard]] std::string text() const;

  friend bool operator==(const file_id&, const file_id&) = default;
};

struct file_id_hash {
  std::size_t operator()(const file_id& id) const noexcept {
    std::size_t value = 0; // the bytes are random already
    std::memcpy(&value, id.bytes.data(), sizeof value);
    return value;
  }
};

} // namespace hoist::server
