// What a server repeats of a secret is not shown.

#include "engine/words/redaction.hpp"

#include <gtest/gtest.h>

namespace hoist::engine {
namespace {

constexpr secrets known{"sk-live-42", "/bucket/a.png?sig=abc%2Fdef&x=1"};

// The key, the signed URL's query, and AWS's own names of what signs, wherever they stand; the path alone is no secret.
TEST(tells, table) {
  for (const char* words : {"sk-live-42", "no such key: sk-live-42.", "see /bucket/a.png?sig=abc%2Fdef&x=1",
                            "X-Amz-Signature=0", "?X-Amz-Credential=AKIA"})
    EXPECT_TRUE(tells(words, known)) << words;
  for (const char* words : {"", "sk-live", "/bucket/a.png", "sig=", "AccessDenied"})
    EXPECT_FALSE(tells(words, known)) << words;
}

// Words are cut before they come here: what is left of a secret at their end tells it too, from eight bytes on.
TEST(tells, regression_a_secret_that_was_cut_off) {
  EXPECT_TRUE(tells("no such key: sk-live-4", known));
  EXPECT_TRUE(tells("refused: sig=abc%2F", known));
  EXPECT_FALSE(tells("sk-live-4 is not it", known));
}

// A URL without a query has nothing to tell, and words are not held against it.
TEST(tells, no_query) {
  for (const char* target : {"", "/a.png", "/a.png?"}) EXPECT_FALSE(tells("/a.png?x", {"key", target})) << target;
}

// Each text is judged by itself: what tells nothing stays.
TEST(hide, text_by_text) {
  diagnostics d;
  d.message = "the storage answered 403 sk-live-42";
  d.server_message = "X-Amz-Credential=AKIA";
  d.storage_code = "sk-live-42";
  d.request_id = "4711";
  hide(d, known);
  EXPECT_EQ(d.message, "[it repeats a secret]");
  EXPECT_EQ(d.server_message, "[it repeats a secret]");
  EXPECT_EQ(d.storage_code, "[it repeats a secret]");
  EXPECT_EQ(d.request_id, "4711");
}

// The server's words end our sentence, escaped and bounded; when they tell a secret, only they go.
TEST(hide, quotations) {
  EXPECT_EQ(quotation(""), "");
  EXPECT_EQ(quotation(" \r\n"), "");
  EXPECT_EQ(quotation(" no\n"), ": \"no\"");
  EXPECT_EQ(quotation(std::string(121, 'a')), ": \"" + std::string(120, 'a') + "...\"");
  diagnostics d;
  d.server_message = "no such key: sk-live-42";
  d.message = "the API answered 403" + quotation(d.server_message);
  hide(d, known);
  EXPECT_EQ(d.message, "the API answered 403");
}

} // namespace
} // namespace hoist::engine
