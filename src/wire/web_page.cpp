#include "wire/web_page.hpp"

#include "wire/header_rules.hpp"

#include <algorithm>

namespace hoist::wire {

namespace {

constexpr std::size_t words_bytes_max = 80;
constexpr std::string_view blanks = " \t\r\n\f\v";

std::size_t find_ignoring_case(std::string_view text, std::string_view what, std::size_t from = 0) {
  for (std::size_t at = from; at + what.size() <= text.size(); ++at)
    if (equal_ignoring_case(text.substr(at, what.size()), what)) return at;
  return std::string_view::npos;
}

std::string_view after_blanks(std::string_view text) noexcept {
  return text.substr(std::min(text.find_first_not_of(blanks), text.size()));
}

bool begins_as_page(std::string_view text) {
  constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
  if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
  text = after_blanks(text);
  while (text.starts_with("<!--")) {
    const auto end = text.find("-->");
    if (end == std::string_view::npos) return false;
    text = after_blanks(text.substr(end + 3));
  }
  const auto begins = [&](std::string_view tag) { return equal_ignoring_case(text.substr(0, tag.size()), tag); };
  return begins("<!doctype html") || begins("<html") || begins("<head") || begins("<body") || begins("<title");
}

/// What stands between `open` (a tag's beginning) and `close`; empty without either.
std::string_view within(std::string_view page, std::string_view open, std::string_view close) {
  const auto tag = find_ignoring_case(page, open);
  if (tag == std::string_view::npos) return {};
  const auto begin = page.find('>', tag);
  if (begin == std::string_view::npos) return {};
  const auto end = find_ignoring_case(page, close, begin);
  return page.substr(begin + 1, end == std::string_view::npos ? std::string_view::npos : end - begin - 1);
}

/// The text of a piece of HTML on one line: without tags, scripts and styles, each run of white space one blank.
std::string text_of(std::string_view html) {
  std::string out;
  while (!html.empty() && out.size() < words_bytes_max) {
    const char c = html.front();
    if (c == '<') {
      std::string_view end = ">";
      if (html.starts_with("<!--")) end = "-->";
      if (equal_ignoring_case(html.substr(0, 7), "<script")) end = "</script>";
      if (equal_ignoring_case(html.substr(0, 6), "<style")) end = "</style>";
      const auto at = find_ignoring_case(html, end);
      html.remove_prefix(at == std::string_view::npos ? html.size() : at + end.size());
    } else {
      html.remove_prefix(1);
      if (blanks.find(c) == std::string_view::npos) {
        out += c;
        continue;
      }
    }
    if (!out.empty() && out.back() != ' ') out += ' ';
  }
  if (out.ends_with(' ')) out.pop_back();
  return out;
}

} // namespace

std::optional<web_page> read_web_page(std::string_view body) {
  if (!begins_as_page(body)) return std::nullopt;
  web_page page;
  page.is_login = find_ignoring_case(body, "type=\"password\"") != std::string_view::npos ||
                  find_ignoring_case(body, "type='password'") != std::string_view::npos ||
                  find_ignoring_case(body, "type=password") != std::string_view::npos;
  page.words = text_of(within(body, "<title", "</title"));
  if (page.words.empty()) page.words = text_of(within(body, "<body", "</body"));
  if (page.words.empty()) page.words = text_of(body);
  return page;
}

} // namespace hoist::wire
