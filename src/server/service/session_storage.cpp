// The storage half of a connection: PUT into the bucket, GET and HEAD of public files.
#include "server/service/http_session.hpp"

#include <algorithm>
#include <utility>

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include "server/base/encoding.hpp"

namespace hoist::server {
namespace {

using namespace std::chrono_literals;
using boost::beast::http::verb;

constexpr auto progress_timeout = 30s;
constexpr std::size_t send_portion = 256 * 1024;

} // namespace

reply http_session::refusal(const s3_error& error) {
  return to_reply(error, home_.next_ids());
}

asio::awaitable<void> http_session::refuse_put(s3_error error) {
  home_.shared().counted.refused_put(error.code);
  co_await answer_and_skip_body(refusal(error), home_.shared().options.put_delay);
}

asio::awaitable<void> http_session::take_bucket_request() {
  if (head_.method == verb::put) co_return co_await take_put();
  const bool known = head_.method == verb::get || head_.method == verb::head || head_.method == verb::delete_;
  if (!known) {
    auto answer = refusal(method_not_allowed(head_.method_text));
    answer.add("Allow", "PUT");
    co_return co_await answer_and_skip_body(std::move(answer));
  }
  // The bucket is not public, and what we sign is for PUT: S3 refuses everything else by its signature.
  const auto query = parse_query(head_.query);
  const auto error = query ? judge_signature(head_, *query, home_.keys(), now_) : std::nullopt;
  co_await answer_and_skip_body(refusal(error.value_or(access_denied())));
}

asio::awaitable<void> http_session::take_put() {
  auto& shared = home_.shared();
  auto verdict = judge_put(head_, home_.keys(), {shared.options.size_max, shared.options.retention}, now_);
  if (auto* error = std::get_if<s3_error>(&verdict)) co_return co_await refuse_put(std::move(*error));
  const auto& put = std::get<admitted_put>(verdict);
  const auto* hit = next_fault(fault_scope::put);
  if (hit != nullptr && judged_by_head(*hit)) co_return co_await refuse_by_head(*hit);
  std::optional<object_store::upload> upload;
  try {
    upload.emplace(*shared.store, put);
  } catch (const std::exception& error) {
    spdlog::error("storage: {}", error.what());
  }
  if (!upload) co_return co_await refuse_put(internal_error());

  const auto at_hand = input().size() - head_.bytes;
  consume(head_.bytes);
  if (at_hand < put.size) {
    const bool silent = hit != nullptr && hit->action == fault_action::never_continue;
    if (head_.expects_continue && at_hand == 0 && !silent) {
      output_ += "HTTP/1.1 100 Continue\r\n\r\n";
      if (!marks_.empty()) marks_.back().end = output_.size();
    }
    co_await send_everything(); // nobody's answer waits for somebody else's body
  }
  body_progress progress{put.size};
  std::optional<s3_error> error;
  if (hit != nullptr && hit->after_bytes) {
    error = co_await receive_body(*upload, progress, std::min(put.size, *hit->after_bytes));
    if (!error && !broken_) co_await meet_fault_in_body(*hit);
    if (!open_) co_return;
  }
  progress.corrupt = hit != nullptr && hit->action == fault_action::corrupt_body;
  if (!error) error = co_await receive_body(*upload, progress, put.size);
  if (broken_) co_return shared.counted.refused_put("ConnectionLost");
  if (error) {
    // The body did not arrive whole: where the next request would begin is unknown.
    open_ = false;
    linger_ = true;
    shared.counted.refused_put(error->code);
    co_return queue(refusal(*error), shared.options.put_delay);
  }
  if (auto calculated = upload->mismatch()) {
    shared.counted.refused_put("BadDigest");
    co_return queue(refusal(bad_digest(to_base64(*put.content_md5), *std::move(calculated))), shared.options.put_delay);
  }
  const bool refused = hit != nullptr && hit->action == fault_action::answer && !hit->after_bytes;
  if (!refused) finish_put(*upload, put);
  read_at_ = clock::now(); // a delay is counted from the end of the body
  if (hit == nullptr || hit->after_bytes)
    queue(reply_, shared.options.put_delay);
  else
    co_await answer_with_fault(*hit, shared.options.put_delay);
}

// Leaves the answer in reply_.
void http_session::finish_put(object_store::upload& upload, const admitted_put& put) {
  try {
    const auto info = upload.finish(now_);
    const auto ids = home_.next_ids();
    reply_.start(200, {});
    reply_.add("x-amz-request-id", ids.request_id);
    reply_.add("x-amz-id-2", ids.host_id);
    reply_.add("ETag", info.etag());
  } catch (const std::exception& error) {
    spdlog::error("storage: {}", error.what());
    home_.shared().counted.refused_put("InternalError");
    reply_ = refusal(internal_error());
    return;
  }
  home_.counters().puts.add();
  home_.counters().put_bytes.add(put.size);
}

void http_session::take_body_bytes(object_store::upload& upload, body_progress& progress, std::span<char> bytes) {
  if (bytes.empty()) return;
  if (std::exchange(progress.corrupt, false)) bytes.front() = static_cast<char>(bytes.front() ^ 1);
  upload.write(bytes);
  progress.received += bytes.size();
  home_.counters().body_bytes.add(bytes.size());
}

asio::awaitable<std::optional<s3_error>> http_session::receive_body(object_store::upload& upload,
                                                                    body_progress& progress, std::uint64_t until) {
  auto& gate = *home_.shared().bandwidth;
  try {
    const auto first = static_cast<std::size_t>(std::min<std::uint64_t>(until - progress.received, input().size()));
    take_body_bytes(upload, progress, {input_.data() + begin_, first});
    consume(first);
    while (progress.received < until) {
      const auto left = until - progress.received;
      const auto room = home_.scratch();
      const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(left, gate.portion(room.size())));
      std::size_t count = 0;
      io_result result;
      while (count < wanted && result.state == io_state::done) {
        result = stream_->try_read(room.subspan(count, wanted - count));
        count += result.bytes;
      }
      take_body_bytes(upload, progress, room.first(count));
      if (progress.received == until) break;
      if (!gate.unlimited() && count > 0) {
        const auto debt = gate.charge(count, clock::now().time_since_epoch());
        if (debt > 0ns) co_await pause(debt);
      }
      if (result.state == io_state::closed) co_return incomplete_body(progress.size, progress.received);
      if (result.state == io_state::failed) broken_ = true;
      if (broken_) break;
      if (result.state == io_state::done) {
        // More is there already, and may always be: the other connections of this thread have a turn.
        const auto here = co_await asio::this_coro::executor;
        co_await asio::post(here, asio::use_awaitable);
        continue;
      }
      const bool ready = co_await wait(result.state, progress_timeout);
      if (!ready) co_return request_timeout();
    }
  } catch (const std::system_error& error) {
    spdlog::error("storage: {}", error.what());
    co_return internal_error();
  }
  co_return std::nullopt;
}

