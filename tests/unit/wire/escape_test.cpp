#include "wire/escape.hpp"

#include <gtest/gtest.h>

namespace hoist::wire {
namespace {

using namespace std::string_view_literals;

struct escape_case {
  const char* name;
  std::string_view input, expected;
};

// Control characters of every kind, bidirectional controls and broken UTF-8 are shown as what they are; all else stays.
TEST(escape, printable) {
  const escape_case cases[] = {
      {"plain", "holiday 01.jpg", "holiday 01.jpg"},
      {"empty", "", ""},
      {"other scripts", "żółć 日本 🎉", "żółć 日本 🎉"},
      {"backslash", "a\\b", "a\\\\b"},
      {"what looks escaped", "\\x1b", "\\\\x1b"},
      {"escape sequence", "\x1b[31m", "\\x1b[31m"},
      {"NUL", "a\0b"sv, "a\\x00b"},
      {"line ends and tab", "\r\n\t", "\\x0d\\x0a\\x09"},
      {"DEL", "\x7f", "\\x7f"},
      {"C1: CSI", "\xc2\x9b", "\\xc2\\x9b"},
      {"C1: first and last", "\xc2\x80\xc2\x9f", "\\xc2\\x80\\xc2\\x9f"},
      {"just above C1", "\xc2\xa0", "\xc2\xa0"},
      {"right-to-left override", "a\u202egpj.exe", "a\\xe2\\x80\\xaegpj.exe"},
      {"embedding", "\u202a\u202d", "\\xe2\\x80\\xaa\\xe2\\x80\\xad"},
      {"isolates", "\u2066\u2069", "\\xe2\\x81\\xa6\\xe2\\x81\\xa9"},
      {"marks", "\u200e\u200f\u061c", "\\xe2\\x80\\x8e\\xe2\\x80\\x8f\\xd8\\x9c"},
      {"line separators", "\u2028\u2029", "\\xe2\\x80\\xa8\\xe2\\x80\\xa9"},
      {"lone continuation", "\x80", "\\x80"},
      {"raw C1 byte", "\x9b", "\\x9b"},
      {"lead without continuation", "\xc3(", "\\xc3("},
      {"cut at the end", "\xe2\x82", "\\xe2\\x82"},
      {"overlong slash", "\xc0\xaf", "\\xc0\\xaf"},
      {"overlong in three", "\xe0\x80\xaf", "\\xe0\\x80\\xaf"},
      {"overlong in four", "\xf0\x80\x80\xaf", "\\xf0\\x80\\x80\\xaf"},
      {"surrogate", "\xed\xa0\x80", "\\xed\\xa0\\x80"},
      {"beyond Unicode", "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"},
      {"last point", "\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf"},
      {"no such byte", "\xff\xfe\xf5", "\\xff\\xfe\\xf5"},
      {"good after bad",
       "\xff"
       "é",
       "\\xff"
       "é"},
  };
  for (const auto& c : cases) EXPECT_EQ(printable(c.input), c.expected) << c.name;
}

// Whatever goes in, what comes out has no byte a terminal acts on, and no two inputs look the same.
TEST(escape, nothing_dangerous_comes_out) {
  for (int a = 0; a < 256; ++a)
    for (int b = 0; b < 256; ++b) {
      const std::string in{static_cast<char>(a), static_cast<char>(b)};
      const std::string out = printable(in);
      for (std::size_t i = 0; i < out.size(); ++i) {
        const auto c = static_cast<unsigned char>(out[i]);
        ASSERT_TRUE(c >= 0x20 && c != 0x7f) << a << ' ' << b;
        ASSERT_FALSE(c == 0xc2 && i + 1 < out.size() && static_cast<unsigned char>(out[i + 1]) < 0xa0) << a << ' ' << b;
      }
    }
}

// A long text is cut, and says so; one that just fits is not.
TEST(escape, long_texts_are_cut) {
  EXPECT_EQ(printable("abcdef", 6), "abcdef");
  EXPECT_EQ(printable("abcdef", 5), "abcde...");
  EXPECT_EQ(printable("abcdef", 0), "...");
  EXPECT_EQ(printable("", 0), "");
  EXPECT_EQ(printable(std::string(600, 'a')), std::string(512, 'a') + "...");
}

// At most `bytes_max` bytes of input are shown: a character that does not fit whole is left out.
TEST(escape, regression_the_cut_does_not_exceed_the_limit) {
  EXPECT_EQ(printable("aé", 2), "a...");
  EXPECT_EQ(printable("🎉", 1), "...");
}

} // namespace
} // namespace hoist::wire
