// Many PUTs at once whose bodies are digested: their blocks meet, and each digest is that of its body.

#include "fake_peer.hpp"
#include "md5_hex.hpp"
#include "net_client.hpp"

#include "net/put_exchange.hpp"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <algorithm>
#include <deque>

namespace hoist::net {
namespace {

using test::fake_peer;
using test::http_answer;
using test::net_client;
using test::noise;
using test::peer_connection;

struct upload {
  std::unique_ptr<stream> connection;
  answer_reader reader;
  file_source body;
  activity doing;
  std::string head;
  bool done = false;
};

task<void> put_one(upload& u) {
  const auto result = co_await put_exchange(*u.connection, u.reader, u.head, u.body, u.doing);
  EXPECT_FALSE(result.why) << result.why.text;
  EXPECT_EQ(result.source, source_status::ok);
  u.done = true;
}

// Uploads of one thread, of different sizes and all at once, end with the digests of their bodies, digested together.
TEST(digest_company, of_many_puts_at_once) {
  constexpr std::size_t count = 10;
  std::vector<std::unique_ptr<fake_peer>> peers;
  net_client client{test::tls_identity::make().pem};
  digest::md5_lanes lanes;
  std::deque<upload> uploads;
  std::vector<std::string> bodies;
  for (std::size_t i = 0; i < count; ++i) {
    peers.push_back(std::make_unique<fake_peer>([](peer_connection& p) {
      p.read_request();
      p.write(http_answer("200 OK"));
      p.drain();
    }));
    bodies.push_back(noise(2'000'000 + 12'345 * i, static_cast<unsigned>(i)));
    upload& u = uploads.emplace_back();
    auto made = client.connect(wire::scheme::http, peers.back()->port());
    ASSERT_FALSE(made.why) << made.why.text;
    u.connection = std::move(made.connected);
    u.body.digest_md5(lanes);
    ASSERT_EQ(u.body.open(source::bytes("name", bodies.back()), {}).status, source_status::ok);
    u.head = "PUT /k HTTP/1.1\r\nHost: s\r\nContent-Length: " + std::to_string(bodies.back().size()) + "\r\n\r\n";
  }
  for (upload& u : uploads) asio::co_spawn(client.io, put_one(u), asio::detached);
  ASSERT_TRUE(test::run_until(client.io, [&] { return std::ranges::all_of(uploads, &upload::done); }));
  for (std::size_t i = 0; i < count; ++i) {
    EXPECT_EQ(uploads[i].body.md5(), test::md5_hex(bodies[i])) << i;
    EXPECT_FALSE(uploads[i].body.awaits_company());
  }
  EXPECT_LT(lanes.counted().alone, lanes.counted().blocks);
  for (upload& u : uploads) u.connection.reset();
  for (auto& p : peers) p->stop();
}

} // namespace
} // namespace hoist::net
