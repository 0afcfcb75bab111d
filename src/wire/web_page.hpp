#pragma once

// A web page where an answer in JSON or XML was to be: of a proxy, a login, a wrong host. A person wants to know how it
// begins; nothing else is read from it.

#include <optional>
#include <string>
#include <string_view>

namespace hoist::wire {

struct web_page {
  std::string words;     ///< its title, else its first words; one line of at most 80 bytes, escape before showing
  bool is_login = false; ///< it asks for a password
};

/// Nothing when `body` does not begin as a page does.
std::optional<web_page> read_web_page(std::string_view body);

} // namespace hoist::wire
