// One connection among others of its thread.
#include "server/service/http_session.hpp"

#include <algorithm>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <gtest/gtest.h>
#include <simdjson.h>

#include "temporary_folder.hpp"

namespace hoist::server {
namespace {

// A client that has always sent more already: nobody ever has to wait for it.
class eager_stream final : public byte_stream {
 public:
  eager_stream(asio::io_context& io, std::string head, std::uint64_t body)
      : byte_stream(asio::ip::tcp::socket(io)), head_(std::move(head)), body_left_(body) {}

  io_result try_handshake() override { return {}; }

  io_result try_read(std::span<char> into) override {
    if (head_.empty() && body_left_ == 0) return {io_state::closed, 0};
    if (!head_.empty()) {
      const auto count = head_.copy(into.data(), into.size());
      head_.erase(0, count);
      return {io_state::done, count};
    }
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(body_left_, into.size()));
    std::ranges::fill(into.first(count), 'b');
    body_left_ -= count;
    read_ += count;
    return {io_state::done, count};
  }

  io_result try_write(std::span<const char> bytes) override {
    answers.append(bytes.data(), bytes.size());
    return {io_state::done, bytes.size()};
  }

  void finish_writing() override {}

  [[nodiscard]] std::uint64_t body_bytes_read() const noexcept { return read_; }

  std::string answers;

 private:
  std::string head_;
  std::uint64_t body_left_;
  std::uint64_t read_ = 0;
};

struct thread_of_a_server {
  thread_of_a_server() {
    shared.account = {"HOISTTEST", "a secret", "us-east-1"};
    shared.where = {"http://here.test", "http://here.test"};
    shared.store = std::make_unique<object_store>(state.path(), storage_rules{.discard = true});
    shared.bandwidth = std::make_unique<rate_gate>(0);
    shared.faults = std::make_unique<fault_injector>(std::vector<fault>{}, 0);
  }

  // The head of a PUT that is admitted.
  std::string signed_put(std::uint64_t size) {
    reply ticket;
    home.presigns().answer(R"({"content_type":"video/mp4"})",
                           std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()), ticket);
    simdjson::dom::parser parser;
    const auto members = parser.parse(ticket.body);
    const auto url = std::string(std::string_view(members.at_key("presigned_url")));
    const auto id = std::string(std::string_view(members.at_key("id")));
    return "PUT " + url.substr(shared.where.storage.size()) +
           " HTTP/1.1\r\nHost: here.test\r\nContent-Type: video/mp4\r\n" + "x-amz-meta-file-id: " + id +
           "\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n";
  }

  test::temporary_folder state;
  server_context shared;
  worker home{shared};
};

// Whoever else the thread serves has a turn after at most 256 KiB of a sender that is always faster.
TEST(http_session, regression_a_fast_sender_has_a_turn_and_not_the_thread) {
  constexpr std::uint64_t size = 20'000'000;
  thread_of_a_server one;
  auto& io = one.home.context();
  const auto stream = std::make_shared<eager_stream>(io, one.signed_put(size), size);
  http_session session(stream, one.home, {true, true});
  bool over = false;
  asio::co_spawn(io, session.run(), [&](const std::exception_ptr& thrown) {
    over = true;
    EXPECT_FALSE(thrown);
    one.home.drain();
  });
  std::uint64_t longest = 0, seen = 0;
  const auto neighbour = [&]() -> asio::awaitable<void> {
    while (!over) {
      longest = std::max(longest, stream->body_bytes_read() - seen);
      seen = stream->body_bytes_read();
      co_await asio::post(io, asio::use_awaitable);
    }
  };
  asio::co_spawn(io, neighbour, asio::detached);
  one.home.run();
  EXPECT_TRUE(stream->answers.starts_with("HTTP/1.1 200")) << stream->answers;
  EXPECT_EQ(one.home.counters().put_bytes.value(), size);
  EXPECT_LE(longest, (256U + 32) * 1024) << "the first turn has what came with the head besides";
}

} // namespace
} // namespace hoist::server
