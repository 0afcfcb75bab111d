#include "wire/web_page.hpp"

#include <gtest/gtest.h>

namespace hoist::wire {
namespace {

struct page_case {
  const char* name;
  std::string body;
  std::string_view words;
  bool is_login;
};

// A page is told by its title, else by its first words, on one line.
TEST(web_page, words) {
  const page_case cases[] = {
      {"nginx",
       "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad "
       "Gateway</h1></center></body></html>",
       "502 Bad Gateway", false},
      {"doctype and attributes", "<!DOCTYPE html>\n<html lang=en><head><TITLE id=a>\n  Not\n Found </TITLE>",
       "Not Found", false},
      {"no title", "<html><body><h1>It</h1><p>works!</p></body></html>", "It works!", false},
      {"empty title", "<html><title></title><body>words</body></html>", "words", false},
      {"no body either", "<html>plain words", "plain words", false},
      {"scripts and styles", "<html><body><script>var a = '<b>';</script><style>p {}</style><!-- no --> shown</body>",
       "shown", false},
      {"comment first", " <!-- cached --> <html><title>t</title>", "t", false},
      {"BOM", "\xef\xbb\xbf<html><title>t</title>", "t", false},
      {"login", "<html><title>Sign in</title><form><input name=p TYPE=\"password\"></form>", "Sign in", true},
      {"nothing in it", "<html></html>", "", false},
      {"cut in a tag", "<html", "", false},
      {"cut in a script", "<html><body>a<script>b", "a", false},
  };
  for (const auto& c : cases) {
    const auto page = read_web_page(c.body);
    ASSERT_TRUE(page) << c.name;
    EXPECT_EQ(page->words, c.words) << c.name;
    EXPECT_EQ(page->is_login, c.is_login) << c.name;
  }
}

// What begins as anything else is no page.
TEST(web_page, others) {
  for (const char* body : {"", " ", "{}", "<?xml version=\"1.0\"?><Error/>", "<Error><Code>C</Code></Error>",
                           "upstream connect error", "<!-- never closed", "\x1f\x8b\x08"})
    EXPECT_FALSE(read_web_page(body)) << body;
}

// The words are bounded, whatever the page.
TEST(web_page, bounded) {
  for (const std::string& body : {"<html><title>" + std::string(60'000, 'a'), "<html><body>" + std::string(30'000, '<'),
                                  "<html><body>" + std::string(60'000, ' ') + "b"})
    EXPECT_LE(read_web_page(body)->words.size(), 80u);
}

} // namespace
} // namespace hoist::wire
