// One HEAD against peers that answer well, in pieces, wrongly, or not at all.

#include "fake_peer.hpp"
#include "net_client.hpp"
#include "no_answer.hpp"

#include "net/head_exchange.hpp"
#include "wire/head_request.hpp"

#include <gtest/gtest.h>

#include <boost/asio/error.hpp>

#include <algorithm>
#include <future>

namespace hoist::net {
namespace {

using test::fake_peer;
using test::net_client;
using test::peer_connection;
using test::run;
using test::tls_identity;
using wire::scheme;

enum class cover { plain, tls };

std::string request_for(const std::string& url) {
  wire::url u;
  EXPECT_EQ(wire::parse_url(url, u), "");
  std::string out;
  wire::append_head_request(out, u);
  return out;
}

class head : public testing::TestWithParam<cover> {
 protected:
  void listen(fake_peer::script play) {
    const bool tls = GetParam() == cover::tls;
    peer = tls ? std::make_unique<fake_peer>(identity, std::move(play)) : std::make_unique<fake_peer>(std::move(play));
    auto c = client.connect(tls ? scheme::https : scheme::http, peer->port());
    ASSERT_FALSE(c.why) << c.why.text;
    connection = std::move(c.connected);
    reader.restart();
  }

  head_result ask(const std::string& url = "https://cdn.example/file") {
    const std::string request = request_for(url);
    return run(client.io, head_exchange(*connection, reader, request, client.doing));
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
};

INSTANTIATE_TEST_SUITE_P(all, head, testing::Values(cover::plain, cover::tls),
                         [](const auto& tested) { return tested.param == cover::plain ? "plain" : "tls"; });

const std::string found = "HTTP/1.1 200 OK\r\nContent-Length: 104857600\r\nETag: \"0cc1\"\r\n"
                          "x-amz-server-side-encryption: aws:kms\r\n\r\n";

// Length, digest and encryption of what is stored are in the answer, which has no body although it declares one.
TEST_P(head, tells_what_is_stored) {
  listen([](peer_connection& p) {
    p.read_request();
    p.write(found);
    p.drain();
  });
  const auto result = ask();
  EXPECT_FALSE(result.why) << result.why.text;
  EXPECT_TRUE(result.reusable);
  EXPECT_EQ(reader.answer().status, 200);
  EXPECT_EQ(reader.answer().content_length, 104'857'600u);
  EXPECT_EQ(reader.answer().etag, "\"0cc1\"");
  EXPECT_EQ(reader.answer().encryption, "aws:kms");
  EXPECT_EQ(reader.answer().body, "");
  hang_up();
}

// The request is the target as it stands, with Host and User-Agent, and holds no key in any spelling.
TEST_P(head, asks_without_a_key) {
  std::string request;
  listen([&](peer_connection& p) {
    request = p.read_request();
    p.write(found);
    p.drain();
  });
  ask("https://CDN.example:8443/a%2fb?x=%2B");
  hang_up();
  EXPECT_TRUE(request.starts_with("HEAD /a%2fb?x=%2B HTTP/1.1\r\nHost: cdn.example:8443\r\nUser-Agent: hoist/"))
      << request;
  EXPECT_TRUE(request.ends_with("\r\n\r\n"));
  EXPECT_EQ(std::ranges::count(request, '\n'), 4);
  std::ranges::transform(request, request.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  for (const char* name : {"x-api-key", "authorization", "cookie", "content-length", "transfer-encoding", "expect"})
    EXPECT_EQ(request.find(name), std::string::npos) << name;
}

struct status_case {
  std::string answer;
  int status;
  std::optional<std::uint64_t> length;
};

// A refusal and a redirect are answers; what they declare of a body is not waited for, and no redirect is followed.
TEST_P(head, any_status_is_an_answer) {
  const status_case cases[] = {
      {"HTTP/1.1 404 Not Found\r\nContent-Type: application/xml\r\nContent-Length: 300\r\n\r\n", 404, 300},
      {"HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n", 403, std::nullopt},
      {"HTTP/1.1 302 Found\r\nLocation: https://127.0.0.1/other\r\nContent-Length: 9\r\n\r\n", 302, 9},
      {"HTTP/1.1 200 OK\r\n\r\n", 200, std::nullopt},
      {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 503 Slow Down\r\nContent-Length: 4\r\n\r\n", 503, 4},
      {"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 7\r\n\r\n", 200, 7},
  };
  for (const auto& c : cases) {
    std::uint64_t surplus = 0;
    listen([&](peer_connection& p) {
      p.read_request();
      p.write(c.answer);
      surplus = p.drain();
    });
    const auto result = ask();
    EXPECT_FALSE(result.why) << result.why.text;
    EXPECT_TRUE(result.reusable) << c.answer;
    EXPECT_EQ(reader.answer().status, c.status);
    EXPECT_EQ(reader.answer().content_length, c.length);
    hang_up();
    EXPECT_EQ(surplus, 0u);
    EXPECT_EQ(peer->accepted(), 1);
  }
}

// One connection carries one HEAD after another, and what one answer said is not in the next.
TEST_P(head, a_connection_is_used_again) {
  std::vector<std::string> requests;
  listen([&](peer_connection& p) {
    requests.push_back(p.read_request());
    p.write(found);
    requests.push_back(p.read_request());
    p.write("HTTP/1.1 404 Not Found\r\nContent-Length: 300\r\n\r\n");
    requests.push_back(p.read_request());
    p.write("HTTP/1.1 200 OK\r\n\r\n");
    p.drain();
  });
  EXPECT_TRUE(ask("https://h/1").reusable);
  reader.next();
  EXPECT_TRUE(ask("https://h/2").reusable);
  EXPECT_EQ(reader.answer().status, 404);
  EXPECT_EQ(reader.answer().content_length, 300u);
  EXPECT_EQ(reader.answer().etag, "");
  EXPECT_EQ(reader.answer().encryption, "");
  reader.next();
  EXPECT_TRUE(ask("https://h/3").reusable);
  EXPECT_EQ(reader.answer().content_length, std::nullopt);
  hang_up();
  EXPECT_EQ(requests, (std::vector<std::string>{request_for("https://h/1"), request_for("https://h/2"),
                                                request_for("https://h/3")}));
}

// Connection: close, and a body that a HEAD must not have, make the connection unfit for another exchange.
TEST_P(head, is_not_reusable_after_close_or_surplus) {
  for (const std::string& answer : {std::string("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\n"),
                                    std::string("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")}) {
    listen([&](peer_connection& p) {
      p.read_request();
      p.write(answer);
      p.drain();
    });
    const auto result = ask();
    EXPECT_FALSE(result.why) << result.why.text;
    EXPECT_EQ(reader.answer().content_length, 5u);
    EXPECT_EQ(reader.answer().body, "");
    EXPECT_FALSE(result.reusable) << answer;
    hang_up();
  }
}

// An answer means the same wherever it is cut. The stage does not move while pieces arrive, so that a peer that drips
// cannot hold the limit off.
TEST_P(head, an_answer_in_two_pieces) {
  for (std::size_t cut = 1; cut < found.size(); ++cut) {
    std::promise<void> go_on;
    listen([&](peer_connection& p) {
      p.read_request();
      p.write(found.substr(0, cut));
      go_on.get_future().wait();
      p.write(found.substr(cut));
      p.drain();
    });
    const std::string request = request_for("https://h/");
    std::optional<head_result> result;
    asio::co_spawn(client.io, head_exchange(*connection, reader, request, client.doing),
                   [&](std::exception_ptr, head_result r) { result = std::move(r); });
    ASSERT_TRUE(test::run_until(client.io, [&] { return reader.any_byte(); }));
    EXPECT_FALSE(result.has_value()) << "cut at " << cut;
    EXPECT_EQ(client.doing.at, stage::awaiting);
    const auto moves = client.doing.moves;
    go_on.set_value();
    ASSERT_TRUE(test::run_until(client.io, [&] { return result.has_value(); }));
    EXPECT_FALSE(result->why) << result->why.text << " cut at " << cut;
    EXPECT_EQ(client.doing.moves, moves);
    EXPECT_EQ(reader.answer().content_length, 104'857'600u);
    EXPECT_EQ(reader.answer().etag, "\"0cc1\"");
    hang_up();
    if (HasFailure()) return;
  }
}

class head_ending : public testing::TestWithParam<test::no_answer_case> {};

// How a connection ends without a whole answer is told apart by whether one had begun, and whether it was HTTP.
TEST_P(head_ending, is_told_apart) {
  fake_peer peer([](peer_connection& p) {
    p.read_request();
    GetParam().end(p);
  });
  net_client client;
  auto c = client.connect(scheme::http, peer.port());
  answer_reader reader;
  const std::string request = request_for("http://h/");
  const auto result = run(client.io, head_exchange(*c.connected, reader, request, client.doing));
  EXPECT_EQ(result.why.kind, GetParam().expected) << result.why.text;
  EXPECT_FALSE(result.reusable);
  c.connected.reset();
}

INSTANTIATE_TEST_SUITE_P(all, head_ending, testing::ValuesIn(test::no_answers()),
                         [](const auto& tested) { return std::string(tested.param.name); });

// A shut from outside ends a HEAD that waits for its answer, as what it was shut for.
TEST_P(head, shut_ends_it) {
  for (const auto& [why, expected] :
       {std::pair<error_code, failure_kind>{asio::error::timed_out, failure_kind::timed_out},
        {asio::error::operation_aborted, failure_kind::cancelled}}) {
    listen([](peer_connection& p) { p.drain(); });
    const std::string request = request_for("https://h/");
    std::optional<head_result> result;
    asio::co_spawn(client.io, head_exchange(*connection, reader, request, client.doing),
                   [&](std::exception_ptr, head_result r) { result = std::move(r); });
    ASSERT_TRUE(test::run_until(client.io, [&] { return client.doing.at == stage::awaiting; }));
    connection->shut(why);
    ASSERT_TRUE(test::run_until(client.io, [&] { return result.has_value(); }));
    EXPECT_EQ(result->why.kind, expected) << result->why.text;
    EXPECT_FALSE(result->reusable);
    hang_up();
  }
}

// A connection that was shut before sends nothing.
TEST_P(head, on_a_shut_connection) {
  listen([](peer_connection& p) { EXPECT_EQ(p.drain(), 0u); });
  connection->shut(asio::error::operation_aborted);
  EXPECT_EQ(ask().why.kind, failure_kind::cancelled);
  hang_up();
}

} // namespace
} // namespace hoist::net
