// The API connection: answers in order, losses told once per request, and a channel that works again after each.

#include "fake_peer.hpp"
#include "net_client.hpp"

#include "net/api_channel.hpp"

#include <gtest/gtest.h>

#include <boost/asio/detached.hpp>

#include <future>

namespace hoist::net {
namespace {

using core::file_id;
using test::fake_peer;
using test::http_answer;
using test::net_client;
using test::peer_connection;
using test::tls_identity;
using wire::scheme;

struct told {
  file_id file;
  int status; ///< of the answer; 0 when there is none
  std::string body;
  failure_kind why; ///< none when there is an answer
  bool fresh;
};

/// A channel with a listener that writes down what it is told, and asks again for what broke if it may.
struct channel_under_test : api_listener {
  channel_under_test(net_client& with, scheme how, std::uint16_t port, int depth)
      : client(with), depths({depth, depth}), channel(with.context(), {how, "127.0.0.1", port}, depths, *this) {
    asio::co_spawn(client.io, channel.run(), [this](std::exception_ptr e) {
      EXPECT_FALSE(e);
      ended = true;
    });
  }
  ~channel_under_test() {
    channel.stop();
    EXPECT_TRUE(test::run_until(client.io, [&] { return ended; }));
  }

  void ask(file_id f) {
    channel.enqueue(f);
    channel.outbox() += "GET /" + std::to_string(f) + " HTTP/1.1\r\nHost: api\r\n\r\n";
  }

  bool hear(std::size_t n) {
    return test::run_until(client.io, [&] { return events.size() >= n; });
  }

  void presign_connected(bool) override { ++connections; }
  void presign_disconnected() override {}
  void presign_answered(file_id f, wire::response& answer, core::instant, bool) override {
    events.push_back({f, answer.status, answer.body, failure_kind::none, false});
  }
  void presign_broke(file_id f, const failure& why, bool fresh) override {
    events.push_back({f, 0, {}, why.kind, fresh});
    if (again-- > 0) {
      ask(f);
      channel.flush();
    }
  }

