// How bytes leave and arrive: one send per batch, every byte in its place, and a waiter that always wakes.

#include "fake_peer.hpp"
#include "net_client.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <boost/asio/error.hpp>
#include <boost/asio/ssl/error.hpp>

#include <future>

namespace hoist::net {
namespace {

using test::fake_peer;
using test::net_client;
using test::noise;
using test::peer_connection;
using test::run;
using test::tls_identity;
using wire::scheme;

enum class cover { plain, tls };

class stream_over : public testing::TestWithParam<cover> {
 protected:
  std::unique_ptr<fake_peer> listen(fake_peer::script play, int receive_buffer = 0) {
    if (GetParam() == cover::plain) return std::make_unique<fake_peer>(std::move(play), receive_buffer);
    return std::make_unique<fake_peer>(identity, std::move(play), receive_buffer);
  }

  std::unique_ptr<stream> connect(const fake_peer& to) {
    auto c = client.connect(GetParam() == cover::tls ? scheme::https : scheme::http, to.port());
    EXPECT_FALSE(c.why) << c.why.text;
    client.tallies = {};
    return std::move(c.connected);
  }

  tls_identity identity = tls_identity::make();
  net_client client{identity.pem};
};

INSTANTIATE_TEST_SUITE_P(all, stream_over, testing::Values(cover::plain, cover::tls),
                         [](const auto& tested) { return tested.param == cover::plain ? "plain" : "tls"; });

struct sending {
  int blocked = 0; ///< how often the kernel did not take all
};

/// Sends `bytes` in batches; `on_block` is called whenever the kernel is full.
task<error_code> send_all(stream& s, std::string_view bytes, sending& seen, std::function<void()> on_block = {}) {
  error_code ec;
  while (!bytes.empty() && !ec) {
    const auto room = s.room();
    const std::size_t n = std::min(batch_bytes, bytes.size());
    std::copy_n(bytes.begin(), n, room.begin());
    s.send(n, ec);
    bytes.remove_prefix(n);
    while (ec == asio::error::would_block) {
      ++seen.blocked;
      if (on_block) on_block();
      co_await s.wait(interest::write);
      s.send_more(ec);
    }
  }
  co_return ec;
}

/// Waits for the peer's word that it has everything: closing before would reset the connection where the peer had said
/// something unread, and session tickets are such.
task<bool> hear_all_arrived(stream& s) {
  for (;;) {
    char word = 0;
    error_code ec;
    const std::size_t n = s.receive({&word, 1}, ec);
    if (ec != asio::error::would_block) co_return n == 1;
    co_await s.wait(interest::read);
  }
}

void take_all(peer_connection& p, std::uint64_t total, std::promise<std::uint64_t>& arrived) {
  std::uint64_t n = 0;
  while (n < total) {
    const std::size_t more = p.read_some().size();
    if (more == 0) break;
    n += more;
  }
  p.write("k");
  arrived.set_value(n);
  p.drain();
}

task<std::string> receive_all(stream& s, std::size_t piece_bytes, error_code& ec) {
  std::string out;
  std::string piece(piece_bytes, '\0');
  for (;;) {
    const std::size_t got = s.receive({piece.data(), piece.size()}, ec);
    if (ec == asio::error::would_block) {
      co_await s.wait(interest::read);
      continue;
    }
    if (ec) co_return out;
    out.append(piece, 0, got);
  }
}

// 64 MiB are 256 batches, and each is one send but for those that the kernel takes in parts: 3 900 sends per GB when it
// takes them whole.
TEST_P(stream_over, sends_once_per_batch) {
  constexpr std::size_t total = 64 * 1024 * 1024;
  const std::string bytes = noise(total);
  std::promise<std::uint64_t> arrived;
  const auto peer = listen([&](peer_connection& p) { take_all(p, total, arrived); });
  auto s = connect(*peer);
  sending seen;
  EXPECT_FALSE(run(client.io, send_all(*s, bytes, seen)));
  EXPECT_TRUE(run(client.io, hear_all_arrived(*s)));
  s.reset();
  EXPECT_EQ(arrived.get_future().get(), total);
  EXPECT_EQ(client.tallies.batches, total / batch_bytes);
  // A batch that blocked costs the send that found it out and the one after the wake-up. Some may be taken in parts
  // while the peer makes room, without blocking; sent record by record they would be sixteen times as many.
  EXPECT_GE(client.tallies.sends, client.tallies.batches);
  EXPECT_LE(client.tallies.sends,
            client.tallies.batches + 2 * static_cast<std::uint64_t>(seen.blocked) + client.tallies.batches / 2);
}

// Batches that fit into the socket's buffer are one send each, exactly.
TEST_P(stream_over, a_batch_that_the_kernel_takes_is_exactly_one_send) {
  const auto peer = listen([&](peer_connection& p) {
    for (int i = 0; i < 200; ++i) {
      EXPECT_EQ(p.read_exactly(batch_bytes).size(), batch_bytes);
      p.write("k");
    }
    p.drain();
  });
  auto s = connect(*peer);
  sending seen;
  const std::string bytes = noise(batch_bytes);
  auto lockstep = [&]() -> task<void> {
    for (int i = 0; i < 200; ++i) {
      error_code ec = co_await send_all(*s, bytes, seen);
      EXPECT_FALSE(ec);
      char k = 0;
      std::size_t n = s->receive({&k, 1}, ec);
      while (ec == asio::error::would_block) {
        co_await s->wait(interest::read);
        n = s->receive({&k, 1}, ec);
      }
      EXPECT_EQ(n, 1u);
    }
  };
  run(client.io, lockstep());
  EXPECT_EQ(client.tallies.batches, 200u);
  EXPECT_EQ(client.tallies.sends, 200u + 2u * static_cast<unsigned>(seen.blocked));
  s.reset();
}

// A reader that is slow, and at first does not read at all, gets every byte in its place.
TEST_P(stream_over, a_slow_reader_gets_every_byte) {
  const std::string bytes = noise(16 * 1024 * 1024 + 17);
  std::promise<void> full;
  std::string got;
  const auto peer = listen(
      [&](peer_connection& p) {
        full.get_future().wait();
        while (got.size() < bytes.size()) {
          const std::string piece = p.read_some(1500);
          if (piece.empty()) break;
          got += piece;
        }
        p.write("k");
        p.drain();
      },
      8 * 1024);
  auto s = connect(*peer);
  sending seen;
  bool told = false;
  EXPECT_FALSE(run(client.io, send_all(*s, bytes, seen, [&] {
                     if (!std::exchange(told, true)) full.set_value();
                   })));
  if (!told) full.set_value();
  EXPECT_TRUE(run(client.io, hear_all_arrived(*s)));
  EXPECT_TRUE(told) << "the kernel took 16 MiB at once: this test has tested nothing";
  s.reset();
  peer->stop();
  EXPECT_TRUE(got == bytes);
}

// What arrives byte by byte, or all at once and is taken byte by byte, is the same. A peer that closes without TLS's
// own word for it has perhaps been cut off, which is told apart from an end.
TEST_P(stream_over, fragments_do_not_matter) {
  const std::string bytes = noise(40'000);
  for (const bool fragmented : {true, false}) {
    const auto peer = listen([&](peer_connection& p) {
      if (fragmented)
        for (const char c : bytes.substr(0, 3000)) p.write({&c, 1});
      else
        p.write(bytes);
    });
    auto s = connect(*peer);
    error_code ec;
    const std::string got = run(client.io, receive_all(*s, fragmented ? 4096 : 1, ec));
    EXPECT_TRUE(got == (fragmented ? bytes.substr(0, 3000) : bytes)) << got.size();
    EXPECT_EQ(ec, s->encrypted() ? error_code(asio::ssl::error::stream_truncated) : error_code(asio::error::eof));
    s.reset();
  }
}

// shut() wakes the waiter, whatever it waits for, and everything after it fails with the reason.
TEST_P(stream_over, shut_wakes_a_waiter) {
  for (const auto what : {interest::read, interest::write, interest::wake, interest::anything}) {
    const auto peer = listen([](peer_connection& p) { p.drain(); });
    auto s = connect(*peer);
    auto waiting = [&]() -> task<error_code> {
      asio::post(client.io, [&] { s->shut(asio::error::timed_out); });
      co_await s->wait(what); // a writable socket ends the wait for writing at once: the second one is after the shut
      co_await s->wait(what);
      error_code ec;
      char c = 0;
      s->receive({&c, 1}, ec);
      co_return ec;
    };
    EXPECT_EQ(run(client.io, waiting()), asio::error::timed_out);
    EXPECT_FALSE(s->is_open());
    error_code ec;
    std::fill_n(s->room().begin(), 10, 'x');
    s->send(10, ec);
    EXPECT_EQ(ec, asio::error::timed_out);
    EXPECT_FALSE(s->unsent());
    s->shut(asio::error::operation_aborted);
    s->send(10, ec);
    EXPECT_EQ(ec, asio::error::timed_out) << "the first reason stays";
    s.reset();
  }
}

// A wake() that comes before the wait is not lost.
TEST_P(stream_over, an_early_wake_ends_the_next_wait) {
  const auto peer = listen([](peer_connection& p) { p.drain(); });
  auto s = connect(*peer);
  auto waiting = [&]() -> task<bool> {
    s->wake();
    co_await s->wait(interest::wake);
    co_return true;
  };
  EXPECT_TRUE(run(client.io, waiting()));
  s.reset();
}

// A stream may be destroyed while the reactor still holds one of its waits.
TEST_P(stream_over, destruction_leaves_no_wait_behind) {
  const auto peer = listen([](peer_connection& p) { p.drain(); });
  auto s = connect(*peer);
  auto waiting = [&]() -> task<bool> {
    s->wake();
    co_await s->wait(interest::read_or_wake); // the reactor's wait for readability stays out
    s.reset();
    co_return true;
  };
  EXPECT_TRUE(run(client.io, waiting()));
  test::run_ready(client.io);
}

// A peer that is gone is told by the error of the send, and not by a signal.
TEST_P(stream_over, sending_to_a_reset_connection_fails) {
  const auto peer = listen([](peer_connection& p) {
    p.read_exactly(1);
    p.reset();
  });
  auto s = connect(*peer);
  sending seen;
  const std::string bytes = noise(32 * 1024 * 1024);
  const auto ec = run(client.io, send_all(*s, bytes, seen));
  EXPECT_TRUE(ec == asio::error::connection_reset || ec == asio::error::broken_pipe) << ec.message();
  EXPECT_FALSE(s->unsent());
  s.reset();
}

// ---- buffer_pool -------------------------------------------------------------------------------------------------

// The block that came back last is lent first, and none is made while one is free.
TEST(buffer_pool, lends_the_warmest_block) {
  buffer_pool pool;
  auto a = pool.borrow();
  auto b = pool.borrow();
  char* const first = a.get();
  char* const second = b.get();
  EXPECT_NE(first, second);
  pool.give_back(std::move(a));
  pool.give_back(std::move(b));
  a = pool.borrow();
  b = pool.borrow();
  EXPECT_EQ(a.get(), second);
  EXPECT_EQ(b.get(), first);
}

// A block has room for a sealed batch with a head in front, at the overhead of either protocol version.
TEST(buffer_pool, a_block_holds_a_sealed_batch_with_its_head) {
  const auto identity = tls_identity::make();
  for (const int protocol : {0x0303, 0x0304}) {
    const auto context = identity.server_context(protocol);
    std::promise<std::uint64_t> arrived;
    fake_peer peer([&](peer_connection& p) {
      EXPECT_TRUE(p.start_tls(context.get()));
      take_all(p, batch_bytes + head_bytes_max, arrived);
    });
    net_client client(identity.pem);
    auto c = client.connect(scheme::https, peer.port());
    ASSERT_FALSE(c.why) << c.why.text;
    auto send_largest = [&]() -> task<error_code> {
      const auto room = c.connected->room();
      EXPECT_EQ(room.size(), batch_bytes + head_bytes_max);
      std::fill(room.begin(), room.end(), 'x');
      error_code ec;
      c.connected->send(room.size(), ec);
      if (ec == asio::error::would_block) ec = co_await c.connected->flush();
      co_return ec;
    };
    EXPECT_FALSE(run(client.io, send_largest()));
    EXPECT_TRUE(run(client.io, hear_all_arrived(*c.connected)));
    c.connected.reset();
    EXPECT_EQ(arrived.get_future().get(), batch_bytes + head_bytes_max);
  }
}

} // namespace
} // namespace hoist::net
