#pragma once

// A record for the life of the process, bounded: beyond `rows_max` the oldest rows are forgotten, so that a million
// files do not stay in memory for nobody to ask for.

#include "ledger/store.hpp"

#include <deque>
#include <mutex>
#include <unordered_map>

namespace hoist::ledger {

class memory_store : public store {
 public:
  explicit memory_store(std::size_t rows_max) : rows_max_(rows_max) {}

  std::optional<row> find(std::string_view path) override;
  void put(row r) override;
  void commit() override {}
  bool remembers() const noexcept override { return rows_max_ > 0; }
  bool durable() const noexcept override { return false; }

 private:
  const std::size_t rows_max_;
  std::mutex mutex_;
  std::unordered_map<std::string, row> rows_;
  std::deque<std::string> oldest_first_;
};

} // namespace hoist::ledger
