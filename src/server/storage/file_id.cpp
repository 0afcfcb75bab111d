#include "server/storage/file_id.hpp"

#include <algorithm>

#include "server/base/digest.hpp"
#include "server/base/encoding.hpp"

namespace hoist::server {
namespace {

constexpr std::array<std::size_t, 4> hyphens{8, 13, 18, 23};

// One call for 256 ids: a call into the generator costs as much as the rest of a presign's arithmetic.
void take_random(std::array<std::uint8_t, 16>& bytes) {
  struct pool {
    std::array<std::uint8_t, 4096> stock{};
    std::size_t used = 4096;
  };
  thread_local pool mine;
  if (mine.used == mine.stock.size()) {
    fill_random(mine.stock);
    mine.used = 0;
  }
  std::copy_n(mine.stock.begin() + static_cast<std::ptrdiff_t>(mine.used), bytes.size(), bytes.begin());
  mine.used += bytes.size();
}

} // namespace

file_id file_id::random() {
  file_id id;
  take_random(id.bytes);
  id.bytes[6] = static_cast<std::uint8_t>((id.bytes[6] & 0x0FU) | 0x40U);
  id.bytes[8] = static_cast<std::uint8_t>((id.bytes[8] & 0x3FU) | 0x80U);
  return id;
}

std::optional<file_id> file_id::parse(std::string_view text) {
  if (text.size() != 36) return std::nullopt;
  std::string hex;
  hex.reserve(32);
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool hyphen_due = std::find(hyphens.begin(), hyphens.end(), i) != hyphens.end();
    if (hyphen_due != (text[i] == '-')) return std::nullopt;
    if (!hyphen_due) hex += text[i];
  }
  file_id id;
  if (!from_hex(hex, id.bytes)) return std::nullopt;
  return id;
}

std::string file_id::text() const {
  auto out = to_hex(bytes);
  for (const auto position : hyphens) out.insert(position, 1, '-');
  return out;
}

} // namespace hoist::server
