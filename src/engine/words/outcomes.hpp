#pragma once

// From what the wire and the sockets said to what the scheduler understands, and to the words a person gets. Pure.

#include "core/base/outcome.hpp"
#include "net/failure.hpp"
#include "net/file_source.hpp"
#include "wire/presign.hpp"
#include "wire/response_reader.hpp"

#include <hoist/diagnostics.hpp>

#include <boost/system/system_error.hpp>

#include <optional>

namespace hoist::engine {

struct verdict {
  core::outcome what;
  diagnostics details;
  bool body_was_sent = true; ///< of a PUT: all of it, so that a storage whose answer was lost may have it
};

/// Nothing for a 2xx, whose body is then to be read as a reply.
std::optional<verdict> of_presign_answer(const wire::response& answer, core::wall_time our_clock);
/// Nothing for a 2xx: the file is stored. `size`: how large it is, for the words about a limit.
std::optional<verdict> of_put_answer(const wire::response& answer, core::wall_time our_clock,
                                     std::optional<std::uint64_t> size = std::nullopt);

verdict of_refusal(const wire::reply_refusal& refusal);
/// With what `answer`, whose body it was, tells besides: its status, and whether it was a web page.
verdict of_refusal(const wire::reply_refusal& refusal, const wire::response& answer);
/// `reused`: the connection had carried an answer before, so a close may just be its end. One that was not, and is
/// lost, counts as fresh: whoever knows that it gave a part of an answer takes that back.
verdict of_failure(const net::failure& why, phase where, bool reused);
verdict of_source(net::source_status status, int system_errno);
verdict too_large(std::uint64_t size, std::uint64_t limit);
verdict header_contradiction(std::string_view reason);
verdict unfit_content_type();
verdict digest_differs();
verdict of_repeated_ticket();

/// The answer to a PUT did not come: the storage may have taken the body all the same.
bool answer_was_lost(const verdict& failed);
/// The PUT was not heard of again, or the storage lost track of it: its object may be there.
bool may_have_stored(const verdict& failed);

/// For a ledger that cannot be used: its sentence, without the code's own words and number that Boost appends.
diagnostics of_ledger(const boost::system::system_error& e);

} // namespace hoist::engine
