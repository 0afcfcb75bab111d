#pragma once

// What servers say goes into rows and logs, and some repeat what they should not: the key, or what a URL is signed
// with. Pure.

#include <hoist/diagnostics.hpp>

#include <string>
#include <string_view>

namespace hoist::engine {

struct secrets {
  std::string_view api_key;    ///< not empty
  std::string_view put_target; ///< of the signed URL: path and query; may be empty
};

bool tells(std::string_view words, const secrets& s);

/// How our sentence ends where a server said something: a colon and its words in quotes, escaped, of at most 120 bytes;
/// empty when there are none.
std::string quotation(std::string_view server_message);

/// Replaces each text of `details` that tells one; the message only loses its quotation.
void hide(diagnostics& details, const secrets& s);

} // namespace hoist::engine
