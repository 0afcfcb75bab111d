#include "wire/response_reader.hpp"

#include <gtest/gtest.h>

namespace hoist::wire {
namespace {

using progress = response_reader::progress;

struct result {
  progress end = progress::need_more;
  response answer;
  std::string rest; ///< not consumed
};

/// Offers `bytes` in pieces of `piece`, what was not consumed again with the next; then, if asked to, the end.
result read(std::string_view bytes, std::size_t piece, bool then_end = false) {
  response_reader reader;
  result r;
  std::string pending;
  while (r.end == progress::need_more && !bytes.empty()) {
    const auto n = std::min(piece, bytes.size());
    pending += bytes.substr(0, n);
    bytes.remove_prefix(n);
    std::size_t consumed = 0;
    r.end = reader.push(pending, consumed);
    EXPECT_LE(consumed, pending.size());
    pending.erase(0, consumed);
    EXPECT_LE(pending.size(), response_head_max + piece) << "what it holds back is bounded";
  }
  if (then_end && r.end == progress::need_more) r.end = reader.push_end();
  r.answer = reader.result();
  r.rest = pending + std::string(bytes);
  EXPECT_EQ(r.end == progress::broken, !reader.why().empty());
  return r;
}

constexpr std::string_view ok = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

/// An answer with a body of two bytes, and such a header before its length.
std::string odd(std::string_view header) {
  return "HTTP/1.1 200 OK\r\n" + std::string(header) + "\r\nContent-Length: 2\r\n\r\nab";
}

struct answer_case {
  const char* name;
  std::string bytes;
  bool then_end;
  int status;
  std::string body;
  bool keep_alive;
};

const std::vector<answer_case>& answers() {
  static const std::vector<answer_case> cases{
      {"empty body", std::string(ok), false, 200, "", true},
      {"length", "HTTP/1.1 403 Forbidden\r\nContent-Length: 5\r\n\r\nhello", false, 403, "hello", true},
      {"no reason phrase", "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", false, 200, "", true},
      {"nor a blank for one", "HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nab", false, 200, "ab", true},
      {"nor a blank, and no header", "HTTP/1.1 204\r\n\r\n", false, 204, "", true},
      {"nor a blank, HTTP/1.0", "HTTP/1.0 500\r\n\r\nuntil the end", true, 500, "until the end", false},
      {"nor a blank, interim",
       "HTTP/1.1 100\r\n\r\nHTTP/1.1 103\r\nLink: </a>\r\n\r\nHTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", false, 200,
       "", true},
      {"reason in UTF-8", "HTTP/1.1 200 Erfüllt ✓\r\nContent-Length: 0\r\n\r\n", false, 200, "", true},
      {"reason with a tab and blanks", "HTTP/1.1 200   all \t right \r\nContent-Length: 0\r\n\r\n", false, 200, "",
       true},
      {"names in any case of letters", "HTTP/1.1 200 OK\r\nCONTENT-LENGTH: 2\r\nconnection: CLOSE\r\n\r\nab", false,
       200, "ab", false},
      {"no blank behind the colon", "HTTP/1.1 200 OK\r\nContent-Length:2\r\nX:\r\n\r\nab", false, 200, "ab", true},
      {"folded header", "HTTP/1.1 200 OK\r\nX: a\r\n  b\r\nContent-Length: 2\r\n\r\nab", false, 200, "ab", true},
      {"one length twice", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nab", false, 200, "ab",
       true},
      {"one length as a list", "HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nab", false, 200, "ab", true},
      {"chunk extensions",
       "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n2 ; a=\"b;c\" ;d\r\nab\r\n0;e\r\nT: 1\r\nU: 2\r\n\r\n",
       false, 200, "ab", true},
      {"empty encoding", "HTTP/1.1 200 OK\r\nContent-Encoding:\r\nContent-Length: 2\r\n\r\nab", false, 200, "ab", true},
      {"close", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nab", false, 200, "ab", false},
      {"Connection with a parameter", odd("Connection: keep-alive; timeout=5"), false, 200, "ab", true},
      {"Connection with Keep-Alive's words", odd("CONNECTION: Keep-Alive, timeout=5"), false, 200, "ab", true},
      {"Connection of two words", odd("Connection:foo bar"), false, 200, "ab", true},
      {"Connection of another name's end", odd("Connection: enclose; not-close=close"), false, 200, "ab", true},
      {"Connection: close in quotes", odd("Connection: \"close\""), false, 200, "ab", false},
      {"Connection: close with a parameter", odd("Connection: x=1;Close"), false, 200, "ab", false},
      {"Connection: close behind a blank", odd("Connection: keep-alive close"), false, 200, "ab", false},
      {"Connection: close in a folded line", odd("Connection: foo bar,\r\n\tclose"), false, 200, "ab", false},
      {"Proxy-Connection with a parameter", odd("Proxy-Connection: x; y"), false, 200, "ab", true},
      {"Proxy-Connection: close with a parameter", odd("Proxy-Connection: close; y"), false, 200, "ab", false},
      {"two odd ones", odd("Connection: foo bar\r\nConnection: close; x\r\nproxy-connection: a=b"), false, 200, "ab",
       false},
      {"an odd and a plain one", odd("Connection: foo bar\r\nConnection: close"), false, 200, "ab", false},
      {"a plain and an odd one", odd("Connection: close\r\nConnection: keep-alive; timeout=5"), false, 200, "ab",
       false},
      {"an odd one is no other header", odd("Connection: Content-Length: 1"), false, 200, "ab", true},
      {"odd, last", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: a b\r\n\r\nab", false, 200, "ab", true},
      {"odd, no reason phrase", "HTTP/1.1 200\r\nConnection: a b\r\nContent-Length: 2\r\n\r\nab", false, 200, "ab",
       true},
      {"odd, HTTP/1.0", "HTTP/1.0 200 OK\r\nConnection: keep-alive; a\r\nContent-Length: 2\r\n\r\nab", false, 200, "ab",
       false},
      {"odd, interim", "HTTP/1.1 103 Hints\r\nConnection: a b, close\r\n\r\n" + odd("Connection: c d"), false, 200,
       "ab", true},
      {"odd, chunked", "HTTP/1.1 200 OK\r\nConnection: a b\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
       false, 200, "a", true},
      {"odd, until the end", "HTTP/1.1 200 OK\r\nConnection: a b\r\n\r\nall", true, 200, "all", false},
      {"no length until close", "HTTP/1.1 500 Oops\r\n\r\nuntil the end", true, 500, "until the end", false},
      {"HTTP/1.0", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nab", false, 200, "ab", false},
      {"chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n", false,
       200, "abcde", true},
      {"chunked with trailer", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-T: 1\r\n\r\n",
       false, 200, "a", true},
      {"204", "HTTP/1.1 204 No Content\r\n\r\n", false, 204, "", true},
      {"continue first", "HTTP/1.1 100 Continue\r\n\r\n" + std::string(ok), false, 200, "", true},
      {"several interim ones",
       "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" +
           std::string(ok),
       false, 200, "", true},
      {"identity", "HTTP/1.1 200 OK\r\nContent-Encoding: identity\r\nContent-Length: 2\r\n\r\nab", false, 200, "ab",
       true},
  };
  return cases;
}

// An answer means the same however it is cut: at once, in pieces of every size, byte by byte.
TEST(response_reader, answers_in_pieces_of_every_size) {
  for (const auto& c : answers())
    for (std::size_t piece = 1; piece <= c.bytes.size(); ++piece) {
      const auto r = read(c.bytes, piece, c.then_end);
      ASSERT_EQ(static_cast<int>(r.end), static_cast<int>(progress::complete)) << c.name << " in " << piece;
      ASSERT_EQ(r.answer.status, c.status) << c.name << " in " << piece;
      ASSERT_EQ(r.answer.body, c.body) << c.name << " in " << piece;
      ASSERT_EQ(r.answer.keep_alive, c.keep_alive) << c.name << " in " << piece;
      ASSERT_EQ(r.rest, "") << c.name << " in " << piece;
    }
}

// Likewise cut into two at every byte, with the next answer behind it: that one is not touched.
TEST(response_reader, split_at_every_byte_and_leftovers_stay) {
  for (const auto& c : answers()) {
    if (c.then_end) continue;
    const std::string next = "HTTP/1.1 404 Not Found\r\nContent-Length: 1\r\n\r\nx";
    for (std::size_t cut = 0; cut <= c.bytes.size(); ++cut) {
      response_reader reader;
      std::size_t consumed = 0, taken = 0;
      auto end = reader.push(std::string_view(c.bytes).substr(0, cut), consumed);
      taken = consumed;
      std::string all = c.bytes + next;
      if (end == progress::need_more) {
        end = reader.push(std::string_view(all).substr(taken), consumed);
        taken += consumed;
      }
      ASSERT_EQ(static_cast<int>(end), static_cast<int>(progress::complete)) << c.name << " at " << cut;
      ASSERT_EQ(taken, c.bytes.size()) << c.name << " at " << cut;
      reader.reset();
      ASSERT_EQ(static_cast<int>(reader.push(std::string_view(all).substr(taken), consumed)),
                static_cast<int>(progress::complete));
      ASSERT_EQ(reader.result().status, 404);
      ASSERT_EQ(reader.result().body, "x");
    }
  }
}

// The few headers that decisions need are kept, in any case of letters; those of an interim answer are not.
TEST(response_reader, headers) {
  const auto r = read("HTTP/1.1 103 Early Hints\r\nRetry-After: 99\r\nETag: \"old\"\r\nx-amz-request-id: OLD\r\n\r\n"
                      "HTTP/1.1 503 Slow Down\r\ndate: Sun, 06 Nov 1994 08:49:37 GMT\r\nX-AMZ-Request-Id: R1\r\n"
                      "x-amz-server-side-encryption: aws:kms\r\netag: \"ab\"\r\nlocation: "
                      "https://h/p?q\r\nx-amz-error-code: SlowDown\r\n"
                      "Content-Length: 0\r\n\r\n",
                      7);
  EXPECT_EQ(r.answer.status, 503);
  EXPECT_EQ(r.answer.date, "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(r.answer.request_id, "R1");
  EXPECT_EQ(r.answer.encryption, "aws:kms");
  EXPECT_EQ(r.answer.etag, "\"ab\"");
  EXPECT_EQ(r.answer.location, "https://h/p?q");
  EXPECT_EQ(r.answer.error_code, "SlowDown");
  EXPECT_EQ(r.answer.retry_after, "");
}

struct encoded_case {
  const char* name;
  std::string bytes;
  bool encoded;
};

// An encoding matters only where there is something to decode; what follows is for those to say who need the body.
TEST(response_reader, encodings) {
  const auto with = [](std::string headers, std::string body) {
    return "HTTP/1.1 200 OK\r\n" + headers + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  };
  const encoded_case cases[] = {
      {"none", with("", "ab"), false},
      {"gzip", with("Content-Encoding: gzip\r\n", "ab"), true},
      {"gzip of nothing", with("Content-Encoding: gzip\r\n", ""), false},
      {"brotli of nothing", with("Content-Encoding: br\r\n", ""), false},
      {"gzip of no chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Encoding: gzip\r\n\r\n0\r\n\r\n",
       false},
      {"gzip, chunked",
       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Encoding: gzip\r\n\r\n2\r\nab\r\n0\r\n\r\n", true},
      {"gzip without a body", "HTTP/1.1 204 No Content\r\nContent-Encoding: gzip\r\n\r\n", false},
      {"identity", with("Content-Encoding: Identity\r\n", "ab"), false},
      {"empty", with("Content-Encoding: \r\n", "ab"), false},
      {"two times identity", with("Content-Encoding: identity, identity\r\n", "ab"), false},
      {"identity and gzip", with("Content-Encoding: identity, gzip\r\n", "ab"), true},
      {"a second one does not take the first back",
       with("Content-Encoding: gzip\r\nContent-Encoding: identity\r\n", "ab"), true},
      {"nor the other way round", with("Content-Encoding: identity\r\nContent-Encoding: gzip\r\n", "ab"), true},
      {"transfer coding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n", true},
      {"on an interim answer", "HTTP/1.1 103 Early Hints\r\nContent-Encoding: gzip\r\n\r\n" + with("", "ab"), false},
  };
  for (const auto& c : cases) {
    const auto r = read(c.bytes, 1000);
    EXPECT_EQ(static_cast<int>(r.end), static_cast<int>(progress::complete)) << c.name;
    EXPECT_EQ(r.answer.encoded, c.encoded) << c.name;
  }
}

// A connection on which somebody might see another end of the answer than we do carries no further one; nor does that
// of a 421.
TEST(response_reader, connections_that_are_not_kept) {
  for (const char* bytes : {"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n",
                            "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
                            "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n",
                            "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                            "HTTP/1.1 421 Misdirected Request\r\nContent-Length: 0\r\n\r\n"}) {
    const auto r = read(bytes, 1000);
    EXPECT_EQ(static_cast<int>(r.end), static_cast<int>(progress::complete)) << bytes;
    EXPECT_FALSE(r.answer.keep_alive) << bytes;
  }
  EXPECT_TRUE(read("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", 1000).answer.keep_alive);
  EXPECT_TRUE(read("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n", 1000).answer.keep_alive);
}

struct head_case {
  const char* name;
  std::string bytes;
  int status;
  std::optional<std::uint64_t> length;
  bool keep_alive;
};

// The answer to a HEAD ends with its head, whatever that says of a body; what it says is told. Cut at every byte, with
// the next answer, which has its body again, right behind it.
TEST(response_reader, answers_to_head) {
  const head_case cases[] = {
      {"length", "HTTP/1.1 200 OK\r\nContent-Length: 104857600\r\n\r\n", 200, 104'857'600, true},
      {"more than fits into 32 bits", "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551614\r\n\r\n", 200,
       18446744073709551614u, true},
      {"empty", std::string(ok), 200, 0, true},
      {"no length", "HTTP/1.1 200 OK\r\n\r\n", 200, std::nullopt, true},
      {"not found", "HTTP/1.1 404 Not Found\r\nContent-Length: 300\r\nContent-Type: application/xml\r\n\r\n", 404, 300,
       true},
      {"redirect", "HTTP/1.1 307 Temporary Redirect\r\nLocation: https://elsewhere/\r\nContent-Length: 5\r\n\r\n", 307,
       5, true},
      {"chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 200, std::nullopt, true},
      {"encoded", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 7\r\n\r\n", 200, 7, true},
      {"close", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 7\r\n\r\n", 200, 7, false},
      {"HTTP/1.0", "HTTP/1.0 200 OK\r\nContent-Length: 7\r\n\r\n", 200, 7, false},
      {"interim first",
       "HTTP/1.1 103 Early Hints\r\nContent-Length: 9\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n", 200, 7,
       true},
  };
  for (const auto& c : cases) {
    const std::string all = c.bytes + "HTTP/1.1 404 Not Found\r\nContent-Length: 1\r\n\r\nx";
    for (std::size_t cut = 0; cut <= c.bytes.size(); ++cut) {
      response_reader reader;
      reader.expect_no_body();
      std::size_t consumed = 0;
      auto end = reader.push(std::string_view(all).substr(0, cut), consumed);
      std::size_t taken = consumed;
      if (end == progress::need_more) {
        end = reader.push(std::string_view(all).substr(taken), consumed);
        taken += consumed;
      }
      ASSERT_EQ(static_cast<int>(end), static_cast<int>(progress::complete)) << c.name << " at " << cut;
      ASSERT_EQ(taken, c.bytes.size()) << c.name << " at " << cut;
      EXPECT_EQ(reader.result().status, c.status) << c.name << " at " << cut;
      EXPECT_EQ(reader.result().content_length, c.length) << c.name << " at " << cut;
      EXPECT_EQ(reader.result().keep_alive, c.keep_alive) << c.name << " at " << cut;
      EXPECT_EQ(reader.result().body, "") << c.name << " at " << cut;
      reader.reset();
      EXPECT_EQ(reader.result().content_length, std::nullopt);
      ASSERT_EQ(static_cast<int>(reader.push(std::string_view(all).substr(taken), consumed)),
                static_cast<int>(progress::complete));
      EXPECT_EQ(reader.result().body, "x") << c.name << " at " << cut;
    }
    for (std::size_t n = 1; n < c.bytes.size(); ++n) {
      response_reader reader;
      reader.expect_no_body();
      std::size_t consumed = 0;
      reader.push(std::string_view(c.bytes).substr(0, n), consumed);
      EXPECT_EQ(static_cast<int>(reader.push_end()), static_cast<int>(progress::broken)) << c.name << " ends at " << n;
    }
  }
}

// The declared length is told of every answer; of one without, nothing, not zero.
TEST(response_reader, content_length) {
  EXPECT_EQ(read("HTTP/1.1 403 Forbidden\r\nContent-Length: 5\r\n\r\nhello", 1000).answer.content_length, 5u);
  EXPECT_EQ(read(ok, 1000).answer.content_length, 0u);
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 1000).answer.content_length,
            std::nullopt);
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\n\r\nall", 1000, true).answer.content_length, std::nullopt);
}

struct broken_case {
  const char* name;
  std::string bytes;
};

// What is no HTTP/1.1 answer that we accept is broken: garbage, switched protocols, and whatever leaves the end of an
// answer in doubt.
TEST(response_reader, broken) {
  const std::string chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n";
  std::string many_odd;
  for (int i = 0; i < 7; ++i) many_odd += "Connection: a b\r\n";
  const broken_case cases[] = {
      {"garbage", "\x16\x03\x01\x02 not http at all\r\n\r\n"},
      {"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
      {"a request", "GET / HTTP/1.1\r\nHost: h\r\n\r\n"},
      {"HTTP/2", "HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n"},
      {"status of letters", "HTTP/1.1 abc OK\r\n\r\n"},
      {"status of two digits", "HTTP/1.1 20 OK\r\n\r\n"},
      {"101", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n"},
      {"header without colon", "HTTP/1.1 200 OK\r\nnonsense\r\n\r\n"},
      {"space in a header name", "HTTP/1.1 200 OK\r\nx y: 1\r\n\r\n"},
      {"two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"},
      {"negative length", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"},
      {"length of letters", "HTTP/1.1 200 OK\r\nContent-Length: 5x\r\n\r\nhello"},
      {"huge length", "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n"},
      {"length and chunks", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
      {"chunk size of letters", chunked + "\r\nzz\r\nabc\r\n0\r\n\r\n"},
      {"chunk size overflows", chunked + "\r\nfffffffffffffffffff\r\na"},
      {"chunk without its end", chunked + "\r\n1\r\nabc\r\n0\r\n\r\n"},
      {"chunks and length", chunked + "Content-Length: 3\r\n\r\n0\r\n\r\n"},
      {"another coding and length", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\nContent-Length: 2\r\n\r\nab"},
      {"no coding and length", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: identity\r\n\r\nab"},
      {"chunked twice", chunked + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
      {"two lengths in a list", "HTTP/1.1 200 OK\r\nContent-Length: 1, 2\r\n\r\nab"},
      {"empty length", "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n"},
      {"length with a sign", "HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\na"},
      {"length with an empty element", "HTTP/1.1 200 OK\r\nContent-Length: 1,\r\n\r\na"},
      {"blank before the colon", "HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n"},
      {"header without a name", "HTTP/1.1 200 OK\r\n: x\r\n\r\n"},
      {"bare line feed behind a bare status", "HTTP/1.1 200\nContent-Length: 0\n\n"},
      {"bare carriage return", "HTTP/1.1 200\rX\r\n\r\n"},
      {"no blank before a reason", "HTTP/1.1 200OK\r\n\r\n"},
      {"bare status of four digits", "HTTP/1.1 2000\r\n\r\n"},
      {"bare status of HTTP/2", "HTTP/2.0 200\r\n\r\n"},
      {"bare status below 100", "HTTP/1.1 099\r\n\r\n"},
      {"control in the reason", "HTTP/1.1 200 O\x01K\r\n\r\n"},
      {"line end before it", "\r\nHTTP/1.1 200 OK\r\n\r\n"},
      {"length in a trailer", chunked + "\r\n1\r\na\r\n0\r\nContent-Length: 3\r\n\r\n"},
      {"odd Connection with a control", odd("Connection: keep-alive; a\x01z")},
      {"odd Connection with a line feed", odd("Connection: a b\nX: c")},
      {"odd Connection with a carriage return", odd("Connection: a b\rX: c")},
      {"odd Connection, blank before the colon", odd("Connection : a b")},
      {"odd Connection that switches", "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade; a\r\n\r\n"},
      {"odd Connection before two lengths", odd("Connection: a b\r\nContent-Length: 1")},
      {"odd Connection before a coding", odd("Connection: a b\r\nTransfer-Encoding: chunked")},
      {"odd Connection before a bad header", odd("Connection: a b\r\nx y: 1")},
      {"odd Connection in a trailer", chunked + "\r\n1\r\na\r\n0\r\nConnection: a b\r\n\r\n"},
      {"nine odd Connections", odd("Connection: a b\r\n" + many_odd + "Connection: a b")},
      {"control in another header", odd("X: a\x01z")},
      {"padded chunk size", chunked + "\r\n1   \r\na\r\n0\r\n\r\n"},
  };
  for (const auto& c : cases)
    for (const std::size_t piece : {c.bytes.size(), std::size_t{1}})
      EXPECT_EQ(static_cast<int>(read(c.bytes, piece).end), static_cast<int>(progress::broken))
          << c.name << ' ' << piece;
}

// A line feed alone ends no line: where one does not, another that is between us and the peer may see two answers.
TEST(response_reader, bare_line_feeds) {
  EXPECT_EQ(static_cast<int>(read("HTTP/1.1 200 OK\nContent-Length: 0\n\n", 1000).end),
            static_cast<int>(progress::broken));
  EXPECT_EQ(static_cast<int>(read("HTTP/1.1 200 OK\r\nX: a\nContent-Length: 0\r\n\r\n", 1000).end),
            static_cast<int>(progress::broken));
}

// An answer cut short by the peer is broken, at every byte.
TEST(response_reader, cut_short) {
  for (const auto& c : answers()) {
    if (c.then_end) continue;
    for (std::size_t n = 1; n < c.bytes.size(); ++n) {
      const std::string begun = c.bytes.substr(0, n);
      if (begun.starts_with("HTTP/1.1 10") && begun.ends_with("\r\n\r\n")) continue; // see the next test
      EXPECT_EQ(static_cast<int>(read(begun, 1000, true).end), static_cast<int>(progress::broken))
          << c.name << " at " << n;
    }
  }
}

// A peer that closes after an interim answer, or before anything, gave no answer: broken, not a whole one of status 0.
TEST(response_reader, regression_closed_before_the_answer) {
  for (const char* begun :
       {"HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n", ""}) {
    response_reader reader;
    std::size_t consumed = 0;
    reader.push(begun, consumed);
    EXPECT_EQ(static_cast<int>(reader.push_end()), static_cast<int>(progress::broken)) << begun;
  }
}

// A status code begins at 100: "002" is no answer, however well formed its line is.
TEST(response_reader, regression_status_below_100) {
  for (const char* status : {"000", "002", "099"}) {
    const auto r = read("HTTP/1.1 " + std::string(status) + " Odd\r\nContent-Length: 0\r\n\r\n", 1000);
    EXPECT_EQ(static_cast<int>(r.end), static_cast<int>(progress::broken)) << status;
  }
}

// What comes behind the body is no header of it, whatever it is called.
TEST(response_reader, regression_trailers_are_no_headers) {
  const auto r = read("HTTP/1.1 200 OK\r\nETag: \"head\"\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n"
                      "ETag: \"trailer\"\r\nContent-Encoding: gzip\r\nRetry-After: 9\r\n\r\n",
                      1000);
  EXPECT_EQ(static_cast<int>(r.end), static_cast<int>(progress::complete));
  EXPECT_EQ(r.answer.etag, "\"head\"");
  EXPECT_EQ(r.answer.retry_after, "");
}

// A chunk's first line that never ends is refused as soon as it is longer than a head may be.
TEST(response_reader, regression_endless_line_in_a_chunked_body) {
  const std::string start = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const std::string chunk : {"5;", "0\r\nTrailer: "})
    for (const std::size_t piece : {std::size_t{100'000}, std::size_t{1000}})
      EXPECT_EQ(static_cast<int>(read(start + chunk + std::string(40'000, 'x'), piece).end),
                static_cast<int>(progress::broken))
          << chunk;
}

// A head over 16 KiB is refused in one piece and in many: long lines, many lines, no line end at all.
TEST(response_reader, long_heads) {
  const std::string start = "HTTP/1.1 200 OK\r\n";
  std::string many = start;
  while (many.size() < 40'000) many += "X-Header: value\r\n";
  const broken_case cases[] = {
      {"one long line", start + "X: " + std::string(40'000, 'v') + "\r\nContent-Length: 0\r\n\r\n"},
      {"many lines", many + "Content-Length: 0\r\n\r\n"},
      {"endless status line", "HTTP/1.1 200 " + std::string(40'000, 'x')},
      {"endless header", start + "X: " + std::string(40'000, 'v')},
      {"endless headers", many},
  };
  for (const auto& c : cases)
    for (const std::size_t piece : {c.bytes.size(), std::size_t{1000}, std::size_t{16'384}})
      EXPECT_EQ(static_cast<int>(read(c.bytes, piece).end), static_cast<int>(progress::broken))
          << c.name << ' ' << piece;
  const std::string fits = start + "X: " + std::string(15'000, 'v') + "\r\nContent-Length: 0\r\n\r\n";
  for (const std::size_t piece : {fits.size(), std::size_t{1000}})
    EXPECT_EQ(static_cast<int>(read(fits, piece).end), static_cast<int>(progress::complete)) << piece;
}

// Eight interim answers are skipped, a ninth is too many, whatever follows.
TEST(response_reader, interim_answers_are_counted) {
  std::string bytes;
  for (int n = 0; n <= 20; ++n, bytes += "HTTP/1.1 103 Early Hints\r\n\r\n")
    for (const std::size_t piece : {std::size_t{100'000}, std::size_t{13}})
      EXPECT_EQ(static_cast<int>(read(bytes + std::string(ok), piece).end),
                static_cast<int>(n <= interim_responses_max ? progress::complete : progress::broken))
          << n;
}

// Of a body 64 KiB are kept; more completes the answer without draining it, and the connection is not used again.
TEST(response_reader, long_bodies) {
  for (const std::size_t bytes :
       {response_body_max - 1, response_body_max, response_body_max + 1, std::size_t{300'000}}) {
    const bool fits = bytes <= response_body_max;
    const std::string head = "HTTP/1.1 500 Oops\r\nContent-Length: " + std::to_string(bytes) + "\r\n\r\n";
    for (const std::size_t piece : {std::size_t{1'000'000}, std::size_t{4096}}) {
      const auto r = read(head + std::string(bytes, 'b'), piece);
      EXPECT_EQ(static_cast<int>(r.end), static_cast<int>(progress::complete)) << bytes;
      EXPECT_EQ(r.answer.body.size(), std::min(bytes, response_body_max)) << bytes;
      EXPECT_EQ(r.answer.keep_alive, fits) << bytes;
    }
  }
  const auto endless = read("HTTP/1.1 500 Oops\r\n\r\n" + std::string(1 << 20, 'b'), 4096);
  EXPECT_EQ(static_cast<int>(endless.end), static_cast<int>(progress::complete));
  EXPECT_FALSE(endless.answer.keep_alive);
}

// After `reset` nothing of the answer before is left.
TEST(response_reader, reset) {
  response_reader reader;
  std::size_t consumed = 0;
  reader.push("HTTP/1.1 503 Slow Down\r\nRetry-After: 7\r\nETag: \"x\"\r\nContent-Length: 3\r\n\r\nab", consumed);
  EXPECT_TRUE(reader.head_done());
  EXPECT_EQ(reader.result().status, 503);
  reader.reset();
  EXPECT_FALSE(reader.head_done());
  EXPECT_EQ(static_cast<int>(reader.push(ok, consumed)), static_cast<int>(progress::complete));
  EXPECT_EQ(reader.result().status, 200);
  EXPECT_EQ(reader.result().retry_after, "");
  EXPECT_EQ(reader.result().etag, "");
  EXPECT_EQ(reader.result().body, "");
}

// Behind an odd Connection every header is read as ever, of the same letters those too that come close to its name.
TEST(response_reader, headers_behind_an_odd_connection) {
  const auto r = read(odd("onnection: close\r\nETag: \"a\"\r\nConnection: a b\r\nonnection: close\r\nRetry-After: 7\r\n"
                          "Content-Encoding: gzip"),
                      1);
  EXPECT_EQ(static_cast<int>(r.end), static_cast<int>(progress::complete));
  EXPECT_EQ(r.answer.etag, "\"a\"");
  EXPECT_EQ(r.answer.retry_after, "7");
  EXPECT_TRUE(r.answer.encoded);
  EXPECT_TRUE(r.answer.keep_alive);
}

// Random bytes, also behind a good beginning, are need_more, complete or broken, and nothing worse.
TEST(response_reader, random_bytes) {
  std::uint64_t state = 1;
  const auto next = [&] { return state = state * 6364136223846793005u + 1442695040888963407u, state >> 33; };
  for (int round = 0; round < 3000; ++round) {
    std::string bytes(ok.substr(0, 1 + next() % (ok.size() - 1)));
    for (auto n = next() % 60; n > 0; --n) bytes += static_cast<char>(next());
    read(bytes, 1 + next() % 40, true);
  }
}

} // namespace
} // namespace hoist::wire
