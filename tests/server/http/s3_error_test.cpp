#include "server/http/s3_error.hpp"

#include <gtest/gtest.h>

namespace hoist::server {
namespace {

// The XML has S3's elements in S3's order, and what came from the client is escaped.
TEST(s3_error, xml) {
  EXPECT_EQ(to_xml(no_such_key("<a&b>"), {"REQ", "HOST"}),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>NoSuchKey</Code>"
            "<Message>The specified key does not exist.</Message><Key>&lt;a&amp;b&gt;</Key>"
            "<RequestId>REQ</RequestId><HostId>HOST</HostId></Error>");
}

// The sizes are named.
TEST(s3_error, entity_too_large) {
  const auto error = entity_too_large(11, 10);
  EXPECT_EQ(error.status, 400U);
  EXPECT_EQ(error.details.at(0).second, "11");
  EXPECT_EQ(error.details.at(1).second, "10");
}

// The request id is in the header too, where a client finds it without reading XML.
TEST(s3_error, reply_carries_ids) {
  const auto answer = to_reply(slow_down(), {"REQ", "HOST"});
  EXPECT_EQ(answer.status, 503U);
  EXPECT_EQ(answer.fields, "x-amz-request-id: REQ\r\nx-amz-id-2: HOST\r\n");
  EXPECT_EQ(answer.code, "SlowDown");
}

} // namespace
} // namespace hoist::server
