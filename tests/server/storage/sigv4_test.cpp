// The signature itself, against the vector that AWS publishes.
#include "server/storage/sigv4.hpp"

#include <gtest/gtest.h>

namespace hoist::server {
namespace {

const sigv4_account example{"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "us-east-1"};
const auto may_24 = from_amz_date("20130524T000000Z");

// The presigned URL of AWS's documentation comes out byte for byte.
TEST(sigv4, published_presigned_url) {
  signing_keys keys(example);
  const signed_headers headers{{"host", "examplebucket.s3.amazonaws.com"}};
  const auto url = presigned_url(
      {"GET", "https://examplebucket.s3.amazonaws.com", "/test.txt", headers, *may_24, std::chrono::seconds{86400}, {}},
      keys);
  EXPECT_EQ(url, "https://examplebucket.s3.amazonaws.com/test.txt"
                 "?X-Amz-Algorithm=AWS4-HMAC-SHA256"
                 "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
                 "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
                 "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
}

// The canonical request is AWS's, line by line.
TEST(sigv4, published_canonical_request) {
  const signed_headers headers{{"host", "examplebucket.s3.amazonaws.com"}};
  EXPECT_EQ(canonical_request({"GET", "/test.txt", "a=1", headers}),
            "GET\n/test.txt\na=1\nhost:examplebucket.s3.amazonaws.com\n\nhost\nUNSIGNED-PAYLOAD");
}

// A key is the same whether it was derived now or kept, and a third day pushes out the oldest.
TEST(sigv4, keys_are_kept_per_day) {
  signing_keys keys(example);
  for (const auto* day : {"20130524", "20130525", "20130524", "20130526", "20130525"}) {
    EXPECT_EQ(keys.of_day(day), derive_signing_key(example, day)) << day;
  }
}

// A query is decoded, sorted by its encoded names and encoded again in one strict way; the signature is not part of it.
TEST(sigv4, canonical_query) {
  const struct {
    const char* raw;
    const char* canonical;
  } cases[] = {
      {"", ""},
      {"b=2&a=1", "a=1&b=2"},
      {"a=%2f", "a=%2F"},
      {"a=x+y", "a=x%20y"},
      {"flag", "flag="},
      {"a=~-._", "a=~-._"},
      {"z=1&X-Amz-Signature=00&A=1", "A=1&z=1"},
      {"a=2&a=1", "a=1&a=2"},
  };
  for (const auto& [raw, canonical] : cases) {
    const auto parsed = parse_query(raw);
    ASSERT_TRUE(parsed) << raw;
    EXPECT_EQ(canonical_query(*parsed), canonical) << raw;
  }
}

// A percent sign without two hex digits is no query.
TEST(sigv4, broken_percent_encoding) {
  for (const auto* raw : {"a=%", "a=%2", "a=%zz", "%=1"}) EXPECT_FALSE(parse_query(raw)) << raw;
}

// Header values lose the space around them and runs of spaces inside.
TEST(sigv4, canonical_value) {
  EXPECT_EQ(canonical_value("  a   b \t"), "a b");
  EXPECT_EQ(canonical_value(""), "");
}

// Dates that do not exist are not dates.
TEST(calendar, amz_dates) {
  EXPECT_EQ(to_http_date(*may_24), "Fri, 24 May 2013 00:00:00 GMT");
  EXPECT_EQ(to_iso8601(*may_24), "2013-05-24T00:00:00Z");
  EXPECT_EQ(to_amz_date(*may_24), "20130524T000000Z");
  for (const auto* text : {"", "20130524", "20130230T000000Z", "20130524T240000Z", "2013-524T000000Z",
                           "20130524T000000z", "20130524T0000+1Z"}) {
    EXPECT_FALSE(from_amz_date(text)) << text;
  }
}

} // namespace
} // namespace hoist::server
