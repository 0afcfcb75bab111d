// Where the record of a run is kept that was not told where.

#include <hoist/options.hpp>

#include "ledger/fingerprint.hpp"
#include "wire/url.hpp"

#include <cstdlib>

namespace hoist {

namespace {

/// An empty or relative variable counts as unset, as the XDG specification says.
std::filesystem::path folder_in(const char* variable) {
  const char* value = std::getenv(variable);
  return value != nullptr && *value == '/' ? std::filesystem::path(value) : std::filesystem::path();
}

} // namespace

std::filesystem::path default_ledger(const options& o) {
  auto state = folder_in("XDG_STATE_HOME");
  if (state.empty()) {
    const auto home = folder_in("HOME");
    if (home.empty()) return {};
    state = home / ".local" / "state";
  }
  wire::url u;
  if (!wire::parse_url(o.endpoint, u).empty()) return {};
  // Two keys are two accounts until somebody says otherwise: each has its own file, instead of a refusal.
  const auto fingerprint = ledger::key_fingerprint(o.api_key, u.where.text());
  return state / "hoist" /
         (u.where.host + "-" + std::to_string(u.where.port) + "-" + fingerprint.substr(0, 8) + ".ledger");
}

} // namespace hoist
