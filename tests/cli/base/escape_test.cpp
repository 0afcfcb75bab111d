#include "cli/base/escape.hpp"

#include <gtest/gtest.h>

namespace hoist::cli {
namespace {

struct text_case {
  const char* name;
  std::string input;
  std::string expected;
};

// What could move the cursor, hide or reorder text is spelled out; all other text stays as it is.
TEST(escape, terminal) {
  const text_case cases[] = {
      {"plain", "photo 1.jpg", "photo 1.jpg"},
      {"umlaut and emoji", "\xC3\xA4\xF0\x9F\x98\x80", "\xC3\xA4\xF0\x9F\x98\x80"},
      {"newline", "a\nb", "a\\nb"},
      {"escape sequence", "\x1b[2J", "\\u{1b}[2J"},
      {"DEL", "a\x7f", "a\\u{7f}"},
      {"C1", "\xC2\x9B", "\\u{9b}"},
      {"right-to-left override", "\xE2\x80\xAEgpj", "\\u{202e}gpj"},
      {"isolate", "\xE2\x81\xA6", "\\u{2066}"},
      {"byte that is no UTF-8", "a\xff", "a\\xff"},
      {"cut short", "\xE2\x80", "\\xe2\\x80"},
      {"overlong slash", "\xC0\xAF", "\\xc0\\xaf"},
      {"surrogate", "\xED\xA0\x80", "\\xed\\xa0\\x80"},
      {"backslash, so that nothing is ambiguous", "a\\nb", "a\\\\nb"},
  };
  for (const auto& c : cases) EXPECT_EQ(escaped(c.input), c.expected) << c.name;
}

// A word for sh comes back as the same bytes.
TEST(escape, shell) {
  const text_case cases[] = {
      {"bare", "a/b-1.txt", "a/b-1.txt"},
      {"empty", "", "''"},
      {"space", "a b", "'a b'"},
      {"quote", "it's", "'it'\\''s'"},
      {"glob", "*.jpg", "'*.jpg'"},
      {"newline", "a\nb", "$'a\\012b'"},
      {"no UTF-8, then a digit",
       "\xff"
       "1",
       "$'\\3771'"},
  };
  for (const auto& c : cases) EXPECT_EQ(shell_quoted(c.input), c.expected) << c.name;
}

// The borders of UTF-8.
TEST(escape, utf8) {
  EXPECT_TRUE(is_utf8(""));
  EXPECT_TRUE(is_utf8("\xF4\x8F\xBF\xBF"));
  EXPECT_FALSE(is_utf8("\xF4\x90\x80\x80"));
  EXPECT_FALSE(is_utf8("\xE0\x80\x80"));
  EXPECT_FALSE(is_utf8("\x80"));
}

} // namespace
} // namespace hoist::cli
