#include "engine/words/redaction.hpp"

#include "wire/escape.hpp"

#include <algorithm>

namespace hoist::engine {

namespace {

/// Fewer bytes of a secret are no secret.
constexpr std::size_t telling_bytes = 8;
constexpr std::size_t quoted_bytes_max = 120;

/// All of it, or its beginning where the words were cut off.
bool holds(std::string_view words, std::string_view secret) {
  if (words.find(secret) != std::string_view::npos) return true;
  for (auto n = std::min(secret.size(), words.size()); n >= telling_bytes; --n)
    if (words.ends_with(secret.substr(0, n))) return true;
  return false;
}

} // namespace

bool tells(std::string_view words, const secrets& s) {
  const auto holds = [&](std::string_view secret) { return engine::holds(words, secret); };
  const auto query = s.put_target.substr(std::min(s.put_target.find('?'), s.put_target.size()));
  return holds(s.api_key) || (query.size() > 1 && holds(query.substr(1))) || holds("X-Amz-Signature") ||
         holds("X-Amz-Credential");
}

std::string quotation(std::string_view server_message) {
  constexpr std::string_view blanks = " \t\r\n";
  server_message.remove_prefix(std::min(server_message.find_first_not_of(blanks), server_message.size()));
  server_message = server_message.substr(0, server_message.find_last_not_of(blanks) + 1);
  return server_message.empty() ? std::string{} : ": \"" + wire::printable(server_message, quoted_bytes_max) + '"';
}

void hide(diagnostics& details, const secrets& s) {
  constexpr auto hidden = "[it repeats a secret]";
  if (tells(details.server_message, s)) { // also where the quotation is cut off within the secret, or has it escaped
    const auto quoted = quotation(details.server_message);
    if (details.message.ends_with(quoted)) details.message.resize(details.message.size() - quoted.size());
  }
  if (tells(details.storage_code, s)) details.message = hidden; // which has the code in it, perhaps cut off
  for (std::string* words : {&details.server_message, &details.storage_code, &details.request_id, &details.message})
    if (tells(*words, s)) *words = hidden;
}

} // namespace hoist::engine
