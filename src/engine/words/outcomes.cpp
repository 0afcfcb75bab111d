#include "engine/words/outcomes.hpp"

#include "core/base/classify.hpp"
#include "engine/words/redaction.hpp"
#include "wire/dates.hpp"
#include "wire/escape.hpp"
#include "wire/s3_error.hpp"
#include "wire/url.hpp"
#include "wire/web_page.hpp"

#include <cerrno>
#include <system_error>

namespace hoist::engine {

using core::outcome_kind;

namespace {

constexpr std::size_t storage_code_bytes_max = 128; ///< as of a body

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

bool is_success(int status) noexcept {
  return status >= 200 && status < 300;
}

/// Where a redirect leads, as far as it may be told: a query can hold a token. S3 names a host in its error instead.
std::string where_to(std::string_view location, std::string_view endpoint) {
  wire::url target;
  if (wire::parse_url(location.substr(0, location.find('#')), target).empty()) return " to " + target.where.text();
  if (location.starts_with('/') && !location.starts_with("//"))
    return " to " + wire::printable(location.substr(0, location.find_first_of("?#")), 80) + " on the same host";
  const auto whole = (endpoint.find("://") == std::string_view::npos ? "https://" : "") + std::string(endpoint);
  if (wire::parse_url(whole, target).empty()) return " to " + target.where.authority();
  return {};
}

bool is_redirect(int status) noexcept {
  return status >= 300 && status < 400;
}

std::optional<wire::web_page> page_of(const wire::response& answer) {
  return answer.encoded ? std::nullopt : wire::read_web_page(answer.body);
}

std::string_view name_of(const wire::web_page& page) noexcept {
  return page.is_login ? "a login page" : "a web page";
}

/// What was said of an answer: "the storage answered 503 (SlowDown)", and what else a person should know of it.
verdict of_answer(outcome_kind kind, phase where, const wire::response& answer, const wire::s3_error& error) {
  verdict v = make(kind, where, where == phase::put ? "the storage answered " : "the API answered ");
  v.details.http_status = answer.status;
  std::string& text = v.details.message;
  text += std::to_string(answer.status);
  if (!error.code.empty()) text += " (" + wire::printable(error.code, 64) + ")";
  v.details.server_message = error.message.empty() ? wire::parse_api_error(answer.body) : error.message;
  if (is_redirect(answer.status)) {
    text += ": it redirects" + where_to(answer.location, error.endpoint) + ", and redirects are not followed";
  } else if (auto page = page_of(answer)) {
    text.append(" with ").append(name_of(*page));
    v.details.server_message = std::move(page->words);
  }
  return v;
}

/// Our sentence ends with the server's words.
void quote(diagnostics& details) {
  details.message += quotation(details.server_message);
}

std::string_view meaning_of(std::string_view storage_code) noexcept {
  if (storage_code == "SignatureDoesNotMatch")
    return ": the API signs with a wrong secret, or for other headers than it asks for";
  if (storage_code == "InvalidAccessKeyId") return ": the API signs with a key that the storage does not know";
  if (storage_code == "RequestTimeTooSkewed") return ": the clocks of the API and of the storage differ";
  return {};
}

std::string size_limit_text(std::optional<std::uint64_t> size) {
  return size ? ": the file's " + std::to_string(*size) + " bytes are over a size limit there"
              : ": over a size limit there";
}

/// Only a body that is compressed in fact is one: some proxies unpack it and leave the header.
bool is_unreadable_reply(const wire::response& answer) {
  const auto first = answer.body.find_first_not_of(" \t\r\n\xef\xbb\xbf");
  return answer.encoded && (first == std::string::npos || answer.body[first] != '{');
}

} // namespace

std::optional<verdict> of_presign_answer(const wire::response& answer, core::wall_time our_clock) {
  const bool unreadable = is_success(answer.status) && is_unreadable_reply(answer);
  const auto kind = unreadable ? outcome_kind::garbled : core::classify_presign(answer.status);
  if (!kind) return std::nullopt;
  verdict v = of_answer(*kind, phase::presign, answer, {});
  if (unreadable) v.details.message += ", encoded in a way that was not asked for (Content-Encoding)";
  if (*kind == outcome_kind::key_refused)
    v.details.message = "the API refused the key (401); check that it is right and not revoked";
  if (answer.status == 413) v.details.message += size_limit_text(std::nullopt);
  quote(v.details);
  v.what.retry_after = retry_after(answer, our_clock);
  return v;
}

std::optional<verdict> of_put_answer(const wire::response& answer, core::wall_time our_clock,
                                     std::optional<std::uint64_t> size) {
  wire::s3_error error;
  const bool success = is_success(answer.status);
  if (!success || answer.body.find("Error") != std::string::npos) error = wire::parse_s3_error(answer.body);
  // A 2xx that is nothing but an error is none. Of its codes those that we know say what it is, as in a 500.
  const bool denied = success && error.is_whole_answer && !error.code.empty();
  if (success && !denied) return std::nullopt;
  if (error.code.empty()) error.code = answer.error_code.substr(0, storage_code_bytes_max);
  const auto kind = core::classify_put(denied ? 500 : answer.status, error.code);
  if (!kind) return std::nullopt;
  verdict v = of_answer(*kind, phase::put, answer, error);
  v.details.message += meaning_of(error.code);
  if (answer.status == 413 || error.code == "EntityTooLarge") v.details.message += size_limit_text(size);
  quote(v.details);
  v.what.retry_after = retry_after(answer, our_clock);
  v.details.storage_code = std::move(error.code);
  v.details.request_id = error.request_id.empty() ? answer.request_id : std::move(error.request_id);
  return v;
}

verdict of_refusal(const wire::reply_refusal& refusal, const wire::response& answer) {
  verdict v = of_refusal(refusal);
  v.details.http_status = answer.status;
  if (auto page = page_of(answer)) {
    v.details.message = "presign reply: the API answered " + std::to_string(answer.status) + " with ";
    v.details.message.append(name_of(*page)).append(" instead of JSON");
    v.details.server_message = std::move(page->words);
    quote(v.details);
  }
  return v;
}

verdict of_refusal(const wire::reply_refusal& refusal) {
  using kind = wire::reply_refusal::kind;
  const auto outcome = refusal.what == kind::headers ? outcome_kind::header_refused
                       : refusal.what == kind::url   ? outcome_kind::url_refused
                                                     : outcome_kind::malformed;
  return make(outcome, phase::presign,
              "presign reply: " + std::string(refusal.field) + " " + std::string(refusal.reason));
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
  case closed:
    if (reused) return make(outcome_kind::stale, where, why.text);
    break;
  case unserved: return make(outcome_kind::unserved, where, why.text);
  case no_resources: return make(outcome_kind::exhausted, phase::connect, why.text);
  case cancelled: return make(outcome_kind::cancelled, where, "cancelled");
  case bad_response: return make(outcome_kind::garbled, where, why.text);
  case broken:
  case timed_out:
  case none: break;
  }
  verdict lost = make(outcome_kind::lost, where, why.text);
  lost.what.fresh_connection = !reused;
  return lost;
}

verdict of_source(net::source_status status, int system_errno) {
  if (system_errno == EMFILE || system_errno == ENFILE)
    return make(outcome_kind::exhausted, phase::source, "out of file descriptors");
  const std::string reason = system_errno != 0 ? ": " + std::generic_category().message(system_errno) : "";
  switch (status) {
  case net::source_status::missing: return make(outcome_kind::source_missing, phase::source, "no such file");
  case net::source_status::not_regular:
    return make(outcome_kind::source_not_regular, phase::source,
                system_errno == ELOOP ? "a symbolic link stands in its place or on the way to it"
                                      : "not a regular file");
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
  using enum outcome_kind;
  const auto kind = failed.what.kind;
  return failed.details.where != phase::connect && (kind == lost || kind == garbled || kind == stale);
}

bool may_have_stored(const verdict& failed) {
  using enum outcome_kind;
  const auto kind = failed.what.kind;
  return failed.details.http_status >= 500 || answer_was_lost(failed) || kind == cancelled || kind == digest_mismatch ||
         kind == source_changed;
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
  return make(outcome_kind::digest_mismatch, phase::put,
              "the storage's ETag is not the MD5 of the bytes that were read");
}

} // namespace hoist::engine
