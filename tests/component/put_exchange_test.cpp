// One PUT against peers that answer well, early, wrongly, or not at all.

#include "fake_peer.hpp"
#include "md5_hex.hpp"
#include "net_client.hpp"
#include "no_answer.hpp"

#include "net/kernel_tls.hpp"
#include "net/put_exchange.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <boost/asio/post.hpp>

#include <fstream>
#include <future>

namespace hoist::net {
namespace {

using test::fake_peer;
using test::http_answer;
using test::net_client;
using test::noise;
using test::peer_connection;
using test::run;
using test::tls_identity;
using wire::scheme;

enum class cover { plain, tls, offered }; ///< offered: TLS, and its keys to the kernel
enum class origin { memory, file };

/// Over which cover bytes of which origin go. Large files over `plain`, and over `offered` where the kernel has TLS, go
/// by sendfile; everything else is read, or copied, and sent.
struct way {
  cover over;
  origin from;
};

std::string name_of(const way& w) {
  const char* const covers[] = {"plain", "tls", "offered"};
  return std::string(covers[static_cast<int>(w.over)]) + (w.from == origin::file ? "_file" : "_memory");
}

std::string head_of(std::uint64_t size) {
  return "PUT /bucket/key HTTP/1.1\r\nHost: storage\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n";
}

struct put_fixture {
  void listen(cover over, fake_peer::script play, int receive_buffer = 0) {
    if (over == cover::plain)
      peer = std::make_unique<fake_peer>(std::move(play), receive_buffer);
    else
      peer = std::make_unique<fake_peer>(identity, std::move(play), receive_buffer);
    auto c = over == cover::offered ? client.connect_offering_keys(peer->port())
                                    : client.connect(over == cover::tls ? scheme::https : scheme::http, peer->port());
    ASSERT_FALSE(c.why) << c.why.text;
    connection = std::move(c.connected);
  }

  void listen_for_one(cover over) {
    listen(over, [](peer_connection& p) {
      p.read_request();
      p.write(http_answer("200 OK"));
      p.drain();
    });
  }

  put_result send(const source& what) {
    const auto expected = what.memory ? file_identity{} : look_at(what).identity;
    EXPECT_EQ(body.open(what, expected).status, source_status::ok);
    const auto size = body.left();
    return run(client.io, put_exchange(*connection, reader, head_of(size), body, client.doing));
  }

  void hang_up() {
    connection.reset();
    peer->stop();
  }

  tls_identity identity = tls_identity::make();
  net_client client{identity.pem};
  std::unique_ptr<fake_peer> peer;
  std::unique_ptr<stream> connection;
  answer_reader reader;
  file_source body;
};

class put : public put_fixture, public testing::TestWithParam<way> {
 protected:
  void listen(fake_peer::script play, int receive_buffer = 0) {
    put_fixture::listen(GetParam().over, std::move(play), receive_buffer);
  }
  void listen_for_one() { put_fixture::listen_for_one(GetParam().over); }

