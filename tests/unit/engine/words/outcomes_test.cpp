#include "engine/words/outcomes.hpp"

#include "engine/words/redaction.hpp"

#include <gtest/gtest.h>

#include <cerrno>

namespace hoist::engine {
namespace {

using core::millis;
using core::outcome_kind;
using enum outcome_kind;

const core::wall_time our_clock{millis{784111777000}}; // Sun, 06 Nov 1994 08:49:37 GMT

wire::response answer(int status, std::string body = "", std::string retry_after = "", std::string date = "") {
  wire::response r;
  r.status = status;
  r.body = std::move(body);
  r.retry_after = std::move(retry_after);
  r.date = std::move(date);
  return r;
}

struct answer_case {
  const char* name;
  wire::response given;
  std::optional<outcome_kind> expected;
};

void expect_kind(const char* name, const std::optional<verdict>& got, std::optional<outcome_kind> expected) {
  EXPECT_EQ(got ? std::optional(got->what.kind) : std::nullopt, expected) << name;
}

// The API's answers and what they say; bodies that are empty, `{}` or HTML change nothing.
TEST(outcomes, presign_answers) {
  const answer_case cases[] = {
      {"200", answer(200), {}},
      {"201", answer(201, "{}"), {}},
      {"204", answer(204), {}},
      {"400", answer(400, R"({"error":"content_type is required"})"), rejected},
      {"401", answer(401, R"({"error":"Invalid or missing API key"})"), key_refused},
      {"401, {}", answer(401, "{}"), key_refused},
      {"429", answer(429), throttled},
      {"500", answer(500, R"({"error":"Failed to generate presigned URL"})"), transient},
      {"502, HTML", answer(502, "<html>"), gateway},
      {"408", answer(408), transient},
  };
  for (const auto& c : cases) {
    const auto v = of_presign_answer(c.given, our_clock);
    expect_kind(c.name, v, c.expected);
    if (!v) continue;
    EXPECT_EQ(v->details.where, phase::presign) << c.name;
    EXPECT_EQ(v->details.http_status, c.given.status) << c.name;
    EXPECT_FALSE(v->details.message.empty()) << c.name;
  }
  EXPECT_EQ(of_presign_answer(cases[3].given, our_clock)->details.server_message, "content_type is required");
}

// The storage's answers: S3's code decides before the status; a 200 that carries an error is none.
TEST(outcomes, put_answers) {
  const answer_case cases[] = {
      {"200", answer(200), {}},
      {"200 with text", answer(200, "stored"), {}},
      {"201", answer(201), {}},
      {"204", answer(204), {}},
      {"206 with a page", answer(206, "<html>Error</html>"), {}},
      {"200 with an error", answer(200, "<Error><Code>InternalError</Code></Error>"), transient},
      {"200 with an error that nobody knows", answer(200, "<Error><Code>X</Code></Error>"), transient},
      {"201 that throttles", answer(201, "<Error><Code>SlowDown</Code></Error>"), throttled},
      {"200 that refuses", answer(200, "<Error><Code>AccessDenied</Code></Error>"), refused},
      {"200 that speaks of an error", answer(200, "<Result><Error><Code>X</Code></Error></Result>"), {}},
      {"200 with an error without a code", answer(200, "<Error/>"), {}},
      {"403 within another element", answer(403, "<ErrorResponse><Error><Code>SlowDown</Code></Error></ErrorResponse>"),
       throttled},
      {"403 expired", answer(403, "<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>"),
       refused},
      {"400 RequestTimeout", answer(400, "<Error><Code>RequestTimeout</Code></Error>"), transient},
      {"400 EntityTooLarge", answer(400, "<Error><Code>EntityTooLarge</Code></Error>"), rejected},
      {"400 BadDigest", answer(400, "<Error><Code>BadDigest</Code></Error>"), digest_mismatch},
      {"503 SlowDown", answer(503, "<Error><Code>SlowDown</Code></Error>"), throttled},
      {"503, HTML", answer(503, "<html>"), unavailable},
      {"403, nothing", answer(403), refused},
      {"307", answer(307), refused},
      {"413", answer(413), rejected},
  };
  for (const auto& c : cases) {
    const auto v = of_put_answer(c.given, our_clock);
    expect_kind(c.name, v, c.expected);
    if (!v) continue;
    EXPECT_EQ(v->details.where, phase::put) << c.name;
    EXPECT_EQ(v->details.http_status, c.given.status) << c.name;
  }
}

// An error in a 200 is seen with a namespace or a declaration as well.
TEST(outcomes, regression_errors_in_a_200) {
  for (const char* body :
       {"<?xml version=\"1.0\"?>\n<Error><Code>InternalError</Code></Error>",
        "<Error xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Code>InternalError</Code></Error>",
        "<Error ><Code>InternalError</Code></Error>"})
    expect_kind(body, of_put_answer(answer(200, body), our_clock), transient);
}

// Some storages repeat the code in a header, which counts when the body has none.
TEST(outcomes, storage_code_of_a_header) {
  auto given = answer(503);
  given.error_code = "ServerBusy";
  expect_kind("header", of_put_answer(given, our_clock), throttled);
  given.body = "<Error><Code>InternalError</Code></Error>";
  EXPECT_EQ(of_put_answer(given, our_clock)->details.storage_code, "InternalError");
  given.body.clear();
  given.error_code = std::string(10'000, 'a');
  EXPECT_LE(of_put_answer(given, our_clock)->details.storage_code.size(), 128u);
  given.status = 200;
  expect_kind("stored", of_put_answer(given, our_clock), {});
}

// An encoded body is in nobody's way where it is not needed: a refusal is one by its status, a stored file is stored. A
// reply is needed, unless it can be read all the same.
TEST(outcomes, encoded_bodies) {
  auto given = answer(200, "\x1f\x8b\x08 {");
  given.encoded = true;
  expect_kind("stored", of_put_answer(given, our_clock), {});
  expect_kind("a ticket", of_presign_answer(given, our_clock), garbled);
  EXPECT_NE(of_presign_answer(given, our_clock)->details.message.find("Content-Encoding"), std::string::npos);
  given.body = "\xef\xbb\xbf\n{\"id\":";
  expect_kind("plain, whatever its header says", of_presign_answer(given, our_clock), {});
  given.body = "\x1f\x8b\x08";
  given.status = 401;
  expect_kind("the key", of_presign_answer(given, our_clock), key_refused);
  given.status = 403;
  expect_kind("a refusal", of_put_answer(given, our_clock), refused);
}

struct words_case {
  const char* name;
  wire::response given;
  bool put;
  std::vector<std::string_view> told;
  std::string_view kept_back = "\x01"; ///< what may not be told
};

wire::response redirect(std::string location) {
  auto r = answer(302);
  r.location = std::move(location);
  return r;
}

// The sentence tells what a person can do something about: a size limit, where a redirect leads, that a web page came.
TEST(outcomes, words) {
  const words_case cases[] = {
      {"too large", answer(413), true, {"413", "the file's 1234 bytes", "size limit"}},
      {"too large, S3",
       answer(400, "<Error><Code>EntityTooLarge</Code></Error>"),
       true,
       {"EntityTooLarge", "1234 bytes"}},
      {"too large, the API", answer(413), false, {"413", "size limit"}, "1234"},
      {"redirect",
       redirect("https://Elsewhere.example:8443/a?token=secret#f"),
       true,
       {"302", "redirects to https://elsewhere.example:8443,", "not followed"},
       "secret"},
      {"redirect with a user", redirect("https://u:secret@h/"), true, {"302", "not followed"}, "secret"},
      {"redirect at home",
       redirect("/login?next=secret"),
       false,
       {"redirects to /login on the same host", "not followed"},
       "secret"},
      {"redirect to nowhere", redirect(""), false, {"redirects, and"}},
      {"redirect with odd bytes", redirect("/\xff\x7f"), false, {"/\\xff\\x7f on"}},
      {"web page",
       answer(404, "<html><title>404 Not Found</title></html>"),
       false,
       {"404 with a web page: \"404 Not Found\""}},
      {"web page with odd bytes",
       answer(502, "<html><title>a\x1b[2Jb</title></html>"),
       true,
       {": \"a\\x1b[2Jb\""},
       "\x1b"},
      {"login",
       answer(403, "<html><title>Sign in</title><input type=\"password\">"),
       false,
       {"a login page: \"Sign in\""}},
      {"wrong secret",
       answer(403, "<Error><Code>SignatureDoesNotMatch</Code></Error>"),
       true,
       {"the API signs with a wrong secret"}},
      {"wrong key", answer(403, "<Error><Code>InvalidAccessKeyId</Code></Error>"), true, {"the API signs with a key"}},
  };
  for (const auto& c : cases) {
    const auto v = c.put ? of_put_answer(c.given, our_clock, 1234) : of_presign_answer(c.given, our_clock);
    ASSERT_TRUE(v) << c.name;
    for (const auto told : c.told)
      EXPECT_NE(v->details.message.find(told), std::string::npos) << c.name << ": " << v->details.message;
    EXPECT_EQ(v->details.message.find(c.kept_back), std::string::npos) << c.name << ": " << v->details.message;
  }
}

struct sentence_case {
  const char* name;
  wire::response given;
  bool put;
  std::string_view expected;
};

wire::response moved(std::string_view endpoint, std::string location = "") {
  auto r = answer(301, "<Error><Code>PermanentRedirect</Code><Message>Use the endpoint.</Message><Endpoint>" +
                           std::string(endpoint) + "</Endpoint></Error>");
  r.location = std::move(location);
  return r;
}

// Whole sentences: the storage's code stands behind the status, and what the server says ends them.
TEST(outcomes, sentences) {
  const std::string nowhere = "the storage answered 301 (PermanentRedirect): it redirects, and redirects are not "
                              "followed: \"Use the endpoint.\"";
  const std::string long_error = R"({"error":")" + std::string(200, 'a') + "\"}";
  const std::string long_sentence = "the API answered 400: \"" + std::string(120, 'a') + "...\"";
  const sentence_case cases[] = {
      {"an API's words", answer(402, R"({"error":"quota exceeded"})"), false,
       "the API answered 402: \"quota exceeded\""},
      {"no words", answer(402, "{}"), false, "the API answered 402"},
      {"blank words", answer(402, R"({"error":" \n"})"), false, "the API answered 402"},
      {"words among blanks", answer(402, R"({"error":"\n no\t"})"), false, "the API answered 402: \"no\""},
      {"long words", answer(400, long_error), false, long_sentence},
      {"words with controls", answer(400, R"({"error":"a\u001b[2J\nb"})"), false,
       "the API answered 400: \"a\\x1b[2J\\x0ab\""},
      {"the key", answer(401, R"({"error":"Invalid or missing API key"})"), false,
       "the API refused the key (401); check that it is right and not revoked: \"Invalid or missing API key\""},
      {"too large", answer(413, R"({"message":"Payload Too Large"})"), false,
       "the API answered 413: over a size limit there: \"Payload Too Large\""},
      {"S3's code", answer(403, "<Error><Code>AccessDenied</Code></Error>"), true,
       "the storage answered 403 (AccessDenied)"},
      {"S3's code and words",
       answer(503, "<Error><Code>SlowDown</Code><Message>Reduce your request rate.</Message></Error>"), true,
       "the storage answered 503 (SlowDown): \"Reduce your request rate.\""},
      {"what S3's code means", answer(403, "<Error><Code>RequestTimeTooSkewed</Code><Message>m</Message></Error>"),
       true, "the storage answered 403 (RequestTimeTooSkewed): the clocks of the API and of the storage differ: \"m\""},
      {"an imitator's JSON", answer(507, R"({"error":"disk full"})"), true, "the storage answered 507: \"disk full\""},
      {"S3's endpoint", moved("B.s3-eu-west-1.amazonaws.com"), true,
       "the storage answered 301 (PermanentRedirect): it redirects to b.s3-eu-west-1.amazonaws.com, and redirects are "
       "not followed: "
       "\"Use the endpoint.\""},
      {"an endpoint with more than a host", moved("https://h:8443/b?token=secret"), true,
       "the storage answered 301 (PermanentRedirect): it redirects to h:8443, and redirects are not followed: \"Use "
       "the endpoint.\""},
      {"an endpoint with a user", moved("u:secret@h"), true, nowhere},
      {"an odd endpoint", moved("a b&#27;[2J"), true, nowhere},
      {"an empty endpoint", moved(""), true, nowhere},
      {"a location before an endpoint", moved("h", "https://elsewhere.example/x"), true,
       "the storage answered 301 (PermanentRedirect): it redirects to https://elsewhere.example, and redirects are not "
       "followed: "
       "\"Use the endpoint.\""},
      {"a redirect's page", answer(302, "<html><title>302 Found</title></html>"), false,
       "the API answered 302: it redirects, and redirects are not followed"},
      {"a page that is over a limit", answer(413, "<html><title>413 Too Large</title></html>"), true,
       "the storage answered 413 with a web page: the file's 1234 bytes are over a size limit there: \"413 Too "
       "Large\""},
  };
  for (const auto& c : cases) {
    const auto v = c.put ? of_put_answer(c.given, our_clock, 1234) : of_presign_answer(c.given, our_clock);
    ASSERT_TRUE(v) << c.name;
    EXPECT_EQ(v->details.message, c.expected) << c.name;
  }
}

// Words that repeat a secret leave the sentence, also where it is cut off or escaped there; the rest of it stays.
TEST(outcomes, no_secret_in_a_quotation) {
  const std::string key = "sk-live-\xc2\x9b\\42", target = "/o?sig=" + std::string(100, 's');
  const std::string fill(115, 'a');
  const std::string words[] = {"no key " + key, fill + key, key + fill, fill + target + fill,
                               std::string(240, 'a') + target};
  for (const auto& w : words) {
    auto v = of_put_answer(answer(403, "<Error><Code>C</Code><Message>" + w + "</Message></Error>"), our_clock);
    ASSERT_TRUE(v);
    hide(v->details, {key, target});
    EXPECT_EQ(v->details.message, "the storage answered 403 (C)") << w;
    EXPECT_EQ(v->details.server_message, "[it repeats a secret]") << w;
  }
  auto page = of_presign_answer(answer(403, "<html><title>" + std::string(70, 'a') + "sk-live-424242</title></html>"),
                                our_clock);
  hide(page->details, {"sk-live-424242", {}});
  EXPECT_EQ(page->details.message, "the API answered 403 with a web page");
}

// A page instead of a ticket is told as one.
TEST(outcomes, a_page_instead_of_a_reply) {
  const wire::reply_refusal refusal{wire::reply_refusal::kind::malformed, "the reply", "is not valid JSON"};
  const auto page = of_refusal(refusal, answer(200, "<html><title>Sign in</title><input type=password>"));
  EXPECT_EQ(page.what.kind, malformed);
  EXPECT_EQ(page.details.http_status, 200);
  EXPECT_EQ(page.details.server_message, "Sign in");
  EXPECT_NE(page.details.message.find("a login page instead of JSON: \"Sign in\""), std::string::npos)
      << page.details.message;
  EXPECT_NE(of_refusal(refusal, answer(201, "x")).details.message.find("is not valid JSON"), std::string::npos);
}

// What a person needs to ask the storage's owner: code and request id, from the body or else the header.
TEST(outcomes, put_details) {
  auto given = answer(403, "<Error><Code>AccessDenied</Code><Message>no</Message><RequestId>R1</RequestId></Error>");
  given.request_id = "R2";
  auto v = of_put_answer(given, our_clock);
  ASSERT_TRUE(v);
  EXPECT_EQ(v->details.storage_code, "AccessDenied");
  EXPECT_EQ(v->details.request_id, "R1");
  EXPECT_EQ(v->details.server_message, "no");
  given.body.clear();
  v = of_put_answer(given, our_clock);
  EXPECT_EQ(v->details.request_id, "R2");
  EXPECT_EQ(v->details.storage_code, "");
}

// Our sentence is ours: control characters in the server's words do not get into it.
TEST(outcomes, regression_our_sentence_stays_clean) {
  const auto v = of_put_answer(answer(400, "<Error><Code>x&#27;[2J&#10;&#155;</Code></Error>"), our_clock);
  ASSERT_TRUE(v);
  for (const char c : v->details.message) EXPECT_GE(static_cast<unsigned char>(c), 0x20) << v->details.message;
  EXPECT_EQ(v->details.message.find("\xc2\x9b"), std::string::npos);
}

struct retry_case {
  const char *name, *retry_after, *date;
  std::optional<std::int64_t> expected_ms;
};

// Retry-After in both forms, against the answer's own date and else our clock; junk is ignored.
TEST(outcomes, retry_after) {
  const retry_case cases[] = {
      {"none", "", "", {}},
      {"seconds", "7", "", 7000},
      {"date by the answer's clock", "Sun, 06 Nov 1994 10:00:07 GMT", "Sun, 06 Nov 1994 10:00:00 GMT", 7000},
      {"date by our clock", "Sun, 06 Nov 1994 08:49:44 GMT", "", 7000},
      {"junk date header", "Sun, 06 Nov 1994 08:49:44 GMT", "today", 7000},
      {"past", "Sun, 06 Nov 1994 08:00:00 GMT", "", 0},
      {"junk", "later", "", {}},
  };
  for (const auto& c : cases)
    for (const bool put : {false, true}) {
      const auto given = answer(503, "", c.retry_after, c.date);
      const auto v = put ? of_put_answer(given, our_clock) : of_presign_answer(given, our_clock);
      ASSERT_TRUE(v) << c.name;
      EXPECT_EQ(v->what.retry_after ? std::optional(v->what.retry_after->count()) : std::nullopt, c.expected_ms)
          << c.name;
    }
}

struct refusal_case {
  wire::reply_refusal::kind what;
  outcome_kind expected;
};

// A refused reply keeps the kind of its refusal.
TEST(outcomes, refusals) {
  using kind = wire::reply_refusal::kind;
  for (const auto& c :
       {refusal_case{kind::malformed, malformed}, {kind::headers, header_refused}, {kind::url, url_refused}}) {
    const verdict v = of_refusal({c.what, "field", "is odd"});
    EXPECT_EQ(v.what.kind, c.expected);
    EXPECT_NE(v.details.message.find("field is odd"), std::string::npos);
  }
  EXPECT_EQ(header_contradiction("asks for another Host").what.kind, header_refused);
}

struct failure_case {
  net::failure_kind why;
  bool reused;
  outcome_kind expected;
};

// What the sockets said. Only what was kept can be stale: a connection that closes before it answers, a TLS session.
TEST(outcomes, failures) {
  using enum net::failure_kind;
  const failure_case cases[] = {
      {resolve, false, unreachable},
      {connect, false, unreachable},
      {handshake, false, handshake_lost},
      {session_refused, false, stale},
      {certificate, false, tls_refused},
      {tls_protocol, false, tls_refused},
      {net::failure_kind::address_refused, false, outcome_kind::address_refused},
      {net::failure_kind::private_storage, false, outcome_kind::private_storage},
      {closed, false, outcome_kind::lost},
      {closed, true, stale},
      {net::failure_kind::unserved, true, outcome_kind::unserved},
      {broken, false, outcome_kind::lost},
      {broken, true, outcome_kind::lost},
      {timed_out, false, outcome_kind::lost},
      {timed_out, true, outcome_kind::lost},
      {bad_response, false, garbled},
      {bad_response, true, garbled},
      {no_resources, false, exhausted},
      {net::failure_kind::cancelled, false, outcome_kind::cancelled},
  };
  for (const auto& c : cases)
    EXPECT_EQ(of_failure({c.why, "text"}, phase::put, c.reused).what.kind, c.expected)
        << static_cast<int>(c.why) << ' ' << c.reused;
  EXPECT_NE(of_failure({net::failure_kind::private_storage, "t"}, phase::put, false).details.message.find("allow"),
            std::string::npos)
      << "it names the option that would permit it";
}

struct stored_case {
  net::failure_kind why;
  phase where;
  bool reused;
  bool answer_lost, may_be_there;
};

// Which PUTs may have left an object behind though nobody said so: those whose answer is missing. One that was never
// connected, be it a session that was not resumed, sent nothing.
TEST(outcomes, what_may_be_stored_after_a_failure) {
  using enum net::failure_kind;
  const stored_case cases[] = {
      {closed, phase::put, true, true, true},
      {closed, phase::put, false, true, true},
      {broken, phase::put, false, true, true},
      {timed_out, phase::put, false, true, true},
      {bad_response, phase::put, false, true, true},
      {net::failure_kind::cancelled, phase::put, false, false, true},
      {closed, phase::connect, false, false, false},
      {timed_out, phase::connect, false, false, false},
      {session_refused, phase::put, false, false, false},
      {handshake, phase::put, false, false, false},
      {connect, phase::put, false, false, false},
      {certificate, phase::put, false, false, false},
      {no_resources, phase::put, false, false, false},
  };
  for (const auto& c : cases) {
    const auto v = of_failure({c.why, "text"}, c.where, c.reused);
    EXPECT_EQ(answer_was_lost(v), c.answer_lost) << static_cast<int>(c.why);
    EXPECT_EQ(may_have_stored(v), c.may_be_there) << static_cast<int>(c.why);
  }
}

// Of the answers, those of a storage that lost track of what it did: its own errors, and another digest.
TEST(outcomes, what_may_be_stored_after_an_answer) {
  EXPECT_TRUE(may_have_stored(*of_put_answer(answer(500), our_clock)));
  EXPECT_TRUE(may_have_stored(*of_put_answer(answer(503, "<Error><Code>SlowDown</Code></Error>"), our_clock)));
  EXPECT_FALSE(may_have_stored(*of_put_answer(answer(403), our_clock)));
  EXPECT_FALSE(may_have_stored(*of_put_answer(answer(429), our_clock)));
  EXPECT_TRUE(may_have_stored(digest_differs()));
  EXPECT_TRUE(may_have_stored(of_source(net::source_status::changed, 0)));
  EXPECT_FALSE(may_have_stored(of_source(net::source_status::missing, ENOENT)));
  for (const auto& v : {*of_put_answer(answer(500), our_clock), digest_differs()}) EXPECT_FALSE(answer_was_lost(v));
}

struct source_case {
  net::source_status status;
  int system_errno;
  outcome_kind expected;
};

// What the file said; being out of descriptors is not its fault.
TEST(outcomes, sources) {
  using enum net::source_status;
  for (const auto& c : {source_case{missing, ENOENT, source_missing},
                        {unreadable, EACCES, source_unreadable},
                        {unreadable, EIO, source_unreadable},
                        {not_regular, 0, source_not_regular},
                        {changed, 0, source_changed},
                        {unreadable, EMFILE, exhausted},
                        {unreadable, ENFILE, exhausted}}) {
    const verdict v = of_source(c.status, c.system_errno);
    EXPECT_EQ(v.what.kind, c.expected) << c.system_errno;
    EXPECT_EQ(v.details.where, phase::source);
  }
  EXPECT_EQ(too_large(11, 10).what.kind, source_too_large);
  EXPECT_NE(too_large(11, 10).details.message.find("11"), std::string::npos);
}

} // namespace
} // namespace hoist::engine
