#pragma once

// One PUT on a connected stream: head and body out in batches, the answer in.

#include "net/answer_reader.hpp"
#include "net/file_source.hpp"
#include "net/stream.hpp"

#include <cstdint>
#include <string_view>

namespace hoist::net {

struct put_result {
  failure why;                              ///< set: there is no answer
  source_status source = source_status::ok; ///< not ok: the file gave out in mid-body; there is no answer either
  bool sent_all = false;                    ///< the kernel has the whole body
  bool reusable = false;                    ///< the connection may carry another exchange
};

/// Sends `head` and all of `body`, which is open and at its beginning; the answer is then in `reader.answer()`.
///
/// An answer that comes early (a refusal before the body is through) ends the sending and is taken as the answer; the
/// connection is then not reusable. When the connection breaks while sending, what the peer had said before is still
/// looked for.
///
/// Precondition: `head.size()` <= head_bytes_max; `reader` is at the beginning of an answer.
/// Cancellation: shut the stream.
task<put_result> put_exchange(stream& connection, answer_reader& reader, std::string_view head, file_source& body,
                              activity& doing);

} // namespace hoist::net
