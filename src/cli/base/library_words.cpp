#include "cli/base/library_words.hpp"

#include "cli/base/exit_code.hpp"

namespace hoist::cli {

std::string sentence_of(const boost::system::system_error& e) {
  std::string text = e.what();
  const auto appended = ": " + e.code().what();
  if (text.ends_with(appended)) text.resize(text.size() - appended.size());
  return text;
}

std::string failure_text(error_code why, const diagnostics& details) {
  return details.message.empty() ? why.message() : details.message;
}

std::string fatal_text(error_code why, const diagnostics& details, const std::string& endpoint) {
  std::string text = escaped(failure_text(why, details));
  if (text.find(endpoint) == std::string::npos) text = escaped(endpoint) + ": " + text;
  if (const auto remedy = remedy_for(why); !remedy.empty()) text.append("; ").append(remedy);
  return text;
}

} // namespace hoist::cli
