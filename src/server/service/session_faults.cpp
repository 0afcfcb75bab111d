// What goes wrong on purpose, on the wire.
#include "server/service/http_session.hpp"

#include <utility>

#include <spdlog/spdlog.h>

#include "server/faults/ticket_spoiler.hpp"

namespace hoist::server {
namespace {

constexpr int flood_count = 10'000;
constexpr std::size_t huge_body_bytes = 16UL * 1024 * 1024;

// The code that S3 has for a status; a client decides by both.
s3_error s3_error_for(unsigned status) {
  switch (status) {
  case 301:
    return {301, "PermanentRedirect", "The bucket you are attempting to access must be addressed elsewhere.", {}};
  case 307: return {307, "TemporaryRedirect", "Please re-send this request to the specified temporary endpoint.", {}};
  case 400: return request_timeout();
  case 403: return access_denied();
  case 404: return no_such_bucket(bucket_name);
  case 405: return method_not_allowed("PUT");
  case 408: return {408, "RequestTimeout", request_timeout().message, {}};
  case 409: return {409, "OperationAborted", "A conflicting conditional operation is currently in progress.", {}};
  case 411: return missing_content_length();
  case 412: return {412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold", {}};
  case 413: return {413, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size", {}};
  case 429: return {429, "TooManyRequests", "Please reduce your request rate.", {}};
  case 500: return internal_error();
  case 501: return not_implemented("Expect");
  case 503: return slow_down();
  case 507: return {507, "InsufficientCapacity", "There is not enough room to store the object.", {}};
  default: break;
  }
  if (status < 500) return {status, "InvalidRequest", "The request is not valid.", {}};
  return {status, "ServiceUnavailable", "The service is unavailable. Please retry.", {}};
}

reply api_refusal_for(unsigned status) {
  switch (status) {
  case 401: return json_refusal(401, "Invalid or missing API key");
  case 404: return json_refusal(404, "file not found");
  case 409: return json_refusal(409, "conflict");
  case 429: return json_refusal(429, "Too many requests");
  case 500: return json_refusal(500, "Failed to generate presigned URL");
  default: return json_refusal(status, "Unavailable");
  }
}

s3_error expired_for(fault_action action) {
  if (action == fault_action::expired_other_code) return {403, "ExpiredRequest", "Request has expired", {}};
  if (action == fault_action::expired_token) return {400, "ExpiredToken", "The provided token has expired.", {}};
  return access_denied("Request has expired");
}

} // namespace

const fault* http_session::next_fault(fault_scope scope) {
  const auto* hit = home_.shared().faults->next(scope, clock::now());
  if (hit == nullptr) return nullptr;
  home_.shared().counted.injected_fault(hit->name);
  spdlog::debug("fault: {}", hit->name);
  return hit;
}

void http_session::reset() {
  stream_->reset();
  open_ = false;
  broken_ = true;
}

asio::awaitable<void> http_session::meet_connection_fault(const fault& hit) {
  switch (hit.action) {
  case fault_action::stall: co_await pause(hit.time); break;
  case fault_action::reset: reset(); break;
  default: open_ = false;
  }
}

reply http_session::refusal_for(const fault& hit) {
  auto answer = [&] {
    if (hit.scope != fault_scope::put) return api_refusal_for(hit.action == fault_action::throttle ? 429 : hit.status);
    if (hit.action == fault_action::throttle) return refusal(slow_down());
    const bool by_status = hit.action == fault_action::answer || hit.action == fault_action::answer_early;
    return refusal(by_status ? s3_error_for(hit.status) : expired_for(hit.action));
  }();
  // Nobody listens there: a client that follows it is found out.
  if (answer.status / 100 == 3) answer.add("Location", "http://127.0.0.1:9/redirected");
  home_.shared().faults->dress(hit.scope, answer);
  return answer;
}

asio::awaitable<void> http_session::refuse_by_head(const fault& hit) {
  if (hit.action == fault_action::reset) co_return reset();
  if (hit.action == fault_action::close) {
    open_ = false;
    co_return;
  }
  auto answer = refusal_for(hit);
  home_.shared().counted.refused_put(answer.code);
  co_await answer_and_skip_body(std::move(answer), home_.shared().options.put_delay);
}

asio::awaitable<void> http_session::meet_fault_in_body(const fault& hit) {
  switch (hit.action) {
  case fault_action::stall: co_return co_await pause(hit.time);
  case fault_action::reset: co_return reset();
  default: break;
  }
  open_ = false;
  linger_ = true;
  if (hit.action == fault_action::close) co_return;
  auto answer = refusal_for(hit);
  home_.shared().counted.refused_put(answer.code);
  queue(answer);
}

void http_session::change_etag(fault_action how) {
  auto& fields = reply_.fields;
  const auto begin = fields.find("ETag: \"");
  if (begin == std::string::npos) return;
  const auto value = begin + 7;
  switch (how) {
  case fault_action::drop_etag: fields.erase(begin, fields.find("\r\n", begin) + 2 - begin); break;
  case fault_action::opaque_etag: fields.insert(value, "opaque-"); break;
  default: fields[value] = fields[value] == '0' ? '1' : '0';
  }
}

asio::awaitable<void> http_session::answer_with_fault(const fault& hit, delay held) {
  auto& counted = home_.shared().counted;
  switch (hit.action) {
  case fault_action::answer:
  case fault_action::throttle:
    reply_ = refusal_for(hit);
    if (hit.scope == fault_scope::put) counted.refused_put(reply_.code);
    if (hit.scope == fault_scope::presign) counted.refused_presign(reply_.status);
    break;
  case fault_action::reset:
  case fault_action::lose_answer: co_return reset();
  case fault_action::close: open_ = false; co_return;
  case fault_action::stall: co_await pause(hit.time); break;
  case fault_action::spoil_etag:
  case fault_action::drop_etag:
  case fault_action::opaque_etag: change_etag(hit.action); break;
  case fault_action::repeat_ticket: home_.shared().faults->repeat_ticket(reply_.body); break;
  case fault_action::spoil_ticket:
    spoil_ticket(std::string_view(hit.name).substr(hit.name.find(':') + 1), reply_.body,
                 home_.presigns().content_type());
    break;
  case fault_action::flood_of_1xx:
    for (int i = 0; i < flood_count; ++i) output_ += "HTTP/1.1 102 Processing\r\n\r\n";
    break;
  case fault_action::garbage_answer:
    output_ += "\x15\x03 this is no HTTP \x01\r\n\r\n";
    open_ = false;
    linger_ = true;
    co_return;
  case fault_action::huge_answer:
    reply_.start(503, "application/xml");
    reply_.body.assign(huge_body_bytes, 'x');
    break;
  case fault_action::html_answer:
    reply_.start(502, "text/html");
    reply_.body = "<html><head><title>502 Bad Gateway</title></head><body>proxy</body></html>";
    break;
  default: break;
  }
  date_omitted_ = hit.action == fault_action::no_date;
  queue(reply_, held);
  date_omitted_ = false;
  if (hit.action == fault_action::fragment_answer) co_await send_in_pieces();
}

// One byte at a time, each in a record and a packet of its own.
asio::awaitable<void> http_session::send_in_pieces() {
  const auto answer = std::exchange(output_, {});
  marks_.clear();
  for (std::size_t i = 0; i < answer.size() && !broken_; ++i) co_await send(std::string_view(answer).substr(i, 1));
}

} // namespace hoist::server
