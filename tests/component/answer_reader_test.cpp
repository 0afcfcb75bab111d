// Answers out of a stream, however they are cut into packets.

#include "fake_peer.hpp"
#include "net_client.hpp"

#include "net/answer_reader.hpp"

#include <gtest/gtest.h>

#include <future>

namespace hoist::net {
namespace {

using progress = answer_reader::progress;
using test::fake_peer;
using test::net_client;
using test::peer_connection;
using test::run;
using wire::scheme;

task<progress> next_answer(stream& s, answer_reader& reader, failure& why) {
  for (;;) {
    const auto state = reader.pull(s, why);
    if (state != progress::waiting) co_return state;
    co_await s.wait(interest::read);
  }
}

const std::string first = test::http_answer("200 OK", "{\"id\":1}", "ETag: \"abc\"\r\n");
const std::string second = test::http_answer("503 Slow Down", "later", "Retry-After: 3\r\n");

// Two pipelined answers are read as two, wherever the stream of bytes is cut.
TEST(answer_reader, two_answers_cut_at_every_byte) {
  const std::string both = first + second;
  for (std::size_t cut = 1; cut < both.size(); ++cut) {
    std::promise<void> go_on;
    fake_peer peer([&](peer_connection& p) {
      p.write(both.substr(0, cut));
      go_on.get_future().wait();
      p.write(both.substr(cut));
      p.drain();
    });
    net_client client;
    auto c = client.connect(scheme::http, peer.port());
    answer_reader reader;
    failure why;
    auto scenario = [&]() -> task<void> {
      // Everything before the cut has been taken in before the rest is sent.
      co_await c.connected->wait(interest::read);
      auto state = reader.pull(*c.connected, why);
      go_on.set_value();
      if (state == progress::waiting) state = co_await next_answer(*c.connected, reader, why);
      EXPECT_EQ(state, progress::complete) << why.text << " cut at " << cut;
      EXPECT_EQ(reader.answer().status, 200);
      EXPECT_EQ(reader.answer().body, "{\"id\":1}");
      EXPECT_EQ(reader.answer().etag, "\"abc\"");
      EXPECT_TRUE(reader.answer().keep_alive);
      reader.next();
      state = co_await next_answer(*c.connected, reader, why);
      EXPECT_EQ(state, progress::complete) << why.text << " cut at " << cut;
      EXPECT_EQ(reader.answer().status, 503);
      EXPECT_EQ(reader.answer().retry_after, "3");
      EXPECT_EQ(reader.answer().body, "later");
      EXPECT_FALSE(reader.leftover());
    };
    run(client.io, scenario());
    c.connected.reset();
    if (HasFailure()) return;
  }
}

struct ending_case {
  const char* name;
  std::string bytes; ///< what the peer says before it closes
  progress expected;
  failure_kind kind;
};

class answer_ending : public testing::TestWithParam<ending_case> {};

// What a close means depends on what came before it.
TEST_P(answer_ending, is_told_apart) {
  fake_peer peer([&](peer_connection& p) {
    p.write(GetParam().bytes);
    p.end_writing();
    p.drain();
  });
  net_client client;
  auto c = client.connect(scheme::http, peer.port());
  answer_reader reader;
  failure why;
  EXPECT_EQ(run(client.io, next_answer(*c.connected, reader, why)), GetParam().expected);
  EXPECT_EQ(why.kind, GetParam().kind) << why.text;
  c.connected.reset();
}

INSTANTIATE_TEST_SUITE_P(
    all, answer_ending,
    testing::Values(
        ending_case{"body_until_the_end", "HTTP/1.1 200 OK\r\n\r\nall of it", progress::complete, failure_kind::none},
        ending_case{"http_1_0", "HTTP/1.0 200 OK\r\n\r\nall of it", progress::complete, failure_kind::none},
        ending_case{"nothing", "", progress::broken, failure_kind::closed},
        ending_case{"half_a_status_line", "HTTP/1.1 20", progress::broken, failure_kind::broken},
        ending_case{"half_a_head", "HTTP/1.1 200 OK\r\nContent-", progress::broken, failure_kind::broken},
        ending_case{"half_a_body", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", progress::broken,
                    failure_kind::broken},
        ending_case{"half_a_chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhalf", progress::broken,
                    failure_kind::broken},
        ending_case{"no_http", "220 smtp.example ESMTP\r\n", progress::broken, failure_kind::bad_response},
        ending_case{"a_line_without_end", std::string(40'000, 'a'), progress::broken, failure_kind::bad_response},
        ending_case{"a_head_without_end", "HTTP/1.1 200 OK\r\nX: " + std::string(40'000, 'a'), progress::broken,
                    failure_kind::bad_response},
        ending_case{"switching_protocols", "HTTP/1.1 101 Switching\r\n\r\n", progress::broken,
                    failure_kind::bad_response},
        ending_case{"no_reason", "HTTP/1.1 200\r\n\r\n", progress::complete, failure_kind::none},
        ending_case{"half_a_status_line_without_a_reason", "HTTP/1.1 200\r", progress::broken, failure_kind::broken},
        ending_case{"two_lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
                    progress::broken, failure_kind::bad_response},
        ending_case{"encoded", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx",
                    progress::complete, failure_kind::none}),
    [](const auto& tested) { return std::string(tested.param.name); });

// A peer that closes without TLS's own word for it may have been cut off: that ends a body that has no other end, and
// nothing whose length is told.
TEST(answer_reader, closed_without_ending_tls) {
  const auto identity = test::tls_identity::make();
  for (const bool told : {false, true}) {
    fake_peer peer(identity, [&](peer_connection& p) {
      p.write(told ? "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nall of it" : "HTTP/1.0 200 OK\r\n\r\nall of it");
      p.close();
    });
    net_client client(identity.pem);
    auto c = client.connect(scheme::https, peer.port());
    answer_reader reader;
    failure why;
    EXPECT_EQ(run(client.io, next_answer(*c.connected, reader, why)), told ? progress::broken : progress::complete)
        << why.text;
    EXPECT_EQ(why.kind, told ? failure_kind::broken : failure_kind::none);
    if (!told) {
      EXPECT_EQ(reader.answer().body, "all of it");
      EXPECT_TRUE(reader.answer().cut_off) << "whoever reads the body judges whether it is whole";
      EXPECT_FALSE(reader.answer().keep_alive);
    }
    c.connected.reset();
  }
}

// Interim answers are skipped; the answer behind them is the answer.
TEST(answer_reader, interim_answers_are_skipped) {
  fake_peer peer([&](peer_connection& p) {
    p.write("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\nX: y\r\n\r\n" + first);
    p.drain();
  });
  net_client client;
  auto c = client.connect(scheme::http, peer.port());
  answer_reader reader;
  failure why;
  EXPECT_EQ(run(client.io, next_answer(*c.connected, reader, why)), progress::complete) << why.text;
  EXPECT_EQ(reader.answer().status, 200);
  EXPECT_EQ(reader.answer().body, "{\"id\":1}");
  c.connected.reset();
}

// An answer that floods is cut at its limit and its connection is not used again; memory stays bounded.
TEST(answer_reader, a_flood_is_cut) {
  fake_peer peer([&](peer_connection& p) {
    p.write("HTTP/1.1 200 OK\r\n\r\n");
    const std::string much(1024 * 1024, 'f');
    for (int i = 0; i < 16; ++i)
      if (!p.write(much)) return;
  });
  net_client client;
  auto c = client.connect(scheme::http, peer.port());
  answer_reader reader;
  failure why;
  EXPECT_EQ(run(client.io, next_answer(*c.connected, reader, why)), progress::complete) << why.text;
  EXPECT_EQ(reader.answer().body.size(), wire::response_body_max);
  EXPECT_FALSE(reader.answer().keep_alive);
  c.connected.reset();
}

} // namespace
} // namespace hoist::net