  source of(const std::string& bytes) const {
    return GetParam().from == origin::memory ? source::bytes("name", bytes)
                                             : source::file(client.folder.write("f", bytes));
  }
};

INSTANTIATE_TEST_SUITE_P(all, put,
                         testing::Values(way{cover::plain, origin::memory}, way{cover::plain, origin::file},
                                         way{cover::tls, origin::memory}, way{cover::tls, origin::file},
                                         way{cover::offered, origin::memory}, way{cover::offered, origin::file}),
                         [](const auto& tested) { return name_of(tested.param); });

// What arrives is head and body to the byte, for every size around a boundary, one after the other on one connection.
TEST_P(put, sends_every_byte_for_every_size) {
  const std::size_t sizes[] = {0,       1,       16'383,    16'384,   65'535,  65'536,  65'537,  98'304 - 80,
                               98'304,  98'305,  131'071,   131'072,  262'143, 262'144, 262'145, 294'912 - 80,
                               294'912, 294'913, 1'000'000, 5'000'001};
  std::vector<std::string> received;
  listen([&](peer_connection& p) {
    for (std::string request = p.read_request(); !request.empty(); request = p.read_request()) {
      received.push_back(std::move(request));
      p.write(http_answer("200 OK", {}, "ETag: \"e\"\r\n"));
    }
  });
  std::vector<std::string> sent;
  for (const std::size_t size : sizes) {
    const std::string bytes = noise(size, static_cast<unsigned>(size));
    sent.push_back(head_of(size) + bytes);
    const auto result = send(of(bytes));
    ASSERT_FALSE(result.why) << result.why.text;
    EXPECT_EQ(result.source, source_status::ok);
    EXPECT_TRUE(result.reusable);
    EXPECT_EQ(reader.answer().status, 200);
    EXPECT_EQ(reader.answer().etag, "\"e\"");
    EXPECT_TRUE(body.unchanged());
    reader.next();
  }
  hang_up();
  ASSERT_EQ(received.size(), sent.size());
  for (std::size_t i = 0; i < sent.size(); ++i) EXPECT_TRUE(received[i] == sent[i]) << i;
}

// A small PUT, head and body, is one batch and one send.
TEST_P(put, a_small_file_is_one_send) {
  listen_for_one();
  client.tallies = {};
  EXPECT_FALSE(send(of(noise(60'000))).why);
  EXPECT_EQ(client.tallies.batches, 1u);
  EXPECT_EQ(client.tallies.sends, 1u);
  EXPECT_EQ(client.doing.body_bytes, 60'000u);
  hang_up();
}

// So is a picture of 256 KB, but for what its socket does not take at once, where its bytes are not sent as a file.
TEST_P(put, a_picture_is_one_batch) {
  listen_for_one();
  client.tallies = {};
  EXPECT_FALSE(send(of(noise(256 * 1024))).why);
  EXPECT_EQ(client.tallies.batches, 1u);
  EXPECT_EQ(client.doing.body_bytes, 256u * 1024);
  hang_up();
}

// Where many connections hold a batch that their peers do not take, a further one's are small.
TEST(put_among_many, has_small_batches) {
  put_fixture f;
  std::vector<buffer_pool::block> held(64);
  for (auto& block : held) block = f.client.pool.borrow();
  f.listen_for_one(cover::tls);
  f.client.tallies = {};
  EXPECT_FALSE(f.send(source::bytes("name", noise(1'000'000))).why);
  EXPECT_GE(f.client.tallies.batches, 1'000'000u / small_batch_bytes);
  f.hang_up();
  for (auto& block : held) f.client.pool.give_back(std::move(block));
}

// A large file goes to the kernel as a file where it may: not one byte of it is read, and nothing but the head is a
// batch.
TEST_P(put, a_large_file_is_not_read_where_the_kernel_takes_it) {
  listen_for_one();
  client.tallies = {};
  EXPECT_FALSE(send(of(noise(3'000'000))).why);
  EXPECT_EQ(client.doing.body_bytes, 3'000'000u);
  const bool takes_files = GetParam().over == cover::plain || (GetParam().over == cover::offered && kernel_tls_works());
  if (takes_files && GetParam().from == origin::file) {
    EXPECT_GE(client.tallies.sendfiles, 3u);
    EXPECT_EQ(client.tallies.batches, 1u);
  } else {
    EXPECT_EQ(client.tallies.sendfiles, 0u);
    EXPECT_GE(client.tallies.batches, 3'000'000u / batch_bytes);
  }
  hang_up();
}

// Whoever digests needs to see the bytes: they are read.
TEST_P(put, a_digested_file_is_read) {
  const std::string bytes = noise(1'000'000);
  listen_for_one();
  digest::md5_lanes lanes;
  body.digest_md5(lanes);
  client.tallies = {};
  EXPECT_FALSE(send(of(bytes)).why);
  EXPECT_EQ(client.tallies.sendfiles, 0u);
  EXPECT_GE(client.tallies.batches, bytes.size() / small_batch_bytes); // pieces that the lanes have room for
  EXPECT_EQ(body.md5(), test::md5_hex(bytes));
  body.close(); // before the lanes are gone
  hang_up();
}

// A peer that reads slowly, after not reading at all, gets the same bytes.
TEST_P(put, a_slow_storage_gets_every_byte) {
  const std::string bytes = noise(16'000'000);
  std::promise<void> full;
  std::string received;
  listen(
      [&](peer_connection& p) {
        full.get_future().wait();
        const std::string whole = head_of(bytes.size()) + bytes;
        while (received.size() < whole.size()) {
          const std::string piece = p.read_some(3000);
          if (piece.empty()) return;
          received += piece;
        }
        p.write(http_answer("200 OK"));
        p.drain();
      },
      8 * 1024);
  // The peer begins to read when the sending has stopped moving, which is when the kernel is full.
  std::uint32_t moves = 0;
  timer look(client.io.get_executor());
  std::function<void(error_code)> compare = [&](error_code ec) {
    if (ec) return;
    if (client.doing.at == stage::sending && client.doing.moves == std::exchange(moves, client.doing.moves))
      return full.set_value();
    look.expires_after(std::chrono::milliseconds(20));
    look.async_wait(compare);
  };
  compare({});
  const auto result = send(of(bytes));
  EXPECT_FALSE(result.why) << result.why.text;
  EXPECT_TRUE(result.reusable);
  hang_up();
  EXPECT_TRUE(received == head_of(bytes.size()) + bytes);
}

// An answer that comes while the body is being sent is taken, although the peer reads no further; the connection is not
// used again.
TEST_P(put, an_early_refusal_is_the_answer) {
  std::promise<void> over;
  listen(
      [&](peer_connection& p) {
        p.read_exactly(64 * 1024);
        p.write(http_answer("413 Too Large", "<Error><Code>EntityTooLarge</Code></Error>"));
        over.get_future().wait(); // reads no more, and stays
      },
      8 * 1024);
  const auto result = send(of(noise(16'000'000)));
  over.set_value();
  EXPECT_FALSE(result.why) << result.why.text;
  EXPECT_EQ(reader.answer().status, 413);
  EXPECT_FALSE(result.sent_all);
  EXPECT_FALSE(result.reusable);
  hang_up();
}

// An answer is found even when the peer resets the connection right behind it.
TEST_P(put, an_answer_before_a_reset_is_the_answer) {
  listen(
      [&](peer_connection& p) {
        p.read_exactly(64 * 1024);
        p.write(http_answer("403 Forbidden", "<Error><Code>AccessDenied</Code></Error>"));
        p.reset();
      },
      8 * 1024);
  const auto result = send(of(noise(16'000'000)));
  EXPECT_FALSE(result.why) << result.why.text;
  EXPECT_EQ(reader.answer().status, 403);
  EXPECT_FALSE(result.reusable);
  hang_up();
}

class put_ending : public testing::TestWithParam<test::no_answer_case> {};

// How a connection ends without a whole answer is told apart by whether one had begun, and whether it was HTTP.
TEST_P(put_ending, is_told_apart) {
  fake_peer peer([](peer_connection& p) {
    p.read_request();
    GetParam().end(p);
  });
  net_client client;
  auto c = client.connect(scheme::http, peer.port());
  answer_reader reader;
  file_source body;
  body.open(source::bytes("name", noise(1000)), {});
  const auto result = run(client.io, put_exchange(*c.connected, reader, head_of(1000), body, client.doing));
  EXPECT_EQ(result.why.kind, GetParam().expected) << result.why.text;
  EXPECT_FALSE(result.reusable);
  c.connected.reset();
}

INSTANTIATE_TEST_SUITE_P(all, put_ending, testing::ValuesIn(test::no_answers()),
                         [](const auto& tested) { return std::string(tested.param.name); });

// A peer that closes in the middle of a large body, without a word, is `closed`.
TEST_P(put, closed_in_mid_body_without_an_answer) {
  listen([&](peer_connection& p) { p.read_exactly(64 * 1024); }, 8 * 1024);
  const auto result = send(of(noise(16'000'000)));
  EXPECT_EQ(result.why.kind, failure_kind::closed) << result.why.text;
  EXPECT_FALSE(result.reusable);
  hang_up();
}

// 100 Continue, asked for or not, is no answer.
TEST_P(put, an_interim_answer_is_skipped) {
  listen([&](peer_connection& p) {
    p.write("HTTP/1.1 100 Continue\r\n\r\n");
    p.read_request();
    p.write("HTTP/1.1 100 Continue\r\n\r\n" + http_answer("200 OK"));
    p.drain();
  });
  const auto result = send(of(noise(100'000)));
  EXPECT_FALSE(result.why) << result.why.text;
  EXPECT_EQ(reader.answer().status, 200);
  EXPECT_TRUE(result.reusable);
  hang_up();
}

// Connection: close, and bytes behind the answer, make the connection unfit for another PUT.
TEST_P(put, is_not_reusable_after_close_or_surplus) {
  for (const std::string& answer :
       {http_answer("200 OK", {}, "Connection: close\r\n"), http_answer("200 OK") + "surplus"}) {
    listen([&](peer_connection& p) {
      p.read_request();
      p.write(answer);
      p.drain();
    });
    reader.restart();
    const auto result = send(of("x"));
    EXPECT_FALSE(result.why) << result.why.text;
    EXPECT_EQ(reader.answer().status, 200);
    EXPECT_FALSE(result.reusable) << answer;
    hang_up();
  }
}

// A shut from outside ends a PUT that waits for its answer, as what it was shut for.
TEST_P(put, shut_ends_it) {
  const std::pair<error_code, failure_kind> cases[] = {{asio::error::timed_out, failure_kind::timed_out},
                                                       {asio::error::operation_aborted, failure_kind::cancelled}};
  for (const auto& [why, expected] : cases) {
    for (const bool while_sending : {false, true}) {
      std::promise<void> over;
      listen(
          [&](peer_connection& p) {
            if (!while_sending) p.read_request();
            over.get_future().wait();
          },
          8 * 1024);
      reader.restart();
      const auto what = of(noise(while_sending ? 16'000'000 : 10));
      body.open(what, what.memory ? file_identity{} : look_at(what).identity);
      const std::string head = head_of(body.left());
      std::optional<put_result> result;
      asio::co_spawn(client.io, put_exchange(*connection, reader, head, body, client.doing),
                     [&](std::exception_ptr, put_result r) { result = std::move(r); });
      const auto goal = while_sending ? stage::sending : stage::awaiting;
      ASSERT_TRUE(test::run_until(client.io, [&] { return client.doing.at == goal; }));
      connection->shut(why);
      ASSERT_TRUE(test::run_until(client.io, [&] { return result.has_value(); }));
      EXPECT_EQ(result->why.kind, expected) << result->why.text << (while_sending ? " sending" : " awaiting");
      over.set_value();
      hang_up();
    }
  }
}

// ---- a file that changes while it is sent -------------------------------------------------------------------------

struct change_case {
  const char* name;
  std::function<void(const std::filesystem::path&)> change;
  source_status reading;
};

class put_of_a_changing_file : public put_fixture, public testing::TestWithParam<std::tuple<cover, change_case>> {};

// A file that changes after some of it was sent is found out: by what reads it, or by asking at the end.
TEST_P(put_of_a_changing_file, is_found_out) {
  const auto& [over, what] = GetParam();
  std::promise<void> changed;
  listen(
      over,
      [&](peer_connection& p) {
        p.read_exactly(1000); // some has been sent, and most has not: it does not fit into the kernel
        changed.get_future().wait();
        if (p.drain() < 1) return;
      },
      8 * 1024);
  const auto path = client.folder.write("f", noise(64 * 1024 * 1024));
  const auto before = look_at(source::file(path)).identity;
  ASSERT_EQ(body.open(source::file(path), before).status, source_status::ok);
  const std::string head = head_of(body.left());
  std::optional<put_result> result;
  asio::co_spawn(client.io, put_exchange(*connection, reader, head, body, client.doing),
                 [&](std::exception_ptr, put_result r) { result = std::move(r); });
  ASSERT_TRUE(test::run_until(client.io, [&] { return client.doing.body_bytes > 0; }));
  ASSERT_GT(body.left(), 0u) << "all of it was sent at once: this test has tested nothing";
  do {
    what.change(path);
  } while (look_at(source::file(path)).identity == before);
  changed.set_value();
  if (what.reading == source_status::changed) {
    ASSERT_TRUE(test::run_until(client.io, [&] { return result.has_value(); }));
    EXPECT_EQ(result->source, source_status::changed);
    EXPECT_FALSE(result->reusable);
  } else {
    ASSERT_TRUE(test::run_until(client.io, [&] { return client.doing.at == stage::awaiting; }));
    EXPECT_FALSE(body.unchanged());
    connection->shut(asio::error::operation_aborted);
    ASSERT_TRUE(test::run_until(client.io, [&] { return result.has_value(); }));
  }
  hang_up();
}

INSTANTIATE_TEST_SUITE_P(
    all, put_of_a_changing_file,
    testing::Combine(
        testing::Values(cover::plain, cover::tls, cover::offered),
        testing::Values(change_case{"shrinks", [](const auto& p) { std::filesystem::resize_file(p, 60 * 1024 * 1024); },
                                    source_status::changed},
                        change_case{"grows", [](const auto& p) { std::filesystem::resize_file(p, 65 * 1024 * 1024); },
                                    source_status::ok},
                        change_case{
                            "is_rewritten_with_its_time_set_back",
                            [](const auto& p) {
                              const auto time = std::filesystem::last_write_time(p);
                              std::fstream(p, std::ios::in | std::ios::out | std::ios::binary).seekp(-5, std::ios::end)
                                  << "other";
                              std::filesystem::last_write_time(p, time);
                            },
                            source_status::ok})),
    [](const auto& tested) {
      return name_of({std::get<0>(tested.param), origin::file}) + "_" + std::get<1>(tested.param).name;
    });

} // namespace
} // namespace hoist::net
