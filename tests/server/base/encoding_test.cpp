#include "server/base/encoding.hpp"

#include <gtest/gtest.h>

#include "server/base/digest.hpp"
#include "server/storage/file_id.hpp"

namespace hoist::server {
namespace {

// AWS's encoding keeps only the unreserved characters, and a path's slashes when asked.
TEST(encoding, uri) {
  EXPECT_EQ(uri_encoded("a b/c~é+*"), "a%20b%2Fc~%C3%A9%2B%2A");
  EXPECT_EQ(uri_encoded("/a b/", slashes::kept), "/a%20b/");
  EXPECT_EQ(uri_decoded("a%20b+c", plus_sign::literal), "a b+c");
  EXPECT_EQ(uri_decoded("a+b", plus_sign::space), "a b");
  EXPECT_FALSE(uri_decoded("a%2", plus_sign::literal));
}

// Base64 goes there and back for every length of the last group, and refuses what is no base64.
TEST(encoding, base64) {
  for (const auto* text : {"", "YQ==", "YWI=", "YWJj", "YWJjZA=="}) {
    const auto bytes = from_base64(text);
    ASSERT_TRUE(bytes) << text;
    EXPECT_EQ(to_base64(*bytes), text);
  }
  for (const auto* text : {"Y", "YQ=", "YQ=a", "Y Q=", "YQ==YQ=="}) EXPECT_FALSE(from_base64(text)) << text;
}

// Text from outside cannot end an element, a string or a log line.
TEST(encoding, escapes) {
  std::string out;
  append_xml_escaped(out, "<a&\"\x01>");
  EXPECT_EQ(out, "&lt;a&amp;&quot;?&gt;");
  out.clear();
  append_json_escaped(out, "\"\\\n\x7f");
  EXPECT_EQ(out, R"(\"\\\u000a\u007f)");
  EXPECT_EQ(printable("a\r\nb\x1b[0m"), "a??b?[0m");
  EXPECT_EQ(printable("abcdef", 3), "abc...");
}

// RFC 4231, case 2 and the one with a key longer than a block.
TEST(digest, hmac_sha256) {
  const std::string key = "Jefe";
  const std::vector<std::uint8_t> long_key(131, 0xaa);
  EXPECT_EQ(to_hex(hmac_sha256({reinterpret_cast<const std::uint8_t*>(key.data()), key.size()},
                               "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(to_hex(hmac_sha256(long_key, "Test Using Larger Than Block-Size Key - Hash Key First")),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

// An id is a version 4 UUID, comes back from its text, and nothing else parses: it becomes part of a path.
TEST(file_id, text) {
  const auto id = file_id::random();
  EXPECT_EQ(id.text().size(), 36U);
  EXPECT_EQ(id.text()[14], '4');
  EXPECT_EQ(file_id::parse(id.text()), id);
  EXPECT_NE(file_id::random(), id);
  for (const auto* text : {"", "../../../../../../../../etc/passwd00", "0b7e5f3a1c2d4e4f8a9b0c1d2e3f4a5b",
                           "0b7e5f3a-1c2d-4e4f-8a9b-0c1d2e3f4a5", "0b7e5f3a-1c2d-4e4f-8a9b-0c1d2e3f4a5g",
                           "0b7e5f3a-1c2d-4e4f-8a9b-0c1d2e3f4a5b0", "0b7e5f3a-1c2d-4e4f-8a9b00c1d2e3f4a5b"}) {
    EXPECT_FALSE(file_id::parse(text)) << text;
  }
}

} // namespace
} // namespace hoist::server
