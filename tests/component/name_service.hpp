#pragma once

// The name service in the hands of a test. It takes the place of the C library's getaddrinfo in the whole program, so
// that what is tested is the way that a name really goes.

#include <future>
#include <string>
#include <vector>

namespace hoist::test {

class name_service {
 public:
  /// `name` has these addresses from now on, in this order; with none it cannot be resolved. Other names are the
  /// system's.
  static void set(const std::string& name, std::vector<std::string> addresses);
  /// Look-ups of `name` wait for `release`, whose future is taken by the first of them.
  static void hold(const std::string& name, std::promise<void>& release);
  /// Look-ups that have begun so far.
  static int lookups() noexcept;
};

} // namespace hoist::test
