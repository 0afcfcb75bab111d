// One connection: requests in, answers out, one coroutine.
//
// Requests that arrived together are answered together: as many as the input holds are taken, their answers are queued
// behind each other, and one write sends them. A configured delay is a time before which an answer may not leave, so
// pipelined requests wait side by side. http_session.cpp has the connection, session_api.cpp and session_storage.cpp
// the two halves of what is served, session_faults.cpp what goes wrong on purpose.
#pragma once

#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "server/http/byte_range.hpp"
#include "server/http/http_message.hpp"
#include "server/service/worker.hpp"

namespace hoist::server {

class http_session {
 public:
  using clock = std::chrono::steady_clock;

  http_session(std::shared_ptr<byte_stream> stream, worker& home, port_roles roles);

  [[nodiscard]] asio::awaitable<void> run();
  // From the same thread: cut a wait short whose time has run out, or one that nothing is expected of any more.
  void check_deadline(clock::time_point now);
  void drain();

 private:
  using delay = std::chrono::milliseconds;

  // The connection.
  [[nodiscard]] asio::awaitable<bool> handshake();
  [[nodiscard]] asio::awaitable<void> read_more();
  [[nodiscard]] asio::awaitable<bool> wait(io_state what, clock::duration patience);
  [[nodiscard]] asio::awaitable<bool> wait_or_until(io_state what, clock::time_point until);
  [[nodiscard]] asio::awaitable<void> pause(clock::duration time);
  [[nodiscard]] asio::awaitable<void> send(std::string_view bytes);
  [[nodiscard]] asio::awaitable<void> send_due();
  [[nodiscard]] asio::awaitable<void> send_everything();
  [[nodiscard]] asio::awaitable<void> close();
  [[nodiscard]] std::string_view input() const noexcept { return {input_.data() + begin_, end_ - begin_}; }
  void consume(std::size_t bytes) noexcept;
  void make_room(std::size_t bytes);

  // Requests.
  [[nodiscard]] asio::awaitable<void> take_requests();
  [[nodiscard]] asio::awaitable<bool> take_request(); // false: its body is not here yet
  [[nodiscard]] asio::awaitable<bool> take_presign();
  [[nodiscard]] asio::awaitable<void> take_delete(std::string_view id);
  [[nodiscard]] asio::awaitable<void> send_account();
  void queue(const reply& answer, delay held = delay{0}, std::optional<std::uint64_t> length_of_other_body = {});
  // For every answer that does not want the request's body: a short rest is read and dropped, before a long one the
  // connection ends.
  [[nodiscard]] asio::awaitable<void> answer_and_skip_body(reply answer, delay held = delay{0});
  [[nodiscard]] asio::awaitable<void> skip_body(std::uint64_t bytes);
  void refuse_input(unsigned status, std::string_view message);
  [[nodiscard]] std::size_t due_bytes(clock::time_point now) const;
  void log_answer(const reply& answer) const;

  [[nodiscard]] reply deletion_of(const file_id& id);

  // Storage.
  [[nodiscard]] asio::awaitable<void> take_bucket_request();
  [[nodiscard]] asio::awaitable<void> take_put();
  struct body_progress {
    std::uint64_t size;
    std::uint64_t received = 0;
    bool corrupt = false; // the next byte, on purpose
  };
  // Up to `until` bytes of it.
  [[nodiscard]] asio::awaitable<std::optional<s3_error>> receive_body(object_store::upload& upload,
                                                                      body_progress& progress, std::uint64_t until);
  void take_body_bytes(object_store::upload& upload, body_progress& progress, std::span<char> bytes);
  [[nodiscard]] asio::awaitable<void> take_public_file(std::string_view id);
  [[nodiscard]] asio::awaitable<void> send_body(object_store::stored object, byte_range range);
  [[nodiscard]] reply refusal(const s3_error& error);
  [[nodiscard]] asio::awaitable<void> refuse_put(s3_error error);
  [[nodiscard]] asio::awaitable<void> refuse_by_head(const fault& hit);
  void finish_put(object_store::upload& upload, const admitted_put& put); // fills reply_

  // Faults.
  [[nodiscard]] const fault* next_fault(fault_scope scope);
  [[nodiscard]] asio::awaitable<void> meet_connection_fault(const fault& hit);
  [[nodiscard]] asio::awaitable<void> answer_with_fault(const fault& hit, delay held); // in place of queue(reply_)
  [[nodiscard]] asio::awaitable<void> meet_fault_in_body(const fault& hit); // open_ says whether the body goes on
  [[nodiscard]] reply refusal_for(const fault& hit);
  [[nodiscard]] asio::awaitable<void> send_in_pieces();
  void change_etag(fault_action how);
  void reset();

  std::shared_ptr<byte_stream> stream_;
  worker& home_;
  port_roles roles_;
  asio::steady_timer timer_;

  std::vector<char> input_;
  std::size_t begin_ = 0, end_ = 0; // of what was read and not yet consumed
  request_head head_;
  reply reply_; // reused, so that its memory is
  unix_time now_;
  clock::time_point read_at_; // when the requests at hand arrived

  struct mark { // the answers up to here may leave from then on
    std::size_t end;
    clock::time_point due;
  };
  std::string output_;
  std::deque<mark> marks_; // empty: everything is due

  clock::time_point deadline_ = clock::time_point::max();
  std::uint64_t answered_ = 0;
  bool open_ = true;     // more requests are taken
  bool broken_ = false;  // nothing can be sent any more
  bool expired_ = false; // the wait's time ran out
  bool at_rest_ = false; // between requests, with nothing to send
  bool linger_ = false;  // the peer may still be sending: read its bytes for a while before closing
  bool date_omitted_ = false;
  bool continued_ = false; // 100 was sent for the request at hand
};

} // namespace hoist::server
