// TLS as our side speaks it, against an OpenSSL server that a script plays.

#include "fake_peer.hpp"
#include "net_client.hpp"

#include "net/kernel_tls.hpp"

#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <boost/asio/error.hpp>

#include <future>

namespace hoist::net {
namespace {

using test::fake_peer;
using test::net_client;
using test::peer_connection;
using test::run;
using test::tls_identity;
using wire::scheme;

task<std::string> receive_exactly(stream& s, std::size_t n, error_code& ec) {
  std::string out;
  std::string piece(32 * 1024, '\0');
  while (out.size() < n) {
    const std::size_t got = s.receive({piece.data(), std::min(piece.size(), n - out.size())}, ec);
    if (ec == asio::error::would_block) {
      co_await s.wait(interest::read);
      continue;
    }
    if (ec) break;
    out.append(piece, 0, got);
  }
  co_return out;
}

task<error_code> send_all(stream& s, std::string_view bytes) {
  error_code ec;
  while (!bytes.empty() && !ec) {
    const auto room = s.room();
    const std::size_t n = std::min({room.size(), batch_bytes, bytes.size()});
    std::copy_n(bytes.begin(), n, room.begin());
    s.send(n, ec);
    bytes.remove_prefix(n);
    if (ec == asio::error::would_block) ec = co_await s.flush();
  }
  co_return ec;
}

// ---- tickets ------------------------------------------------------------------------------------------------------

// The second connection to a host resumes the session of the first, and so does the third, although each handshake
// names the host anew. A host of another name, be it the same machine, starts from nothing.
TEST(tls, a_host_is_proven_once) {
  const auto identity = tls_identity::make("DNS:localhost,IP:127.0.0.1");
  const auto context = identity.server_context(0);
  std::vector<bool> resumed;
  {
    fake_peer peer([&](peer_connection& p) {
      if (!p.start_tls(context.get())) return;
      resumed.push_back(SSL_session_reused(p.ssl()) == 1);
      p.write("hello");
      p.drain();
    });
    net_client client(identity.pem);
    for (const char* host : {"localhost", "localhost", "localhost", "127.0.0.1"}) {
      auto result = client.connect(scheme::https, peer.port(), host);
      ASSERT_FALSE(result.why) << result.why.text;
      error_code ec;
      EXPECT_EQ(run(client.io, receive_exactly(*result.connected, 5, ec)), "hello") << ec.message();
    }
  }
  EXPECT_EQ(resumed, (std::vector{false, true, true, false}));
}

// A handshake that fails on resuming is worth another one, which begins from nothing; that one's failure is what it is.
TEST(tls, regression_a_session_that_cannot_be_resumed_is_not_the_end) {
  const auto identity = tls_identity::make("DNS:localhost,IP:127.0.0.1");
  const auto context = identity.server_context(0);
  std::atomic<int> connection{0};
  fake_peer peer([&](peer_connection& p) {
    if (connection++ == 0 && p.start_tls(context.get())) {
      p.write("hello");
    } else {
      p.read_some();
      p.write("this is no TLS at all");
    }
    p.drain();
  });
  net_client client(identity.pem);
  {
    auto first = client.connect(scheme::https, peer.port(), "localhost");
    ASSERT_FALSE(first.why) << first.why.text;
    error_code ec;
    EXPECT_EQ(run(client.io, receive_exactly(*first.connected, 5, ec)), "hello") << ec.message();
  }
  EXPECT_EQ(client.connect(scheme::https, peer.port(), "localhost").why.kind, failure_kind::session_refused);
  EXPECT_EQ(client.connect(scheme::https, peer.port(), "localhost").why.kind, failure_kind::tls_protocol);
}

// ---- handshake ---------------------------------------------------------------------------------------------------

struct handshake_case {
  const char* name;
  std::string names; ///< of the peer's certificate
  long begin, end;   ///< its validity, in seconds from now
  int protocol;      ///< the only one the peer speaks; 0: all
  bool trusted;
  const char* host; ///< whom we believe to speak to
  failure_kind expected;
};

class tls_handshake : public testing::TestWithParam<handshake_case> {};

// Each way a handshake can go has a failure kind of its own, since what follows from it differs.
TEST_P(tls_handshake, ends_as_what_it_was) {
  const auto& c = GetParam();
  const auto identity = tls_identity::make(c.names, c.begin, c.end);
  const auto context = identity.server_context(c.protocol);
  fake_peer peer([&](peer_connection& p) {
    if (p.start_tls(context.get())) p.drain();
  });
  net_client client(c.trusted ? identity.pem : std::string());
  const auto result = client.connect(scheme::https, peer.port(), c.host);
  EXPECT_EQ(result.why.kind, c.expected) << result.why.text;
  EXPECT_EQ(result.connected != nullptr, c.expected == failure_kind::none);
  if (result.why) {
    EXPECT_NE(result.why.text.find(c.host), std::string::npos) << "the text names the place: " << result.why.text;
  }
}

INSTANTIATE_TEST_SUITE_P(
    all, tls_handshake,
    testing::Values(
        handshake_case{"good_by_name", "DNS:localhost", -60, 3600, 0, true, "localhost", failure_kind::none},
        handshake_case{"good_by_address", "IP:127.0.0.1", -60, 3600, 0, true, "127.0.0.1", failure_kind::none},
        handshake_case{"tls_1_2_is_enough", "DNS:localhost", -60, 3600, TLS1_2_VERSION, true, "localhost",
                       failure_kind::none},
        handshake_case{"wrong_name", "DNS:other.example", -60, 3600, 0, true, "localhost", failure_kind::certificate},
        handshake_case{"name_instead_of_address", "DNS:localhost", -60, 3600, 0, true, "127.0.0.1",
                       failure_kind::certificate},
        handshake_case{"untrusted", "DNS:localhost", -60, 3600, 0, false, "localhost", failure_kind::certificate},
        handshake_case{"expired", "DNS:localhost", -7200, -3600, 0, true, "localhost", failure_kind::certificate},
        handshake_case{"not_yet_valid", "DNS:localhost", 3600, 7200, 0, true, "localhost", failure_kind::certificate},
        handshake_case{"tls_1_1", "DNS:localhost", -60, 3600, TLS1_1_VERSION, true, "localhost",
                       failure_kind::tls_protocol}),
    [](const auto& tested) { return std::string(tested.param.name); });

struct broken_handshake_case {
  const char* name;
  fake_peer::script play;
  failure_kind expected;
};

class broken_handshake : public testing::TestWithParam<broken_handshake_case> {};

// A peer that is no TLS server, or stops being one, is told apart from one whose certificate is bad.
TEST_P(broken_handshake, ends_as_what_it_was) {
  fake_peer peer(GetParam().play);
  net_client client;
  const auto result = client.connect(scheme::https, peer.port());
  EXPECT_EQ(result.why.kind, GetParam().expected) << result.why.text;
  EXPECT_EQ(result.connected, nullptr);
}

INSTANTIATE_TEST_SUITE_P(
    all, broken_handshake,
    testing::Values(broken_handshake_case{"plaintext",
                                          [](peer_connection& p) {
                                            p.write("HTTP/1.1 400 Bad Request\r\n\r\n");
                                            p.drain();
                                          },
                                          failure_kind::tls_protocol},
                    broken_handshake_case{"closed_at_once", [](peer_connection&) {}, failure_kind::handshake},
                    broken_handshake_case{"closed_after_our_hello", [](peer_connection& p) { p.read_exactly(100); },
                                          failure_kind::handshake},
                    broken_handshake_case{"half_a_record",
                                          [](peer_connection& p) {
                                            p.read_some();
                                            p.write(std::string_view("\x16\x03\x03\x00\x7a\x02", 6));
                                          },
                                          failure_kind::handshake},
                    broken_handshake_case{"reset_after_our_hello",
                                          [](peer_connection& p) {
                                            p.read_some();
                                            p.reset();
                                          },
                                          failure_kind::handshake}),
    [](const auto& tested) { return std::string(tested.param.name); });

// So it is when OpenSSL writes to the socket itself, to offer the kernel its keys, and the peer was gone before it said
// a word: the socket's error is not TLS refusing.
TEST(tls_offered, regression_a_peer_that_is_gone_is_a_lost_handshake) {
  std::promise<void> connected;
  fake_peer peer([&](peer_connection& p) {
    connected.get_future().wait();
    p.reset();
  });
  net_client client;
  auto c = client.connect(scheme::http, peer.port());
  connected.set_value();
  ASSERT_FALSE(c.why) << c.why.text;
  run(client.io, c.connected->wait(interest::read));
  const auto why = run(client.io, c.connected->handshake(client.tls, "127.0.0.1", client.doing, sealing::in_kernel));
  EXPECT_EQ(why.kind, failure_kind::handshake) << why.text;
}

// A handshake that is shut from outside ends although the peer never says anything: as a lost one when its time is
// over, since nothing was asked yet, or as cancelled.
TEST(tls, shut_in_mid_handshake_ends_it_as_lost_or_cancelled) {
  const std::pair<error_code, failure_kind> cases[] = {{asio::error::timed_out, failure_kind::handshake},
                                                       {asio::error::operation_aborted, failure_kind::cancelled}};
  for (const auto& [why, expected] : cases) {
    fake_peer peer([](peer_connection& p) { p.drain(); });
    net_client client;
    connector one(client.context());
    connect_result result;
    bool done = false;
    const wire::origin to{scheme::https, "127.0.0.1", peer.port()};
    asio::co_spawn(client.io, one.connect(to, reach::anywhere, client.doing),
                   [&](std::exception_ptr, connect_result r) {
                     result = std::move(r);
                     done = true;
                   });
    ASSERT_TRUE(test::run_until(client.io, [&] { return client.doing.at == stage::handshaking; }));
    one.shut(why);
    ASSERT_TRUE(test::run_until(client.io, [&] { return done; }));
    EXPECT_EQ(result.why.kind, expected) << result.why.text;
    EXPECT_EQ(result.connected, nullptr);
  }
}

// ---- what a TLS 1.3 peer may send at any time --------------------------------------------------------------------

// Session tickets of an idle connection are no data and no end of it.
TEST(tls, session_tickets_while_idle_are_nothing) {
  const auto identity = tls_identity::make();
  fake_peer peer(identity, [](peer_connection& p) {
    for (int i = 0; i < 3; ++i) {
      SSL_new_session_ticket(p.ssl());
      SSL_do_handshake(p.ssl());
    }
    p.write("x");
    EXPECT_EQ(p.read_exactly(2), "ok");
  });
  net_client client(identity.pem);
  auto c = client.connect(scheme::https, peer.port());
  ASSERT_FALSE(c.why) << c.why.text;
  error_code ec;
  EXPECT_EQ(run(client.io, receive_exactly(*c.connected, 1, ec)), "x");
  EXPECT_FALSE(run(client.io, send_all(*c.connected, "ok")));
  c.connected.reset();
}

// A peer that sends what is no data and nothing else is left: within reason it may, and this one would go on for ever.
// (regression)
TEST(tls, a_flood_of_key_updates_ends_the_connection) {
  const auto identity = tls_identity::make();
  fake_peer peer(identity, [](peer_connection& p) {
    while (SSL_key_update(p.ssl(), SSL_KEY_UPDATE_REQUESTED) == 1 && SSL_do_handshake(p.ssl()) == 1) {
    }
  });
  net_client client(identity.pem);
  auto c = client.connect(scheme::https, peer.port());
  ASSERT_FALSE(c.why) << c.why.text;
  error_code ec;
  EXPECT_EQ(run(client.io, receive_exactly(*c.connected, 1, ec)), "");
  EXPECT_EQ(ec, asio::error::connection_aborted) << ec.message();
  c.connected.reset();
}

// A handshake that drips is none that moves on: its limit of time is not put off for ever. (regression)
TEST(tls, a_dripping_handshake_does_not_count_as_progress) {
  fake_peer peer([](peer_connection& p) {
    p.read_some();
    for (const char c : std::string("\x16\x03\x03\x00\x7a\x02\x00\x00\x76", 9) + std::string(60, '\x03')) {
      if (!p.write({&c, 1})) return;
      std::this_thread::yield();
    }
  });
  net_client client;
  const auto before = client.doing.moves;
  const auto result = client.connect(scheme::https, peer.port());
  EXPECT_TRUE(result.why);
  EXPECT_LE(client.doing.moves - before, 12u);
}

struct key_update_case {
  const char* name;
  int kind;
  int times;
};

class key_update : public testing::TestWithParam<key_update_case> {};

// A KeyUpdate of the peer is followed both ways: what it sends is read on, what we send after it can be read.
TEST_P(key_update, regression_the_answer_to_a_key_update_is_sent) {
  const auto identity = tls_identity::make();
  std::promise<void> updated;
  fake_peer peer(identity, [&](peer_connection& p) {
    EXPECT_EQ(p.read_exactly(5), "first");
    for (int i = 0; i < GetParam().times; ++i) {
      EXPECT_EQ(SSL_key_update(p.ssl(), GetParam().kind), 1);
      EXPECT_EQ(SSL_do_handshake(p.ssl()), 1);
      EXPECT_TRUE(p.write("answer"));
    }
    EXPECT_EQ(p.read_exactly(6), "second");
    EXPECT_TRUE(p.write("end"));
    p.drain();
  });
  net_client client(identity.pem);
  auto c = client.connect(scheme::https, peer.port());
  ASSERT_FALSE(c.why) << c.why.text;
  ASSERT_STREQ(c.connected->tls().protocol(), "TLSv1.3");
  EXPECT_FALSE(run(client.io, send_all(*c.connected, "first")));
  error_code ec;
  std::string expected;
  for (int i = 0; i < GetParam().times; ++i) expected += "answer";
  EXPECT_EQ(run(client.io, receive_exactly(*c.connected, expected.size(), ec)), expected) << ec.message();
  EXPECT_FALSE(run(client.io, send_all(*c.connected, "second")));
  EXPECT_EQ(run(client.io, receive_exactly(*c.connected, 3, ec)), "end") << ec.message();
  c.connected.reset();
}

INSTANTIATE_TEST_SUITE_P(all, key_update,
                         testing::Values(key_update_case{"not_requested", SSL_KEY_UPDATE_NOT_REQUESTED, 1},
                                         key_update_case{"requested", SSL_KEY_UPDATE_REQUESTED, 1},
                                         key_update_case{"requested_five_times", SSL_KEY_UPDATE_REQUESTED, 5}),
                         [](const auto& tested) { return std::string(tested.param.name); });

// With the keys in the kernel a KeyUpdate of the peer is followed for what it sends. When it wants our keys changed as
// well, which the kernel cannot, nothing is sent any more, and what has been said can still be read.
TEST_P(key_update, over_keys_offered_to_the_kernel) {
  const auto identity = tls_identity::make();
  fake_peer peer(identity, [&](peer_connection& p) {
    EXPECT_EQ(p.read_exactly(5), "first");
    for (int i = 0; i < GetParam().times; ++i) {
      EXPECT_EQ(SSL_key_update(p.ssl(), GetParam().kind), 1);
      EXPECT_EQ(SSL_do_handshake(p.ssl()), 1);
      EXPECT_TRUE(p.write("answer"));
    }
    p.drain();
  });
  net_client client(identity.pem);
  auto c = client.connect_offering_keys(peer.port());
  ASSERT_FALSE(c.why) << c.why.text;
  EXPECT_FALSE(run(client.io, send_all(*c.connected, "first")));
  error_code ec;
  std::string expected;
  for (int i = 0; i < GetParam().times; ++i) expected += "answer";
  EXPECT_EQ(run(client.io, receive_exactly(*c.connected, expected.size(), ec)), expected) << ec.message();
  const bool lost = kernel_tls_works() && GetParam().kind == SSL_KEY_UPDATE_REQUESTED;
  EXPECT_EQ(run(client.io, send_all(*c.connected, "second")), lost ? asio::error::connection_aborted : error_code());
  c.connected.reset();
}

// Keys that were offered are taken where a probe says so, and else all is as ever; either way bytes go both ways, under
// every suite and version.
TEST(tls_offered, is_taken_where_the_probe_says_so) {
  const auto identity = tls_identity::make();
  for (const int protocol : {0, TLS1_2_VERSION}) {
    const auto context = identity.server_context(protocol);
    fake_peer peer([&](peer_connection& p) {
      ASSERT_TRUE(p.start_tls(context.get()));
      EXPECT_EQ(p.read_exactly(300'000), std::string(300'000, 'a'));
      EXPECT_TRUE(p.write("answer"));
      p.drain();
    });
    net_client client(identity.pem);
    auto c = client.connect_offering_keys(peer.port());
    ASSERT_FALSE(c.why) << c.why.text;
    EXPECT_EQ(c.connected->takes_files(), kernel_tls_works()) << c.connected->tls().protocol();
    EXPECT_FALSE(run(client.io, send_all(*c.connected, std::string(300'000, 'a'))));
    error_code ec;
    EXPECT_EQ(run(client.io, receive_exactly(*c.connected, 6, ec)), "answer") << ec.message();
    c.connected.reset();
  }
}

// What a server says at once behind its last message of the handshake (tickets, with many) is not lost when keys are
// offered.
TEST(tls_offered, what_arrives_together_with_the_end_of_the_handshake_is_read) {
  const auto identity = tls_identity::make();
  const auto context = identity.server_context();
  fake_peer peer([&](peer_connection& p) {
    ASSERT_TRUE(p.start_tls_and_write(context.get(), "early"));
    EXPECT_TRUE(p.write("late"));
    EXPECT_EQ(p.read_exactly(5), "first");
    p.drain();
  });
  net_client client(identity.pem);
  auto c = client.connect_offering_keys(peer.port());
  ASSERT_FALSE(c.why) << c.why.text;
  error_code ec;
  EXPECT_EQ(run(client.io, receive_exactly(*c.connected, 9, ec)), "earlylate") << ec.message();
  EXPECT_FALSE(run(client.io, send_all(*c.connected, "first")));
  c.connected.reset();
}

// A certificate that does not verify is refused as such when OpenSSL writes to the socket by itself, and a peer that
// hangs up in mid-handshake ends it without a signal.
TEST(tls_offered, fails_as_any_handshake_does) {
  const auto identity = tls_identity::make();
  fake_peer untrusted(identity, [](peer_connection& p) { p.drain(); });
  net_client stranger;
  EXPECT_EQ(stranger.connect_offering_keys(untrusted.port()).why.kind, failure_kind::certificate);
  fake_peer rude([](peer_connection& p) {
    p.read_some();
    p.reset();
  });
  EXPECT_EQ(stranger.connect_offering_keys(rude.port()).why.kind, failure_kind::handshake);
}

// The answer to a KeyUpdate of one connection leaves the unsent bytes of another alone: a block that was given back is
// not written to any more.
TEST(tls, regression_a_key_update_does_not_write_into_a_block_that_is_lent_to_somebody_else) {
  const auto identity = tls_identity::make();
  fake_peer peer(identity, [](peer_connection& p) {
    EXPECT_EQ(p.read_exactly(5), "first");
    for (int i = 0; i < 5; ++i) { // OpenSSL answers each but the last when it comes upon the next
      SSL_key_update(p.ssl(), SSL_KEY_UPDATE_REQUESTED);
      SSL_do_handshake(p.ssl());
      p.write("answer");
    }
    p.drain();
  });
  net_client client(identity.pem);
  auto c = client.connect(scheme::https, peer.port());
  ASSERT_FALSE(c.why) << c.why.text;
  EXPECT_FALSE(run(client.io, send_all(*c.connected, "first")));
  auto lent = client.pool.borrow();
  std::fill_n(lent.get(), block_bytes, 'x');
  error_code ec;
  EXPECT_EQ(run(client.io, receive_exactly(*c.connected, 30, ec)).size(), 30u);
  EXPECT_EQ(std::count(lent.get(), lent.get() + block_bytes, 'x'), static_cast<std::ptrdiff_t>(block_bytes));
  client.pool.give_back(std::move(lent));
  c.connected.reset();
}

// close_notify is the end of what the peer says, and no error.
TEST(tls, close_notify_is_the_end) {
  const auto identity = tls_identity::make();
  fake_peer peer(identity, [](peer_connection& p) {
    p.write("last words");
    p.close_notify();
    p.drain();
  });
  net_client client(identity.pem);
  auto c = client.connect(scheme::https, peer.port());
  ASSERT_FALSE(c.why) << c.why.text;
  error_code ec;
  EXPECT_EQ(run(client.io, receive_exactly(*c.connected, 100, ec)), "last words");
  EXPECT_EQ(ec, asio::error::eof);
  c.connected.reset();
}

// A record that was tampered with ends the session; nothing of it is believed.
TEST(tls, a_garbled_record_ends_the_session) {
  const auto identity = tls_identity::make();
  fake_peer peer(identity, [](peer_connection& p) {
    const std::string garbage = std::string("\x17\x03\x03\x00\x40", 5) + std::string(64, 'g');
    EXPECT_EQ(::send(p.descriptor(), garbage.data(), garbage.size(), MSG_NOSIGNAL), 69);
    p.drain();
  });
  net_client client(identity.pem);
  auto c = client.connect(scheme::https, peer.port());
  ASSERT_FALSE(c.why) << c.why.text;
  error_code ec;
  EXPECT_EQ(run(client.io, receive_exactly(*c.connected, 1, ec)), "");
  EXPECT_EQ(ec, asio::error::connection_aborted);
  c.connected.reset();
}

} // namespace
} // namespace hoist::net
