#include "cli/rows/json.hpp"

#include <gtest/gtest.h>

namespace hoist::cli {
namespace {

struct text_case {
  const char* name;
  std::string input;
  std::string expected;
};

// A string is valid JSON, valid UTF-8, one line, and harmless on a terminal.
TEST(json, strings) {
  const text_case cases[] = {
      {"plain", "abc", R"("abc")"},
      {"quote and backslash", "a\"b\\c", R"("a\"b\\c")"},
      {"newline, tab, return", "\n\t\r", R"("\n\t\r")"},
      {"NUL", std::string("a\0b", 3), R"("a\u0000b")"},
      {"escape", "\x1b", R"("\u001b")"},
      {"C1", "\xC2\x85", R"("\u0085")"},
      {"line separator", "\xE2\x80\xA8", R"("\u2028")"},
      {"other text stays", "\xC3\xA4\xF0\x9F\x98\x80", "\"\xC3\xA4\xF0\x9F\x98\x80\""},
      {"what is no UTF-8 is replaced", "a\xff\xfe", "\"a\xEF\xBF\xBD\xEF\xBF\xBD\""},
  };
  for (const auto& c : cases) EXPECT_EQ(json_string(c.input), c.expected) << c.name;
}

// Wherever in a long string something stands that cannot stay, it is found, and nothing else is touched.
TEST(json, strings_at_every_place) {
  const text_case odd[] = {{"quote", "\"", "\\\""},
                           {"backslash", "\\", "\\\\"},
                           {"control", "\x1f", "\\u001f"},
                           {"delete", "\x7f", "\\u007f"},
                           {"no UTF-8", "\x80", "\xEF\xBF\xBD"}};
  const std::string plain = " !#$%&'()*+,-./09:;<=>?@AZ[]^_`az{|}~";
  for (const auto& c : odd)
    for (std::size_t at = 0; at <= plain.size(); ++at) {
      std::string input = plain, expected = plain;
      EXPECT_EQ(json_string(input.insert(at, c.input)), '"' + expected.insert(at, c.expected) + '"')
          << c.name << " at " << at;
    }
}

// The vectors of RFC 4648.
TEST(json, base64) {
  const text_case cases[] = {{"0", "", ""},
                             {"1", "f", "Zg=="},
                             {"2", "fo", "Zm8="},
                             {"3", "foo", "Zm9v"},
                             {"4", "foob", "Zm9vYg=="},
                             {"6", "foobar", "Zm9vYmFy"},
                             {"high", "\xff\xfe", "//4="}};
  for (const auto& c : cases) EXPECT_EQ(base64(c.input), c.expected) << c.name;
}

// Keys keep their order, and objects nest.
TEST(json, lines) {
  json_line line;
  line.number("v", 1).truth("ok", true).open("error").text("code", "x").text_or_null("id", "").close();
  line.number("n", std::nullopt).seconds("s", 1.5);
  EXPECT_EQ(std::move(line).finish(), R"({"v":1,"ok":true,"error":{"code":"x","id":null},"n":null,"s":1.500})"
                                      "\n");
}

} // namespace
} // namespace hoist::cli
