#include "engine/operation/resume.hpp"

#include <filesystem>

namespace hoist::engine {

namespace {

bool same_version(const ledger::row& known, const net::file_identity& now) {
  return known.size == now.size && known.mtime_ns == now.mtime_ns && known.ctime_ns == now.ctime_ns;
}

bool still_kept(const ledger::row& known, core::wall_time today) {
  return !known.retained_until || today < *known.retained_until;
}

/// Nearly all paths are; the others get the slow way.
bool is_normal(std::string_view path) {
  if (path.ends_with('/') || path.ends_with("/.") || path.ends_with("/..") || path == "." || path == "..") return false;
  return path.find("//") == std::string_view::npos && path.find("/./") == std::string_view::npos &&
         path.find("/../") == std::string_view::npos && !path.starts_with("./") && !path.starts_with("../");
}

} // namespace

resume_verdict judge(const std::optional<ledger::row>& known, const net::file_identity& now, core::wall_time today,
                     resume_mode mode) {
  if (!known) return mode == resume_mode::failed ? resume_verdict::leave_out : resume_verdict::upload;
  const bool same = same_version(*known, now);
  switch (known->state) {
  case ledger::row_state::done:
    if (same && still_kept(*known, today)) return resume_verdict::report;
    return mode == resume_mode::failed ? resume_verdict::leave_out : resume_verdict::upload;
  case ledger::row_state::leased:
    return same && still_kept(*known, today) ? resume_verdict::adopt : resume_verdict::upload;
  case ledger::row_state::failed: break;
  }
  return resume_verdict::upload;
}

std::string record_name(std::string_view working_directory, std::string_view path) {
  if (path.empty()) return {};
  const bool absolute = path.front() == '/';
  if (is_normal(path)) {
    if (absolute) return {};
    std::string name;
    name.reserve(working_directory.size() + 1 + path.size());
    name.append(working_directory);
    if (!name.ends_with('/')) name += '/';
    return name.append(path);
  }
  auto name = (std::filesystem::path(working_directory) / path).lexically_normal().native();
  while (name.size() > 1 && name.ends_with('/')) name.pop_back();
  return name;
}

} // namespace hoist::engine
