#include "engine/redaction.hpp"

#include <algorithm>
#include <string>

namespace hoist::engine {

bool tells(std::string_view words, const secrets& s) {
  const auto holds = [&](std::string_view secret) { return words.find(secret) != std::string_view::npos; };
  const auto query = s.put_target.substr(std::min(s.put_target.find('?'), s.put_target.size()));
  return holds(s.api_key) || (query.size() > 1 && holds(query.substr(1))) || holds("X-Amz-Signature") ||
         holds("X-Amz-Credential");
}

void hide(diagnostics& details, const secrets& s) {
  for (std::string* words : {&details.server_message, &details.storage_code, &details.request_id, &details.message})
    if (tells(*words, s)) *words = "[it repeats a secret]";
}

} // namespace hoist::engine
