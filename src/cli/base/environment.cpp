#include "cli/base/environment.hpp"

#include <cstdlib>

namespace hoist::cli {

std::optional<std::string> process_environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr || *value == '\0') return std::nullopt;
  return std::string(value);
}

} // namespace hoist::cli
