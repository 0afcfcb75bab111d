#include "engine/outcomes.hpp"

#include "core/classify.hpp"
#include "wire/dates.hpp"
#include "wire/escape.hpp"
#include "wire/s3_error.hpp"

#include <cerrno>
#include <system_error>

namespace hoist::engine {

using core::outcome_kind;

namespace {

verdict make(outcome_kind kind, phase where, std::string message) {
  verdict v;
  v.what.kind = kind;
  v.details.where = where;
  v.details.message = std::move(message);
  return v;
}

std::optional<core::millis> retry_after(const wire::response& answer, core::wall_time our_clock) {
  if (answer.retry_after.empty()) return std::nullopt;
  return wire::parse_retry_after(answer.retry_after, wire::parse_http_date(answer.date).value_or(our_clock));
}

std::string status_text(std::string_view who, int status) {
  return std::string(who) + " answered " + std::to_string(status);
}

} // namespace

std::optional<verdict> of_presign_answer(const wire::response& answer, core::wall_time our_clock) {
  const auto kind = core::classify_presign(answer.status);
  if (!kind) return std::nullopt;
  verdict v = make(*kind, phase::presign, status_text("the API", answer.status));
  if (*kind == outcome_kind::key_refused)
    v.details.message = "the API refused the key (401); check that it is right and not revoked";
  v.what.retry_after = retry_after(answer, our_clock);
  v.details.http_status = answer.status;
  v.details.server_message = wire::parse_api_error(answer.body);
  return v;
}

std::optional<verdict> of_put_answer(const wire::response& answer, core::wall_time our_clock) {
  wire::s3_error error;
  if (answer.status != 200 || answer.body.find("<Error") != std::string::npos) error = wire::parse_s3_error(answer.body);
  auto kind = core::classify_put(answer.status, error.code);
  if (!kind && !error.code.empty()) kind = outcome_kind::transient; // a 200 that carries an error is none
  if (!kind) return std::nullopt;
  verdict v = make(*kind, phase::put, status_text("the storage", answer.status));
  if (!error.code.empty()) v.details.message += " " + wire::printable(error.code, 64);
  v.what.retry_after = retry_after(answer, our_clock);
  v.details.http_status = answer.status;
  v.details.storage_code = std::move(error.code);
  v.details.request_id = error.request_id.empty() ? answer.request_id : std::move(error.request_id);
  v.details.server_message = std::move(error.message);
  return v;
}

verdict of_refusal(const wire::reply_refusal& refusal) {
  using kind = wire::reply_refusal::kind;
  const auto outcome = refusal.what == kind::headers ? outcome_kind::header_refused
                       : refusal.what == kind::url   ? outcome_kind::url_refused
                                                     : outcome_kind::malformed;
  return make(outcome, phase::presign, "presign reply: " + std::string(refusal.field) + " " + std::string(refusal.reason));
}

verdict of_failure(const net::failure& why, phase where, bool reused) {
  using enum net::failure_kind;
  switch (why.kind) {
    case resolve:
    case connect: return make(outcome_kind::unreachable, phase::connect, why.text);
    case certificate:
    case tls_protocol: return make(outcome_kind::tls_refused, phase::connect, why.text);
    case address_refused: return make(outcome_kind::address_refused, phase::connect, why.text);
    case private_storage:
      return make(outcome_kind::private_storage, phase::connect, why.text + "; allow_private_storage would permit it");
    case handshake: return make(outcome_kind::handshake_lost, phase::connect, why.text);
    case session_refused: return make(outcome_kind::stale, phase::connect, why.text);
    case closed: return make(reused ? outcome_kind::stale : outcome_kind::lost, where, why.text);
    case unserved: return make(outcome_kind::unserved, where, why.text);
    case no_resources: return make(outcome_kind::exhausted, phase::connect, why.text);
    case cancelled: return make(outcome_kind::cancelled, where, "cancelled");
    case bad_response:
    case broken:
    case timed_out:
    case none: break;
  }
  return make(outcome_kind::lost, where, why.text);
}

verdict of_source(net::source_status status, int system_errno) {
  if (system_errno == EMFILE || system_errno == ENFILE)
    return make(outcome_kind::exhausted, phase::source, "out of file descriptors");
  const std::string reason = system_errno != 0 ? ": " + std::generic_category().message(system_errno) : "";
  switch (status) {
    case net::source_status::missing: return make(outcome_kind::source_missing, phase::source, "no such file");
    case net::source_status::not_regular:
      return make(outcome_kind::source_not_regular, phase::source,
                  system_errno == ELOOP ? "a symbolic link stands in its place or on the way to it" : "not a regular file");
    case net::source_status::changed:
      return make(outcome_kind::source_changed, phase::source, "the file changed while it was sent");
    default: return make(outcome_kind::source_unreadable, phase::source, "cannot read the file" + reason);
  }
}

verdict too_large(std::uint64_t size, std::uint64_t limit) {
  return make(outcome_kind::source_too_large, phase::source,
              "the file has " + std::to_string(size) + " bytes, the limit is " + std::to_string(limit));
}

verdict header_contradiction(std::string_view reason) {
  return make(outcome_kind::header_refused, phase::presign, "presign reply: required_headers " + std::string(reason));
}

verdict unfit_content_type() {
  return make(outcome_kind::header_refused, phase::source, "the content type has a control character");
}

bool answer_was_lost(const verdict& failed) {
  const auto kind = failed.what.kind;
  return failed.details.where != phase::connect && (kind == outcome_kind::lost || kind == outcome_kind::stale);
}

bool may_have_stored(const verdict& failed) {
  using enum outcome_kind;
  const auto kind = failed.what.kind;
  return failed.details.http_status >= 500 || answer_was_lost(failed) || kind == cancelled ||
         kind == digest_mismatch || kind == source_changed;
}

diagnostics of_ledger(const boost::system::system_error& e) {
  diagnostics d;
  d.where = phase::record;
  d.message = e.what();
  const auto appended = ": " + e.code().what();
  if (d.message.ends_with(appended)) d.message.resize(d.message.size() - appended.size());
  return d;
}

verdict of_repeated_ticket() {
  return make(outcome_kind::malformed, phase::presign,
              "presign reply: it has the id or the public URL of another file, which it would overwrite");
}

verdict digest_differs() {
  return make(outcome_kind::digest_mismatch, phase::put, "the storage's ETag is not the MD5 of the bytes that were read");
}

} // namespace hoist::engine