  net_client& client;
  core::pipeline depths;
  api_channel channel;
  std::vector<told> events;
  int connections = 0;
  int again = 0; ///< how many broken requests are asked for again
  bool ended = false;
};

/// The number in "GET /<n> HTTP/1.1".
std::string number_of(const std::string& request) {
  const auto end = request.find(' ', 5);
  return request.size() > 5 ? request.substr(5, end - 5) : std::string();
}

void answer_all(peer_connection& p) {
  for (std::string request = p.read_request(); !request.empty(); request = p.read_request())
    p.write(http_answer("200 OK", number_of(request)));
}

// Answers go to the requests in the order of asking, at depth 1 and at depth 4, over TCP and TLS.
TEST(api_channel, answers_in_order) {
  const auto identity = tls_identity::make();
  for (const auto how : {scheme::http, scheme::https})
    for (const int depth : {1, 4}) {
      const auto peer = how == scheme::http ? std::make_unique<fake_peer>(answer_all)
                                            : std::make_unique<fake_peer>(identity, answer_all);
      net_client client(identity.pem);
      {
        channel_under_test c(client, how, peer->port(), depth);
        file_id next = 0;
        for (int round = 0; round < 10; ++round) {
          EXPECT_EQ(c.channel.room(), depth);
          while (c.channel.room() > 0) c.ask(next++);
          EXPECT_TRUE(c.channel.busy());
          c.channel.flush();
          ASSERT_TRUE(c.hear(next));
        }
        for (file_id f = 0; f < next; ++f) {
          EXPECT_EQ(c.events[f].file, f);
          EXPECT_EQ(c.events[f].status, 200);
          EXPECT_EQ(c.events[f].body, std::to_string(f));
        }
        EXPECT_EQ(c.connections, 1) << "one connection carries all of them";
        EXPECT_FALSE(c.channel.busy());
      }
    }
}

struct loss_case {
  const char* name;
  std::function<void(peer_connection&)> play; ///< the first connection: three requests are asked for at once
  int answered;                               ///< of the three
  failure_kind why;                           ///< of the first that is not; those behind it are unserved
  bool fresh;
  int room; ///< of the next connection: one at a time if this looks like the pipeline's fault
};

class presign_loss : public testing::TestWithParam<loss_case> {};

// What ends a connection is told for each unanswered request, once; those that were answered stay answered; those that
// were not at the head of the line learn that their turn never came; and the next request is made over a new
// connection.
TEST_P(presign_loss, is_told_once_per_request) {
  std::atomic<int> connection{0};
  fake_peer peer([&](peer_connection& p) {
    if (connection++ > 0) return answer_all(p);
    for (int i = 0; i < 3; ++i) p.read_request();
    GetParam().play(p);
  });
  net_client client;
  channel_under_test c(client, scheme::http, peer.port(), 3);
  for (file_id f = 0; f < 3; ++f) c.ask(f);
  c.channel.flush();
  ASSERT_TRUE(c.hear(3));
  ASSERT_EQ(c.events.size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(c.events[i].file, i);
    const bool answered = static_cast<int>(i) < GetParam().answered;
    EXPECT_EQ(c.events[i].status, answered ? 200 : 0) << i;
    if (answered) continue;
    EXPECT_EQ(c.events[i].why, static_cast<int>(i) == GetParam().answered ? GetParam().why : failure_kind::unserved)
        << i;
    EXPECT_EQ(c.events[i].fresh, GetParam().fresh) << i;
  }
  EXPECT_EQ(c.channel.room(), GetParam().room);
  c.ask(7);
  c.channel.flush();
  ASSERT_TRUE(c.hear(4));
  EXPECT_EQ(c.events[3].status, 200);
  EXPECT_EQ(c.events[3].body, "7");
}

INSTANTIATE_TEST_SUITE_P(all, presign_loss,
                         testing::Values(loss_case{"closed_before_any", [](peer_connection& p) { p.close(); }, 0,
                                                   failure_kind::closed, true, 1},
                                         loss_case{"reset_before_any", [](peer_connection& p) { p.reset(); }, 0,
                                                   failure_kind::closed, true, 1},
                                         loss_case{"closed_after_one",
                                                   [](peer_connection& p) {
                                                     p.write(http_answer("200 OK"));
                                                     p.end_writing();
                                                     p.drain();
                                                   },
                                                   1, failure_kind::closed, false, 1},
                                         loss_case{"closed_within_the_second",
                                                   [](peer_connection& p) {
                                                     p.write(http_answer("200 OK") + "HTTP/1.1 20");
                                                     p.end_writing();
                                                     p.drain();
                                                   },
                                                   1, failure_kind::broken, false, 1},
                                         loss_case{"garbage",
                                                   [](peer_connection& p) {
                                                     p.write("what is this\r\n\r\n");
                                                     p.drain();
                                                   },
                                                   0, failure_kind::bad_response, true, 1},
                                         loss_case{"announces_its_close",
                                                   [](peer_connection& p) {
                                                     p.write(http_answer("200 OK", {}, "Connection: close\r\n"));
                                                     p.drain();
                                                   },
                                                   1, failure_kind::unserved, false, 1},
                                         loss_case{"announces_its_close_with_the_second",
                                                   [](peer_connection& p) {
                                                     p.write(http_answer("200 OK") +
                                                             http_answer("200 OK", {}, "Connection: close\r\n"));
                                                     p.drain();
                                                   },
                                                   2, failure_kind::unserved, false, 2}),
                         [](const auto& tested) { return std::string(tested.param.name); });

// An answer that nobody asked for ends the connection; nobody is told, and the channel works on.
TEST(api_channel, an_unsolicited_answer_ends_the_connection) {
  std::atomic<int> connection{0};
  fake_peer peer([&](peer_connection& p) {
    if (connection++ > 0) return answer_all(p);
    p.read_request();
    p.write(http_answer("200 OK", "mine") + http_answer("200 OK", "whose?"));
    p.drain();
  });
  net_client client;
  channel_under_test c(client, scheme::http, peer.port(), 1);
  c.ask(1);
  c.channel.flush();
  ASSERT_TRUE(c.hear(1));
  ASSERT_TRUE(test::run_until(client.io, [&] { return !c.channel.connected(); }));
  c.ask(2);
  c.channel.flush();
  ASSERT_TRUE(c.hear(2));
  EXPECT_EQ(c.events[0].body, "mine");
  EXPECT_EQ(c.events[1].body, "2");
}

// An answer that was on its way before the request was (a peer says 408 and closes) is not taken for the request's,
// which is asked again on the next connection.
TEST(api_channel, regression_an_earlier_answer_is_not_taken_for_a_request_that_waits) {
  std::atomic<int> connection{0};
  std::promise<void> said;
  fake_peer peer([&](peer_connection& p) {
    if (connection++ > 0) return answer_all(p);
    p.write(http_answer("200 OK", number_of(p.read_request())));
    p.write(http_answer("408 Request Timeout", {}, "Connection: close\r\n"));
    said.set_value();
    p.drain();
  });
  net_client client;
  channel_under_test c(client, scheme::http, peer.port(), 2);
  c.again = 1;
  c.ask(0);
  c.channel.flush();
  ASSERT_TRUE(test::run_until(client.io, [&] { return c.channel.doing().at == stage::awaiting; }));
  said.get_future().wait(); // both answers are there, and neither has been read
  c.ask(1);
  EXPECT_EQ(c.channel.doing().at, stage::awaiting);
  c.channel.flush();
  ASSERT_TRUE(c.hear(3));
  EXPECT_EQ(c.events[0].body, "0");
  EXPECT_EQ(c.events[1].why, failure_kind::unserved);
  EXPECT_EQ(c.events[2].body, "1");
}

// A connection with a request to send is not idle, even before that has left.
TEST(api_channel, regression_who_has_been_asked_is_not_idle) {
  fake_peer peer(answer_all);
  net_client client;
  channel_under_test c(client, scheme::http, peer.port(), 2);
  c.ask(0);
  c.channel.flush();
  ASSERT_TRUE(c.hear(1));
  ASSERT_TRUE(test::run_until(client.io, [&] { return c.channel.doing().at == stage::idle; }));
  c.ask(1);
  EXPECT_EQ(c.channel.doing().at, stage::awaiting);
  c.channel.flush();
  ASSERT_TRUE(c.hear(2));
}

// An idle connection that the peer closes costs nobody anything.
TEST(api_channel, a_close_while_idle_is_nobodys_loss) {
  std::atomic<int> connection{0};
  fake_peer peer([&](peer_connection& p) {
    if (connection++ > 0) return answer_all(p);
    p.write(http_answer("200 OK", number_of(p.read_request())));
  });
  net_client client;
  channel_under_test c(client, scheme::http, peer.port(), 2);
  c.ask(1);
  c.channel.flush();
  ASSERT_TRUE(c.hear(1));
  ASSERT_TRUE(test::run_until(client.io, [&] { return !c.channel.connected(); }));
  c.ask(2);
  c.channel.flush();
  ASSERT_TRUE(c.hear(2));
  EXPECT_EQ(c.events[1].status, 200);
}

// A connection that cannot be made is one failure, told for the first of those that waited for it; the others go on
// elsewhere.
TEST(api_channel, a_refused_connection_is_one_failure) {
  const test::refused_port nobody;
  net_client client;
  channel_under_test c(client, scheme::http, nobody.port(), 4);
  for (file_id f = 0; f < 4; ++f) c.ask(f);
  c.channel.flush();
  ASSERT_TRUE(c.hear(4));
  for (const told& t : c.events)
    EXPECT_EQ(t.why, t.file == 0 ? failure_kind::connect : failure_kind::unserved) << t.file;
}

// A shut ends what is on the connection for the reason given, and the channel connects again when asked.
TEST(api_channel, shut_ends_what_is_on_the_connection) {
  const std::pair<error_code, failure_kind> cases[] = {{asio::error::timed_out, failure_kind::timed_out},
                                                       {asio::error::operation_aborted, failure_kind::cancelled}};
  for (const auto& [why, expected] : cases) {
    std::atomic<int> connection{0};
    fake_peer peer([&](peer_connection& p) { connection++ > 0 ? answer_all(p) : (void)p.drain(); });
    net_client client;
    channel_under_test c(client, scheme::http, peer.port(), 2);
    c.ask(0);
    c.ask(1);
    c.channel.flush();
    ASSERT_TRUE(test::run_until(client.io, [&] { return c.channel.doing().at == stage::awaiting; }));
    c.channel.shut(why);
    ASSERT_TRUE(c.hear(2));
    EXPECT_EQ(c.events[0].why, expected);
    EXPECT_EQ(c.events[1].why, why == asio::error::timed_out ? failure_kind::unserved : expected);
    c.ask(2);
    c.channel.flush();
    ASSERT_TRUE(c.hear(3));
    EXPECT_EQ(c.events[2].status, 200);
  }
}

// A connection that is being shut takes nobody in: who joined it now would be lost for a reason that is not his.
TEST(api_channel, regression_nobody_joins_a_connection_that_is_shut) {
  for (const auto state : {stage::connecting, stage::awaiting}) {
    fake_peer peer([](peer_connection& p) { p.drain(); });
    net_client client;
    channel_under_test c(client, scheme::http, peer.port(), 4);
    c.ask(0);
    c.channel.flush();
    ASSERT_TRUE(test::run_until(client.io, [&] { return c.channel.doing().at == state; }));
    EXPECT_EQ(c.channel.room(), 3);
    c.channel.shut(asio::error::operation_aborted);
    EXPECT_EQ(c.channel.room(), 0);
    ASSERT_TRUE(c.hear(1));
    EXPECT_EQ(c.channel.room(), 4);
  }
}

enum class end_by { close, reset };

// Whatever the byte of the answers at which the connection breaks, each request is told exactly once per asking, and
// asking again for what broke brings every answer in the end.
TEST(api_channel, survives_a_break_at_every_byte_of_the_answers) {
  const std::string answers = http_answer("200 OK", "0") + http_answer("200 OK", "1");
  for (const auto how : {end_by::close, end_by::reset})
    for (std::size_t n = 0; n <= answers.size(); ++n) {
      std::atomic<int> connection{0};
      fake_peer peer([&](peer_connection& p) {
        if (connection++ > 0) return answer_all(p);
        p.read_request();
        p.read_request();
        p.write(answers.substr(0, n));
        if (how == end_by::reset) p.reset();
      });
      net_client client;
      channel_under_test c(client, scheme::http, peer.port(), 2);
      c.again = 2;
      c.ask(0);
      c.ask(1);
      c.channel.flush();
      const auto answered = [&](file_id f) {
        return std::ranges::count_if(c.events, [&](const told& t) { return t.file == f && t.status == 200; });
      };
      ASSERT_TRUE(test::run_until(client.io, [&] { return answered(0) > 0 && answered(1) > 0; })) << n;
      EXPECT_EQ(answered(0), 1) << n;
      EXPECT_EQ(answered(1), 1) << n;
      EXPECT_LE(c.events.size(), 4u) << n;
      for (const told& t : c.events)
        if (t.status == 200) {
          EXPECT_EQ(t.body, std::to_string(t.file)) << n;
        }
      if (HasFailure()) return;
    }
}

// The same for a break at every byte of the requests.
TEST(api_channel, survives_a_break_at_every_byte_of_the_requests) {
  const std::size_t requests = 2 * std::string("GET /0 HTTP/1.1\r\nHost: api\r\n\r\n").size();
  for (std::size_t n = 0; n <= requests; ++n) {
    std::atomic<int> connection{0};
    fake_peer peer([&](peer_connection& p) {
      if (connection++ > 0) return answer_all(p);
      p.read_exactly(n);
      p.reset();
    });
    net_client client;
    channel_under_test c(client, scheme::http, peer.port(), 2);
    c.again = 2;
    c.ask(0);
    c.ask(1);
    c.channel.flush();
    ASSERT_TRUE(c.hear(4)) << n;
    EXPECT_EQ(c.events[2].body, "0");
    EXPECT_EQ(c.events[3].body, "1");
    if (HasFailure()) return;
  }
}

// stop() ends the channel in every state, and what waited is told.
TEST(api_channel, stop_ends_it_in_every_state) {
  fake_peer peer([](peer_connection& p) { p.drain(); });
  const stage states[] = {stage::idle, stage::connecting, stage::awaiting};
  for (const stage state : states) {
    net_client client;
    channel_under_test c(client, scheme::http, peer.port(), 1);
    if (state != stage::idle) {
      c.ask(0);
      c.channel.flush();
      ASSERT_TRUE(test::run_until(client.io, [&] { return c.channel.doing().at == state; }));
    }
    c.channel.stop();
    ASSERT_TRUE(test::run_until(client.io, [&] { return c.ended; }));
    EXPECT_EQ(c.events.size(), state == stage::idle ? 0u : 1u);
    for (const told& t : c.events) EXPECT_EQ(t.why, failure_kind::cancelled);
  }
}

} // namespace
} // namespace hoist::net