asio::awaitable<void> http_session::take_public_file(std::string_view id_text) {
  if (head_.method != verb::get && head_.method != verb::head) {
    auto answer = refusal(method_not_allowed(head_.method_text));
    answer.add("Allow", "GET, HEAD");
    co_return co_await answer_and_skip_body(std::move(answer));
  }
  const auto id = file_id::parse(id_text);
  auto object = id ? home_.shared().store->open(*id, now_) : std::nullopt;
  if (!object) co_return co_await answer_and_skip_body(refusal(no_such_key(id_text)));
  const auto& info = object->info;
  const bool is_get = head_.method == verb::get;
  if (is_get && !object->body) {
    const s3_error gone{410, "ObjectDiscarded", "This server keeps sizes and digests only (--discard).", {}};
    co_return co_await answer_and_skip_body(refusal(gone));
  }
  const auto range_text = head_.find("range");
  const auto choice = choose_range(range_text, info.size);
  if (choice.answer == range_answer::not_satisfiable) {
    auto answer = refusal(invalid_range(range_text, info.size));
    answer.add("Content-Range", "bytes */" + std::to_string(info.size));
    co_return co_await answer_and_skip_body(std::move(answer));
  }
  const bool part = choice.answer == range_answer::part;
  const auto ids = home_.next_ids();
  reply_.start(part ? 206 : 200, info.content_type);
  reply_.add("x-amz-request-id", ids.request_id);
  reply_.add("x-amz-id-2", ids.host_id);
  reply_.add("ETag", info.etag());
  reply_.add("Last-Modified", to_http_date(info.stored_at));
  reply_.add("Accept-Ranges", "bytes");
  reply_.add("X-Content-Type-Options", "nosniff");
  if (part) {
    const auto last = choice.range.first + choice.range.length - 1;
    std::string text = "bytes ";
    text.append(std::to_string(choice.range.first)).append("-").append(std::to_string(last));
    reply_.add("Content-Range", text.append("/").append(std::to_string(info.size)));
  }
  if (head_.body_bytes() > 0 || head_.chunked) linger_ = true, head_.keep_alive = false; // nobody sends one
  queue(reply_, delay{0}, choice.range.length);
  consume(head_.bytes);
  if (is_get) co_await send_body(*std::move(object), choice.range);
}

asio::awaitable<void> http_session::send_body(object_store::stored object, byte_range range) {
  co_await send_everything();
  std::vector<char> portion(static_cast<std::size_t>(std::min<std::uint64_t>(range.length, send_portion)));
  while (range.length > 0 && !broken_) {
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(range.length, portion.size()));
    const auto count = ::pread(object.body.get(), portion.data(), wanted, static_cast<off_t>(range.first));
    if (count <= 0) {
      // The head has left, so the only honest sign is an answer that ends too early.
      spdlog::error("storage: a stored body is shorter than its index says");
      broken_ = true;
      co_return;
    }
    co_await send({portion.data(), static_cast<std::size_t>(count)});
    range.first += static_cast<std::uint64_t>(count);
    range.length -= static_cast<std::uint64_t>(count);
  }
}

} // namespace hoist::server
