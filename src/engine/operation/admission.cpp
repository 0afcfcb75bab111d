#include "engine/operation/admission.hpp"

#include "engine/operation/resume.hpp"
#include "engine/words/outcomes.hpp"
#include "wire/header_rules.hpp"

#include <chrono>
#include <utility>

namespace hoist::engine {

namespace {

core::wall_time today() {
  return std::chrono::time_point_cast<core::millis>(std::chrono::system_clock::now());
}

errc code_of(net::source_status status) {
  switch (status) {
  case net::source_status::missing: return errc::source_missing;
  case net::source_status::not_regular: return errc::source_not_regular;
  default: return errc::source_unreadable;
  }
}

settled about(item& file) {
  settled s;
  s.owner = file.owner;
  s.record_name = std::move(file.record_name);
  s.recorded = file.what.memory != nullptr; // bytes in memory have no name that a later run could know them by
  s.mtime_ns = file.identity.mtime_ns;
  s.ctime_ns = file.identity.ctime_ns;
  s.report.path = file.what.path;
  s.report.tag = file.what.tag;
  s.report.size = file.identity.size;
  s.report.settled_at = std::chrono::steady_clock::now();
  return s;
}

settled unfit(item& file, errc code, verdict why) {
  settled s = about(file);
  s.report.error = code;
  s.report.details = std::move(why.details);
  return s;
}

settled left_out(item& file) {
  settled s = about(file);
  s.recorded = true;
  s.report.error = errc::not_failed_before;
  s.report.details.message = "no earlier run has it as failed, and only such files are wanted";
  return s;
}

} // namespace

settled as_known(item& file, ledger::row& known) {
  settled s = about(file);
  s.report.content_type = std::move(known.content_type);
  s.report.id = std::move(known.id);
  s.report.public_url = std::move(known.public_url);
  s.report.etag = std::move(known.etag);
  s.report.verified = known.verified;
  s.report.retained_until = known.retained_until;
  s.report.attempts = known.attempts;
  s.report.presigns = known.presigns;
  s.report.from_ledger = true;
  return s;
}

admission::admission(rules r, std::function<void(const diagnostics&)> record_failed)
    : rules_(std::move(r)), record_failed_(std::move(record_failed)) {}

std::optional<settled> admission::examine(item& file) const {
  file.examined = true;
  if (file.what.memory) {
    file.identity.size = file.what.memory->size();
  } else {
    if (rules_.record != nullptr) file.record_name = record_name(rules_.working_directory, file.what.path.native());
    const auto seen = net::look_at(file.what);
    if (seen.status != net::source_status::ok) {
      auto out_of_sight = unfit(file, code_of(seen.status), of_source(seen.status, seen.system_errno));
      out_of_sight.recorded = known_to_be_stored(out_of_sight);
      return out_of_sight;
    }
    file.identity = seen.identity;
    if (rules_.record != nullptr)
      if (auto known = recall(file)) return known;
  }
  if (rules_.bytes_max > 0 && file.identity.size > rules_.bytes_max)
    return unfit(file, errc::source_too_large, too_large(file.identity.size, rules_.bytes_max));
  file.content_type = file.what.content_type.empty() ? content_type_of(file.what.path) : file.what.content_type;
  if (!wire::is_field_value(file.content_type)) return unfit(file, errc::header_refused, unfit_content_type());
  return std::nullopt;
}

/// Whether the ledger has something better of it than that it could not be looked at just now: it may be back,
/// unchanged.
bool admission::known_to_be_stored(const settled& file) const {
  if (rules_.record == nullptr) return false;
  try {
    const auto known = rules_.record->find(file.record_name.empty() ? file.report.path.native() : file.record_name);
    return known && known->state != ledger::row_state::failed;
  } catch (const boost::system::system_error& e) {
    record_failed_(of_ledger(e));
    return true;
  }
}

std::optional<settled> admission::recall(item& file) const {
  const std::string_view name = file.record_name.empty() ? file.what.path.native() : file.record_name;
  try {
    auto known = rules_.record->find(name);
    switch (judge(known, file.identity, today(), rules_.resume)) {
    case resume_verdict::upload: break;
    case resume_verdict::report: {
      settled s = as_known(file, *known);
      s.recorded = true;
      return s;
    }
    case resume_verdict::adopt: file.lease = std::make_unique<ledger::row>(std::move(*known)); break;
    case resume_verdict::leave_out: return left_out(file);
    }
  } catch (const boost::system::system_error& e) {
    record_failed_(of_ledger(e));
    settled s = about(file);
    s.abandoned = true;
    return s;
  }
  return std::nullopt;
}

} // namespace hoist::engine
