// The stream in Beast's hands: http::async_write and http::async_read over it, with callbacks.

#include "fake_peer.hpp"
#include "net_client.hpp"

#include "net/async_stream.hpp"

#include <gtest/gtest.h>

#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include <future>

namespace hoist::net {
namespace {

namespace http = boost::beast::http;
using test::fake_peer;
using test::net_client;
using test::noise;
using test::peer_connection;
using test::tls_identity;
using wire::scheme;

struct beast_client {
  beast_client(net_client& client, stream& under) : io(client.io), over(under) {}

  template <class Body>
  http::response<http::string_body> exchange(http::request<Body>& request) {
    std::optional<error_code> ended;
    boost::beast::flat_buffer buffer;
    http::response<http::string_body> answer;
    http::async_write(over, request, [&](error_code ec, std::size_t) {
      if (ec) {
        ended = ec;
        return;
      }
      http::async_read(over, buffer, answer, [&](error_code read_ec, std::size_t) { ended = read_ec; });
    });
    EXPECT_TRUE(test::run_until(io, [&] { return ended.has_value(); }));
    EXPECT_FALSE(*ended) << ended->message();
    return answer;
  }

  asio::io_context& io;
  async_stream over;
};

// Beast writes a request whose body is a span, and reads the answer; a large body leaves in batches of ours.
TEST(async_stream, carries_a_span_body) {
  const auto identity = tls_identity::make();
  std::string body = noise(1'000'000);
  std::promise<std::string> received;
  fake_peer peer(identity, [&](peer_connection& p) {
    received.set_value(p.read_request());
    p.write(test::http_answer("200 OK", "stored"));
    p.drain();
  });
  net_client client(identity.pem);
  auto c = client.connect(scheme::https, peer.port());
  ASSERT_FALSE(c.why) << c.why.text;
  client.tallies = {};
  http::request<http::span_body<char>> request{http::verb::put, "/x", 11};
  request.body() = boost::beast::span<char>(body.data(), body.size());
  request.prepare_payload();
  EXPECT_EQ(beast_client(client, *c.connected).exchange(request).body(), "stored");
  const std::string whole = received.get_future().get();
  EXPECT_TRUE(whole.ends_with(body));
  EXPECT_LE(client.tallies.batches, 1'000'000 / batch_bytes + 3);
  c.connected.reset();
}

// Beast's file body works as well, over plain TCP too.
TEST(async_stream, carries_a_file_body) {
  std::promise<std::string> received;
  fake_peer peer([&](peer_connection& p) {
    received.set_value(p.read_request());
    p.write(test::http_answer("200 OK"));
    p.drain();
  });
  net_client client;
  const std::string body = noise(300'000);
  const auto path = client.folder.write("file", body);
  auto c = client.connect(scheme::http, peer.port());
  ASSERT_FALSE(c.why) << c.why.text;
  http::request<http::file_body> request{http::verb::put, "/x", 11};
  boost::beast::error_code ec;
  request.body().open(path.c_str(), boost::beast::file_mode::scan, ec);
  ASSERT_FALSE(ec);
  request.prepare_payload();
  EXPECT_EQ(beast_client(client, *c.connected).exchange(request).result(), http::status::ok);
  EXPECT_TRUE(received.get_future().get().ends_with(body));
  c.connected.reset();
}

// Asio's composed operations read and write through it; the end of the stream is an eof.
TEST(async_stream, reads_until_the_end) {
  const auto identity = tls_identity::make();
  fake_peer peer(identity, [](peer_connection& p) {
    EXPECT_EQ(p.read_exactly(5), "hello");
    p.write("and good bye");
    p.close_notify();
  });
  net_client client(identity.pem);
  auto c = client.connect(scheme::https, peer.port());
  ASSERT_FALSE(c.why) << c.why.text;
  async_stream over(*c.connected);
  std::string got;
  std::optional<error_code> ended;
  asio::async_write(over, asio::buffer("hello", 5), [&](error_code ec, std::size_t n) {
    EXPECT_FALSE(ec);
    EXPECT_EQ(n, 5u);
    asio::async_read(over, asio::dynamic_buffer(got), [&](error_code read_ec, std::size_t) { ended = read_ec; });
  });
  ASSERT_TRUE(test::run_until(client.io, [&] { return ended.has_value(); }));
  EXPECT_EQ(*ended, asio::error::eof);
  EXPECT_EQ(got, "and good bye");
  c.connected.reset();
}

} // namespace
} // namespace hoist::net
