// A flag that cannot be used, or a folder that it names: exit 2.
#pragma once

#include <stdexcept>

namespace hoist::server {

class usage_error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

} // namespace hoist::server
