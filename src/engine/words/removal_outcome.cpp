#include "engine/words/removal_outcome.hpp"

#include "core/base/outcome.hpp"

#include <string>

namespace hoist::engine {

using core::outcome_kind;

namespace {

/// Another 2xx: accepted, or done in part, is not deleted, and who deletes wants to know.
verdict not_done(int status) {
  verdict v{{outcome_kind::rejected, std::nullopt}, {}};
  v.details.http_status = status;
  v.details.message = "the API answered " + std::to_string(status) + ", which does not say that the file is deleted";
  return v;
}

} // namespace

removal_verdict of_delete_answer(const wire::response& answer, core::wall_time our_clock) {
  if (answer.status == 204 || answer.status == 200) return {removal_answer::removed, {}};
  // Everything else an API says, it says to a presign as well: the key, too many requests, trouble of its own.
  auto why = of_presign_answer(answer, our_clock).value_or(not_done(answer.status));
  why.details.where = phase::remove;
  if (answer.status == 404) {
    why.details.message = "the API has no such file (404)";
    return {removal_answer::unknown, std::move(why)};
  }
  if (answer.status == 409) why.what.kind = outcome_kind::transient; // not deletable yet
  return {removal_answer::failed, std::move(why)};
}

} // namespace hoist::engine
