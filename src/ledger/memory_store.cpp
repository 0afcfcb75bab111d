#include "ledger/memory_store.hpp"

namespace hoist::ledger {

std::optional<row> memory_store::find(std::string_view path) {
  const std::lock_guard lock(mutex_);
  const auto found = rows_.find(std::string(path));
  return found == rows_.end() ? std::nullopt : std::optional(found->second);
}

void memory_store::put(row r) {
  if (rows_max_ == 0) return;
  const std::lock_guard lock(mutex_);
  std::string path = r.path;
  const bool is_new = rows_.insert_or_assign(path, std::move(r)).second;
  if (!is_new) return;
  oldest_first_.push_back(std::move(path));
  if (oldest_first_.size() <= rows_max_) return;
  rows_.erase(oldest_first_.front());
  oldest_first_.pop_front();
}

} // namespace hoist::ledger
