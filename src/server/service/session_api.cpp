// The API's half of a connection: presign, delete, and the account that tests trust.
#include "server/service/http_session.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

#include "server/base/encoding.hpp"

namespace hoist::server {

using boost::beast::http::verb;

asio::awaitable<bool> http_session::take_presign() {
  const auto held = home_.shared().options.presign_delay;
  if (auto refused = refuse_presign_head(head_, home_.shared().who.api_key)) {
    home_.shared().counted.refused_presign(refused->status);
    co_await answer_and_skip_body(*std::move(refused), held);
    co_return true;
  }
  const auto body_bytes = static_cast<std::size_t>(head_.body_bytes());
  if (input().size() < head_.bytes + body_bytes) {
    if (head_.expects_continue && !std::exchange(continued_, true)) {
      output_ += "HTTP/1.1 100 Continue\r\n\r\n";
      if (!marks_.empty()) marks_.back().end = output_.size();
    }
    make_room(head_.bytes + body_bytes - input().size());
    co_return false;
  }
  home_.presigns().answer(input().substr(head_.bytes, body_bytes), now_, reply_);
  const bool ticketed = reply_.status == 200;
  if (!ticketed) home_.shared().counted.refused_presign(reply_.status);
  const auto* hit = ticketed ? next_fault(fault_scope::presign) : nullptr;
  const bool refused = hit != nullptr && (hit->action == fault_action::answer || hit->action == fault_action::throttle);
  if (ticketed && !refused) home_.counters().presigns.add();
  consume(head_.bytes + body_bytes);
  if (hit == nullptr)
    queue(reply_, held);
  else
    co_await answer_with_fault(*hit, held);
  co_return true;
}

asio::awaitable<void> http_session::take_delete(std::string_view id_text) {
  if (head_.method != verb::delete_) {
    auto answer = json_refusal(405, "method not allowed");
    answer.add("Allow", "DELETE");
    co_return co_await answer_and_skip_body(std::move(answer));
  }
  if (auto refused = refuse_key(head_, home_.shared().who.api_key)) {
    co_return co_await answer_and_skip_body(*std::move(refused));
  }
  const auto id = file_id::parse(id_text);
  if (!id) co_return co_await answer_and_skip_body(json_refusal(400, "invalid argument"));
  if (const auto* hit = next_fault(fault_scope::remove)) {
    // What a fault does instead of the deletion, it does before it.
    reply_ = json_refusal(500, "internal error");
    consume(head_.bytes +
            static_cast<std::size_t>(std::min<std::uint64_t>(head_.body_bytes(), input().size() - head_.bytes)));
    const bool replaced = hit->action != fault_action::stall;
    if (replaced) co_return co_await answer_with_fault(*hit, delay{0});
    co_await pause(hit->time);
    co_return queue(deletion_of(*id));
  }
  co_await answer_and_skip_body(deletion_of(*id));
}

reply http_session::deletion_of(const file_id& id) {
  reply answer;
  switch (home_.shared().store->erase(id, now_)) {
  case object_index::erasure::erased:
  case object_index::erasure::already_gone: answer.start(204, {}); break;
  case object_index::erasure::unknown: answer = json_refusal(404, "file not found"); break;
  case object_index::erasure::being_written: answer = json_refusal(409, "conflict"); break;
  }
  return answer;
}

// The truth that tests compare with: one JSON line per stored id, written shard by shard.
asio::awaitable<void> http_session::send_account() {
  if (auto refused = refuse_key(head_, home_.shared().who.api_key)) {
    co_return co_await answer_and_skip_body(*std::move(refused));
  }
  open_ = false; // the length is not known beforehand, and the end of the connection ends the body for every reader
  consume(head_.bytes);
  output_.append("HTTP/1.1 200 OK\r\nDate: ").append(home_.http_date(now_));
  output_ += "\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n";
  co_await send_everything();
  for (std::size_t shard = 0; shard < object_index::shard_count && !broken_; ++shard) {
    std::string lines;
    home_.shared().store->index().for_each(shard, [&](const file_id& id, const object_info& info) {
      lines.append(R"({"id":")").append(id.text()).append(R"(","size":)").append(std::to_string(info.size));
      lines.append(R"(,"content_type":")");
      append_json_escaped(lines, info.content_type);
      lines += '"';
      if (info.md5) lines.append(R"(,"md5":")").append(to_hex(*info.md5)).append("\"");
      if (info.sha256) lines.append(R"(,"sha256":")").append(to_hex(*info.sha256)).append("\"");
      lines.append(R"(,"puts":)").append(std::to_string(info.puts)).append("}\n");
    });
    if (lines.empty()) continue;
    const auto length = lines.size();
    std::array<char, 20> hex{};
    std::snprintf(hex.data(), hex.size(), "%zx\r\n", length);
    co_await send(hex.data());
    co_await send(lines);
    co_await send("\r\n");
  }
  co_await send("0\r\n\r\n");
}

} // namespace hoist::server
