#include "cli/remove/delete_settings.hpp"

#include "cli/base/usage_error.hpp"
#include "cli/options/option_values.hpp"

#include <algorithm>

namespace hoist::cli {

settings delete_settings_from(const arguments& typed, const environment& variables) {
  if (typed.paths.empty())
    throw usage_error("nothing to delete: name a manifest of hoist upload, ids, or '-' for a list on stdin");
  if (std::ranges::count(typed.paths, "-") > 1) throw usage_error("stdin is named twice; one '-' is enough");
  const bool rehearsal = typed.is_on("dry-run");
  auto s = common_settings_from(typed, variables, rehearsal ? key_need::not_needed : key_need::needed);
  s.dry_run = rehearsal;
  s.paths = typed.paths;
  s.library.presign_concurrency = limit_of(typed, "concurrency", 1024);
  return s;
}

} // namespace hoist::cli
