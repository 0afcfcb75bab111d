#pragma once

// What can end a file, or a run, badly: one closed list, with the words that rows and logs use.

#include <boost/system/error_code.hpp>

#include <string_view>

namespace hoist {

using error_code = boost::system::error_code;

/// Why a file failed or a run ended. The name in a row's `error.code` is `name_of(code)`; names never change, new ones
/// may be added at the end.
enum class errc {
  // the file itself
  source_missing = 1, ///< no such file, or it vanished. Remedy: check the path.
  source_unreadable,  ///< permission or a read error. Remedy: the message names the system's reason.
  source_not_regular, ///< a directory, FIFO, socket or device, or a link where none may be. Remedy: name regular files.
  source_too_large,   ///< over `options::file_bytes_max`. No request was made.
  source_changed,     ///< it kept changing while it was sent; nothing torn was published. Remedy: upload it when quiet.

  // what the API said
  presign_rejected,  ///< 400 or 422: the API will never sign this file. The message quotes it.
  presign_malformed, ///< the reply is no JSON object, or lacks what the contract promises.
  header_refused, ///< `required_headers`, or the source's content type, would change the request's framing or smuggle a
                  ///< line.
  url_refused,    ///< `presigned_url` or `public_url` is not one we may use.
  ticket_lapsed,  ///< every URL had lapsed before it could be used. Remedy: check the clocks and the URL lifetime.

  // what the storage said
  storage_rejected, ///< a permanent refusal of this file, e.g. EntityTooLarge.
  storage_refused,  ///< 403 on fresh URLs, again after new ones; or on 20 files in a row, which ends the run.
  digest_mismatch,  ///< the storage holds other bytes than were read, again after a new try.

  // the way there
  gave_up,         ///< transient failures went on longer than `retry_options` allows. The message has the last one.
  api_unreachable, ///< nothing answered before the first presign; ends the run.
  tls_refused,     ///< certificate or protocol not acceptable; ends the run. Remedy: `tls_options::ca_files`.
  address_refused, ///< the storage resolves to an address that a public API may not send us to.
  private_storage, ///< as above for a private range; ends the run. Remedy: `options::allow_private_storage`.
  key_refused,     ///< 401 from the API; ends the run.

  // ours
  cancelled,         ///< the caller cancelled; what this file had sent counts for nothing.
  invalid_options,   ///< an option is out of range; the message names it.
  ledger_failed,     ///< the durable record cannot be opened, read or written; ends the run. The message says why.
  not_failed_before, ///< `resume_mode::failed`, and no earlier run has this file as failed. No request was made.

  // what the API said of a deletion
  removal_rejected, ///< the API will never delete this id, or it can be none. The message says which.
  not_stored,       ///< 404: the API has no file of this id, or does not offer deletion.

  // what was learnt later
  api_refused, ///< the API refused the first 20 different files, and made no ticket of use; ends the run. Remedy: the
               ///< endpoint.
  storage_malformed, ///< three answers of the storage in a row could not be read as HTTP. The message says what was
                     ///< wrong.
};

/// The stable name of a code, e.g. "source_missing".
std::string_view name_of(errc code) noexcept;

const boost::system::error_category& category() noexcept;
error_code make_error_code(errc code) noexcept;

/// Groups for callers that only want to know what to do next. Compare as `ec == hoist::condition::transient`.
enum class condition {
  transient = 1, ///< the same call may succeed later
  permanent,     ///< it will not, unless the file or the configuration changes
  expired,       ///< a URL lapsed in the caller's or the server's queue
  cancelled,
  misuse, ///< options or arguments
};

const boost::system::error_category& condition_category() noexcept;
boost::system::error_condition make_error_condition(condition group) noexcept;

} // namespace hoist

template <>
struct boost::system::is_error_code_enum<hoist::errc> : std::true_type {};
template <>
struct boost::system::is_error_condition_enum<hoist::condition> : std::true_type {};
