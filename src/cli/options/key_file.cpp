#include "cli/options/key_file.hpp"

#include "cli/base/escape.hpp"
#include "cli/base/unique_fd.hpp"
#include "cli/base/usage_error.hpp"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace hoist::cli {

namespace {

/// Far more than any key; a larger file is a mistake, such as the upload itself.
constexpr std::size_t key_file_bytes_max = 4096;

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blank = " \t\r\n";
  const auto first = text.find_first_not_of(blank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blank) - first + 1);
}

} // namespace

std::string checked_key(std::string_view text, std::string_view origin) {
  const auto key = trimmed(text);
  const std::string what(origin);
  if (key.empty()) throw usage_error(what + " holds no key");
  const bool printable = std::ranges::all_of(key, [](char c) { return c > 0x20 && c < 0x7F; });
  if (!printable) throw usage_error(what + " holds more than a key: only the key itself, on one line, may be there");
  return std::string(key);
}

std::string read_key_file(const std::filesystem::path& file) {
  const auto origin = "--api-key-file " + escaped(file.native());
  const unique_fd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) throw usage_error(origin + ": " + std::strerror(errno));
  std::array<char, key_file_bytes_max + 1> buffer{};
  std::size_t used = 0;
  while (used < buffer.size()) {
    const auto count = ::read(fd.get(), buffer.data() + used, buffer.size() - used);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw usage_error(origin + ": " + std::strerror(errno));
    if (count == 0) return checked_key({buffer.data(), used}, origin);
    used += static_cast<std::size_t>(count);
  }
  throw usage_error(origin + " is larger than 4096 bytes; it must hold the key and nothing else");
}

void load_key(settings& s) {
  auto& key = s.library.api_key;
  key = s.api_key_file.empty() ? checked_key(key, "the API key's variable") : read_key_file(s.api_key_file);
}

} // namespace hoist::cli
