#include "server/storage/state_names.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <span>

#include "server/base/encoding.hpp"

namespace hoist::server {
namespace {

constexpr std::size_t id_length = 36;

// The whole of `text`, in decimal.
template <typename Number>
std::optional<Number> whole_number(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

} // namespace

bool is_state_file(std::string_view name) noexcept {
  static constexpr std::array<std::string_view, 7> written_aside{index_name,   "ca.key",  "ca.pem",        "server.key",
                                                                 "server.pem", "api-key", "signing-secret"};
  if (name == lock_name) return true;
  constexpr std::string_view ending = ".new";
  if (name.ends_with(ending)) name.remove_suffix(ending.size());
  return std::find(written_aside.begin(), written_aside.end(), name) != written_aside.end();
}

std::string aside_name(std::uint64_t number) {
  return std::to_string(number);
}

bool is_aside_name(std::string_view name) {
  const auto value = whole_number<std::uint64_t>(name);
  return value && aside_name(*value) == name;
}

std::string body_folder(const file_id& id) {
  return to_hex(std::span(id.bytes).first(1));
}

bool is_body_folder(std::string_view name) {
  std::array<std::uint8_t, 1> byte{};
  return from_hex(name, byte) && to_hex(byte) == name;
}

std::string body_name(const file_id& id, std::uint32_t generation) {
  return id.text() + "." + std::to_string(generation);
}

std::optional<std::pair<file_id, std::uint32_t>> parse_body_name(std::string_view folder_name, std::string_view name) {
  if (name.size() < id_length + 2) return std::nullopt;
  const auto id = file_id::parse(name.substr(0, id_length));
  const auto generation = whole_number<std::uint32_t>(name.substr(id_length + 1));
  if (!id || !generation || *generation == 0) return std::nullopt; // the first PUT is generation 1
  if (body_folder(*id) != folder_name || body_name(*id, *generation) != name) return std::nullopt;
  return std::pair{*id, *generation};
}

} // namespace hoist::server
