#pragma once

// What the API's answer to a DELETE means. Pure.

#include "engine/words/outcomes.hpp"

namespace hoist::engine {

enum class removal_answer : std::uint8_t {
  removed, ///< deleted now, or already gone
  unknown, ///< 404: the API has no such file
  failed,  ///< the verdict says how
};

struct removal_verdict {
  removal_answer answer = removal_answer::failed;
  verdict why; ///< of `failed`, and for `unknown` the words
};

removal_verdict of_delete_answer(const wire::response& answer, core::wall_time our_clock);

} // namespace hoist::engine
