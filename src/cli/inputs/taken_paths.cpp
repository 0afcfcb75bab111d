#include "cli/inputs/taken_paths.hpp"

#include <algorithm>
#include <utility>

namespace hoist::cli {

namespace {

void append_normalised(std::string& out, std::string_view path) {
  while (!path.empty()) {
    const auto part = path.substr(0, path.find('/'));
    path.remove_prefix(std::min(part.size() + 1, path.size()));
    if (part.empty() || part == ".") continue;
    if (part == "..") {
      out.resize(out.empty() ? 0 : out.rfind('/'));
      continue;
    }
    out += '/';
    out += part;
  }
}

} // namespace

std::string normalised(std::string_view directory, std::string_view path) {
  std::string out;
  if (!path.starts_with('/')) append_normalised(out, directory);
  append_normalised(out, path);
  if (out.empty()) out = "/";
  return out;
}

std::size_t hash_set::slot_of(std::uint64_t hash) const {
  const std::size_t mask = slots_.size() - 1;
  std::size_t slot = hash & mask;
  while (slots_[slot] != 0 && slots_[slot] != hash) slot = (slot + 1) & mask;
  return slot;
}

bool hash_set::insert(std::uint64_t hash) {
  if ((used_ + 1) * 3 > slots_.size() * 2) grow();
  auto& slot = slots_[slot_of(hash)];
  if (slot != 0) return false;
  ++used_;
  slot = hash;
  return true;
}

bool hash_set::contains(std::uint64_t hash) const {
  return used_ > 0 && slots_[slot_of(hash)] == hash;
}

void hash_set::clear() {
  std::ranges::fill(slots_, 0);
  used_ = 0;
}

void hash_set::grow() {
  std::vector<std::uint64_t> old(std::max<std::size_t>(slots_.size() * 2, 64));
  old.swap(slots_);
  for (const auto hash : old) {
    if (hash != 0) slots_[slot_of(hash)] = hash;
  }
}

bool recent_hashes::insert(std::uint64_t hash) {
  if (older_.contains(hash) || !newer_.insert(hash)) return false;
  if (newer_.size() < at_least_) return true;
  std::swap(newer_, older_);
  newer_.clear();
  return true;
}

/// Zero marks a free slot.
std::uint64_t taken_paths::hash_of(std::string_view absolute) const {
  const auto hash = hash_(absolute);
  return hash == 0 ? 1 : hash;
}

bool taken_paths::name_root(const std::string& absolute) {
  return roots_.insert(absolute).second;
}

void taken_paths::begin_walk(const std::string& absolute, std::string root) {
  roots_.insert(absolute);
  walked_.emplace(absolute, std::move(root));
}

void taken_paths::note_found(std::string_view absolute) {
  if (lists_expected_) found_.insert(hash_of(absolute));
}

bool taken_paths::covers(std::string_view absolute) const {
  return roots_.contains(absolute) || (!found_.empty() && found_.contains(hash_of(absolute)));
}

std::optional<taken_paths::walk> taken_paths::walk_above(std::string_view absolute) const {
  if (walked_.empty()) return std::nullopt;
  for (auto above = absolute; above.size() > 1;) {
    const auto slash = above.rfind('/');
    above = above.substr(0, std::max<std::size_t>(slash, 1));
    const auto found = walked_.find(above);
    if (found != walked_.end()) return walk{found->second, absolute.substr(slash + 1)};
  }
  return std::nullopt;
}

bool taken_paths::take_listed(std::string_view absolute) {
  return listed_.insert(hash_of(absolute));
}

bool taken_paths::leaves_out(std::string_view absolute) const {
  return covers(absolute) || (!listed_.empty() && listed_.contains(hash_of(absolute)));
}

} // namespace hoist::cli
