// What sendfile may say, and what becomes of a PUT then.

#include "fake_peer.hpp"
#include "net_client.hpp"
#include "sendfile_double.hpp"

#include "net/put_exchange.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <future>

namespace hoist::net {
namespace {

using test::fake_peer;
using test::http_answer;
using test::net_client;
using test::noise;
using test::peer_connection;
using test::run;
using test::sendfile_double;

ssize_t fail(int error) {
  errno = error;
  return -1;
}

struct sendfile_case {
  const char* name;
  sendfile_double::script play;
  failure_kind expected = failure_kind::none; ///< none: the peer got every byte
};

class sendfile_says : public testing::TestWithParam<sendfile_case> {};

// Whatever sendfile does, the peer gets every byte once and in order, or the PUT fails as what it was.
TEST_P(sendfile_says, and_the_put_ends_well_or_as_what_it_was) {
  std::string received;
  fake_peer peer([&](peer_connection& p) {
    received = p.read_request();
    p.write(http_answer("200 OK"));
    p.drain();
  });
  net_client client;
  auto c = client.connect(wire::scheme::http, peer.port());
  ASSERT_FALSE(c.why) << c.why.text;
  const std::string bytes = noise(3'000'000);
  const auto path = client.folder.write("f", bytes);
  file_source body;
  ASSERT_EQ(body.open(source::file(path), look_at(source::file(path)).identity).status, source_status::ok);
  const std::string head = "PUT /k HTTP/1.1\r\nContent-Length: 3000000\r\n\r\n";
  answer_reader reader;
  const sendfile_double faulty(GetParam().play);
  const auto result = run(client.io, put_exchange(*c.connected, reader, head, body, client.doing));
  EXPECT_GT(faulty.calls(), 0) << "the file was not sent by sendfile: this test has tested nothing";
  EXPECT_EQ(result.source, source_status::ok);
  EXPECT_EQ(result.why.kind, GetParam().expected) << result.why.text;
  c.connected.reset();
  peer.stop();
  if (GetParam().expected == failure_kind::none) {
    EXPECT_TRUE(received == head + bytes);
    EXPECT_EQ(client.doing.body_bytes, bytes.size());
  }
}

INSTANTIATE_TEST_SUITE_P(
    all, sendfile_says,
    testing::Values(
        sendfile_case{"a_little_at_a_time",
                      [](int, std::size_t most, const auto& send) { return send(std::min<std::size_t>(most, 4999)); }},
        sendfile_case{"interrupted", [](int call, std::size_t most,
                                        const auto& send) { return call % 2 == 1 ? fail(EINTR) : send(most); }},
        sendfile_case{"full_every_other_time",
                      [](int call, std::size_t most, const auto& send) {
                        return call % 2 == 1 ? fail(EAGAIN) : send(std::min<std::size_t>(most, 100'000));
                      }},
        sendfile_case{"not_this_file", [](int, std::size_t, const auto&) { return fail(EINVAL); }},
        sendfile_case{"not_this_system", [](int, std::size_t, const auto&) { return fail(ENOSYS); }},
        sendfile_case{"not_this_file_any_more",
                      [](int call, std::size_t most, const auto& send) {
                        return call > 2 ? fail(EINVAL) : send(std::min<std::size_t>(most, 70'001));
                      }},
        sendfile_case{"the_connection_is_gone", [](int, std::size_t, const auto&) { return fail(ECONNRESET); },
                      failure_kind::closed}),
    [](const auto& tested) { return std::string(tested.param.name); });

// A file that cannot be read on is the file's trouble, not the connection's.
TEST(sendfile_of_a_file, that_gives_out_is_told_from_a_lost_connection) {
  const test::temporary_folder folder;
  const auto path = folder.write("f", noise(200'000));
  file_source body;
  ASSERT_EQ(body.open(source::file(path), look_at(source::file(path)).identity).status, source_status::ok);
  std::filesystem::resize_file(path, 0);
  const sendfile_double faulty([](int, std::size_t, const auto&) { return fail(EIO); });
  std::size_t n = 1;
  error_code ec;
  EXPECT_EQ(body.send_to(-1, 200'000, n, ec), source_status::changed);
  EXPECT_FALSE(ec);
  EXPECT_EQ(n, 0u);
}

volatile std::sig_atomic_t raised = 0;

// Sending a file to a peer that is gone raises no signal, whatever the program does with it, and leaves none behind.
TEST(sendfile_of_a_file, to_nobody_raises_no_signal) {
  const test::temporary_folder folder;
  const auto path = folder.write("f", noise(200'000));
  file_source body;
  ASSERT_EQ(body.open(source::file(path), look_at(source::file(path)).identity).status, source_status::ok);
  std::promise<void> connected;
  fake_peer peer([&](peer_connection& p) {
    connected.get_future().wait();
    p.reset();
  });
  net_client client;
  auto* const before = std::signal(SIGPIPE, [](int) { raised = 1; });
  auto c = client.connect(wire::scheme::http, peer.port());
  ASSERT_FALSE(c.why) << c.why.text;
  connected.set_value();
  error_code ec;
  auto what = source_status::ok;
  while (!ec) { // the first may go before the reset is here
    if (body.left() == 0) body.open(source::file(path), look_at(source::file(path)).identity);
    c.connected->send_file(body, 1000, what, ec);
    if (ec == asio::error::would_block) ec = {};
  }
  while (ec != asio::error::broken_pipe && ec) { // a reset is told once; from then on the pipe is broken
    c.connected->send_file(body, 1000, what, ec);
  }
  EXPECT_EQ(ec, asio::error::broken_pipe);
  EXPECT_EQ(what, source_status::ok);
  sigset_t pending;
  sigpending(&pending);
  EXPECT_EQ(sigismember(&pending, SIGPIPE), 0);
  EXPECT_EQ(raised, 0);
  std::signal(SIGPIPE, before);
}

} // namespace
} // namespace hoist::net
