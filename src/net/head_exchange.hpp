#pragma once

// One HEAD on a connected stream: the request out, the head of the answer in. A redirect is an answer like any other.

#include "net/answer_reader.hpp"
#include "net/stream.hpp"

#include <string_view>

namespace hoist::net {

struct head_result {
  failure why;           ///< set: there is no answer
  bool reusable = false; ///< the connection may carry another exchange
};

/// Sends `request`, a whole HEAD request; the answer, which has no body, is then in `reader.answer()`.
///
/// Precondition: `request.size()` <= head_bytes_max; `reader` is at the beginning of an answer.
/// Deadlines: `doing` does not move while the answer arrives, so that the limit holds for the whole of it.
/// Cancellation: shut the stream.
task<head_result> head_exchange(stream& connection, answer_reader& reader, std::string_view request, activity& doing);

} // namespace hoist::net
