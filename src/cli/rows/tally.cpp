#include "cli/rows/tally.hpp"

#include "cli/rows/rows.hpp"

namespace hoist::cli {

void tally::add(const input& decided) {
  const std::lock_guard lock(mutex_);
  switch (decided.what) {
  case input::fate::take: ++counts_.taken; return;
  case input::fate::skip:
    ++counts_.skipped;
    ++counts_.skip_reasons[std::string(name_of(decided.reason))];
    return;
  case input::fate::fail: add_failure(name_of(decided.code), decided.path); return;
  }
}

void tally::add(const file_report& report) {
  const std::lock_guard lock(mutex_);
  if (++counts_.settled == counts_.taken) settled_.notify_all();
  if (report.error == errc::not_failed_before) {
    ++counts_.skipped;
    ++counts_.skip_reasons[std::string(not_failed_reason)];
    return;
  }
  if (report.error) return add_failure(code_name(report.error), report.path.native());
  ++counts_.done;
  counts_.bytes += report.size;
  if (report.from_ledger) ++counts_.from_ledger;
}

std::uint64_t tally::failed() const {
  const std::lock_guard lock(mutex_);
  return counts_.failed;
}

bool tally::wait_until_settled(std::chrono::milliseconds at_most) const {
  std::unique_lock lock(mutex_);
  return settled_.wait_for(lock, at_most, [&] { return counts_.settled == counts_.taken; });
}

counts tally::read() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

void tally::add_failure(std::string_view code, const std::string& path) {
  ++counts_.failed;
  ++counts_.causes[std::string(code)];
  if (counts_.failed_paths.size() < failed_paths_max) counts_.failed_paths.push_back(path);
}

} // namespace hoist::cli
