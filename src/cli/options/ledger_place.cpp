#include "cli/options/ledger_place.hpp"

#include "cli/base/escape.hpp"

#include <sys/stat.h>

#include <filesystem>
#include <system_error>

namespace hoist::cli {

namespace {

/// A FIFO or a device is no place to put a file beside.
bool is_or_will_be_regular(const std::string& file) {
  struct ::stat status {};
  return ::stat(file.c_str(), &status) != 0 || S_ISREG(status.st_mode);
}

/// Private, as the files in it are. Existing folders keep what they are.
bool make_folders(const std::filesystem::path& folder, std::error_code& why) {
  if (std::filesystem::is_directory(folder, why)) return true;
  if (folder.has_parent_path() && folder != folder.parent_path() && !make_folders(folder.parent_path(), why))
    return false;
  if (::mkdir(folder.c_str(), S_IRWXU) == 0 || errno == EEXIST) return true;
  why.assign(errno, std::generic_category());
  return false;
}

std::filesystem::path place_in_state_folder(settings& s) {
  const auto place = default_ledger(s.library);
  std::error_code why;
  if (!place.empty() && make_folders(place.parent_path(), why)) return place;
  s.notices.push_back("this run keeps no ledger, so it cannot be resumed: " +
                      (place.empty() ? std::string("neither XDG_STATE_HOME nor HOME is set")
                                     : escaped(place.parent_path().native()) + ": " + why.message()) +
                      "; name a file with --ledger");
  return {};
}

} // namespace

std::string ledger_by_name(const settings& s) {
  if (!s.library.ledger.empty()) return s.library.ledger;
  return !s.manifest.empty() && is_or_will_be_regular(s.manifest) ? s.manifest + ".ledger" : std::string{};
}

void place_ledger(settings& s) {
  auto& ledger = s.library.ledger;
  ledger = ledger_by_name(s);
  if (ledger.empty() && s.library.resume != resume_mode::none) ledger = place_in_state_folder(s);
  std::error_code ignored;
  s.ledger_is_there = !ledger.empty() && std::filesystem::exists(ledger, ignored);
}

} // namespace hoist::cli
