#include "cli/inputs/own_files.hpp"

#include <algorithm>
#include <array>

namespace hoist::cli {

namespace {

constexpr std::array<std::string_view, 4> companions{"", "-wal", "-shm", "-journal"};

} // namespace

void own_files::add(const std::filesystem::path& file) {
  struct ::stat status {};
  if (::stat(file.c_str(), &status) == 0 && S_ISREG(status.st_mode)) files_.emplace_back(status.st_dev, status.st_ino);
}

void own_files::add_open(int fd) {
  struct ::stat status {};
  if (::fstat(fd, &status) == 0 && S_ISREG(status.st_mode)) files_.emplace_back(status.st_dev, status.st_ino);
}

void own_files::add_ledger(const std::filesystem::path& file) {
  if (file.empty()) return;
  ledger_name_ = file.filename().string();
  for (const auto suffix : companions) add(file.string() + std::string(suffix));
}

bool own_files::may_hold(ino_t inode, std::string_view name) const {
  if (!ledger_name_.empty() && name.starts_with(ledger_name_)) return true;
  return std::ranges::any_of(files_, [&](const identity& file) { return file.second == inode; });
}

bool own_files::holds(const struct ::stat& file, std::string_view name) const {
  if (std::ranges::find(files_, identity{file.st_dev, file.st_ino}) != files_.end()) return true;
  if (ledger_name_.empty() || !name.starts_with(ledger_name_)) return false;
  const auto suffix = name.substr(ledger_name_.size());
  return !suffix.empty() && std::ranges::find(companions, suffix) != companions.end();
}

} // namespace hoist::cli
