#include "wire/s3_error.hpp"

#include <gtest/gtest.h>

namespace hoist::wire {
namespace {

struct xml_case {
  const char* name;
  std::string body;
  std::string_view code, message, request_id;
};

// S3's error body yields code, message and request id; anything else yields nothing.
TEST(s3_error, bodies) {
  const std::string declaration = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
  const xml_case cases[] = {
      {"as S3 sends it",
       declaration + "<Error><Code>AccessDenied</Code><Message>Request has expired</Message>"
                     "<X-Amz-Expires>900</X-Amz-Expires><ServerTime>2026-11-22T10:15:30Z</ServerTime>"
                     "<RequestId>R1</RequestId><HostId>H</HostId></Error>",
       "AccessDenied", "Request has expired", "R1"},
      {"no declaration", "<Error><Code>SlowDown</Code></Error>", "SlowDown", "", ""},
      {"other order", "<Error><RequestId>R</RequestId><Code>C</Code></Error>", "C", "", "R"},
      {"namespace", "<Error xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Code>C</Code></Error>", "C", "", ""},
      {"entities", "<Error><Code>C</Code><Message>a &lt;b&gt; &amp; &#65;</Message></Error>", "C", "a <b> & A", ""},
      {"empty code", "<Error><Code/></Error>", "", "", ""},
      {"white space around", "\n  <Error>\n  <Code>C</Code>\n</Error>\n", "C", "", ""},
      {"nothing", "", "", "", ""},
      {"blank", "  \n", "", "", ""},
      {"HTML", "<!DOCTYPE html><html><body><h1>502 Bad Gateway</h1><br></body></html>", "", "", ""},
      {"JSON", "{\"error\": \"x\"}", "", "", ""},
      {"text", "upstream connect error", "", "", ""},
      {"BOM", "\xef\xbb\xbf" + declaration + "<Error><Code>C</Code></Error>", "C", "", ""},
      {"a doctype", "<!DOCTYPE Error><Error><Code>C</Code></Error>", "C", "", ""},
      {"namespace with a prefix", "<s3:Error xmlns:s3=\"x\"><s3:Code>C</s3:Code><s3:Message>m</s3:Message></s3:Error>",
       "C", "m", ""},
      {"another root", "<ErrorResponse><Error><Code>C</Code></Error><RequestId>outside</RequestId></ErrorResponse>",
       "C", "", ""},
      {"two other roots", "<Response><Errors><Error><Code>C</Code></Error></Errors></Response>", "C", "", ""},
      {"three other roots", "<a><b><c><Error><Code>C</Code></Error></c></b></a>", "", "", ""},
      {"small letters", "<error><code>C</code><requestid>R</requestid></error>", "C", "", "R"},
      {"blanks around the code", "<Error><Code>\n  SlowDown\n</Code></Error>", "SlowDown", "", ""},
      {"CDATA", "<Error><Code><![CDATA[C]]></Code><Message><![CDATA[a <b>]]></Message></Error>", "C", "a <b>", ""},
      {"code of a child", "<Error><Detail><Code>C</Code></Detail></Error>", "", "", ""},
      {"binary", std::string("\0\xff\x01<Error>", 10), "", "", ""},
      {"only brackets", std::string(60'000, '<'), "", "", ""},
  };
  for (const auto& c : cases) {
    const auto e = parse_s3_error(c.body);
    EXPECT_EQ(e.code, c.code) << c.name;
    EXPECT_EQ(e.message, c.message) << c.name;
    EXPECT_EQ(e.request_id, c.request_id) << c.name;
  }
}

// A redirect's error names the host to turn to.
TEST(s3_error, endpoint) {
  const auto redirect = parse_s3_error(
      "<Error><Code>PermanentRedirect</Code><Endpoint>\n b.s3-eu-west-1.amazonaws.com </Endpoint></Error>");
  EXPECT_EQ(redirect.endpoint, "b.s3-eu-west-1.amazonaws.com");
  EXPECT_EQ(parse_s3_error("<Error><Code>C</Code></Error>").endpoint, "");
  EXPECT_EQ(parse_s3_error("<Error><Endpoint>" + std::string(50'000, 'a') + "</Endpoint></Error>").endpoint.size(),
            256u);
}

// Whether an answer is nothing but an error is told: in a 2xx only such a one counts.
TEST(s3_error, whole_answers) {
  EXPECT_TRUE(parse_s3_error("<?xml version=\"1.0\"?><Error><Code>C</Code></Error>").is_whole_answer);
  EXPECT_FALSE(parse_s3_error("<Result><Error><Code>C</Code></Error></Result>").is_whole_answer);
  EXPECT_FALSE(parse_s3_error("<Result/>").is_whole_answer);
}

// Only code, message, request id and endpoint leave the body: what SignatureDoesNotMatch echoes of the request stays
// inside.
TEST(s3_error, nothing_else_is_taken) {
  const auto e = parse_s3_error("<Error><Code>SignatureDoesNotMatch</Code><Message>m</Message><AWSAccessKeyId>CANARY"
                                "</AWSAccessKeyId><StringToSign>CANARY</StringToSign><SignatureProvided>CANARY"
                                "</SignatureProvided><CanonicalRequest>CANARY</CanonicalRequest></Error>");
  EXPECT_EQ(e.code, "SignatureDoesNotMatch");
  EXPECT_EQ((e.code + e.message + e.request_id + e.endpoint).find("CANARY"), std::string::npos);
}

// What is kept is bounded.
TEST(s3_error, bounded) {
  const std::string big(50'000, 'a');
  const auto e = parse_s3_error("<Error><Code>" + big + "</Code><Message>" + big + "</Message><RequestId>" + big +
                                "</RequestId></Error>");
  EXPECT_LE(e.code.size(), 128u);
  EXPECT_EQ(e.message.size(), 256u);
  EXPECT_EQ(e.request_id.size(), 128u);
}

// Entities are not expanded from definitions, deep nesting is survived, and a cut body does no harm.
TEST(s3_error, hostile) {
  parse_s3_error(
      "<!DOCTYPE x [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]><Error><Code>&b;</Code></Error>");
  EXPECT_EQ(
      parse_s3_error("<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]><Error><Message>&e;</Message></Error>")
          .message.find("root"),
      std::string::npos);
  std::string deep;
  for (int i = 0; i < 15'000; ++i) deep += "<a>";
  parse_s3_error(deep);
  parse_s3_error("<Error>" + deep);
  const std::string whole = "<?xml version=\"1.0\"?><Error><Code>SlowDown</Code><Message>&amp;&#x41;</Message></Error>";
  for (std::size_t n = 0; n < whole.size(); ++n) parse_s3_error(whole.substr(0, n));
}

} // namespace
} // namespace hoist::wire
