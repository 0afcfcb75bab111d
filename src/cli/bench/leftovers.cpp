#include "cli/bench/leftovers.hpp"

#include "cli/base/unique_fd.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>
#include <system_error>

namespace hoist::cli {

void append_leftovers(const std::filesystem::path& file, std::span<const std::string> ids) {
  const unique_fd out(::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (!out) throw std::system_error(errno, std::generic_category(), file.native());
  std::string lines;
  for (const auto& id : ids) lines.append(id).append("\n");
  for (std::string_view rest = lines; !rest.empty();) {
    const auto count = ::write(out.get(), rest.data(), rest.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw std::system_error(errno, std::generic_category(), file.native());
    rest.remove_prefix(static_cast<std::size_t>(count));
  }
}

} // namespace hoist::cli
