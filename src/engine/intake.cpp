#include "engine/intake.hpp"

#include "engine/outcomes.hpp"
#include "wire/header_rules.hpp"

#include <utility>

namespace hoist::engine {

namespace {

unfit from(errc code, verdict v) { return {code, std::move(v.details)}; }

errc code_of(net::source_status status) {
  switch (status) {
    case net::source_status::missing: return errc::source_missing;
    case net::source_status::not_regular: return errc::source_not_regular;
    default: return errc::source_unreadable;
  }
}

} // namespace

std::optional<unfit> examine(item& file, std::uint64_t bytes_max) {
  file.examined = true;
  if (file.what.memory) {
    file.identity.size = file.what.memory->size();
  } else {
    const auto seen = net::look_at(file.what.path);
    if (seen.status != net::source_status::ok)
      return from(code_of(seen.status), of_source(seen.status, seen.system_errno));
    file.identity = seen.identity;
  }
  if (bytes_max > 0 && file.identity.size > bytes_max)
    return from(errc::source_too_large, too_large(file.identity.size, bytes_max));
  file.content_type = file.what.content_type.empty() ? content_type_of(file.what.path) : file.what.content_type;
  if (!wire::is_field_value(file.content_type))
    return from(errc::header_refused, header_contradiction("would carry a content type with a control character"));
  return std::nullopt;
}

intake::intake(std::shared_ptr<run> r, std::size_t files_open_max, std::uint64_t bytes_max, hooks h)
    : run_(std::move(r)), files_open_max_(files_open_max), bytes_max_(bytes_max), hooks_(std::move(h)),
      thread_([this] { loop(); }) {}

void intake::loop() {
  while (run_->wait_for_room(files_open_max_)) {
    auto next = run_->pull();
    if (!next) break;
    run_->file_taken();
    item file{std::move(*next), {}, {}, run_};
    if (auto why = examine(file, bytes_max_))
      hooks_.refuse(file, std::move(*why));
    else
      hooks_.accept(std::move(file));
  }
  hooks_.ended(run_);
  finished_ = true;
}

} // namespace hoist::engine
