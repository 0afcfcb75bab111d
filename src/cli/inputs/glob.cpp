#include "cli/inputs/glob.hpp"

#include <algorithm>

namespace hoist::cli {

namespace {

constexpr std::size_t none = std::string_view::npos;

std::size_t character_length(std::string_view text) {
  std::size_t length = 1;
  while (length < text.size() && (static_cast<unsigned char>(text[length]) & 0xC0U) == 0x80U) ++length;
  return length;
}

bool is_member(const std::string& ranges, char c) {
  const auto byte = static_cast<unsigned char>(c);
  for (std::size_t i = 0; i + 1 < ranges.size(); i += 2) {
    if (byte >= static_cast<unsigned char>(ranges[i]) && byte <= static_cast<unsigned char>(ranges[i + 1])) return true;
  }
  return false;
}

} // namespace

/// Reads a pattern once, from left to right.
struct glob::scanner {
  std::string_view rest;
  std::vector<token>& out;

  bool run() {
    while (!rest.empty()) {
      if (!step()) return false;
    }
    return true;
  }

  bool step() {
    const char c = take();
    if (c == '*') return stars();
    if (c == '?') return add({kind::any_one});
    if (c == '[') return set();
    return add({kind::literal, c == '\\' && !rest.empty() ? take() : c});
  }

  bool stars() {
    if (!rest.starts_with('*')) return add({kind::star});
    while (rest.starts_with('*')) rest.remove_prefix(1);
    const bool at_boundary = out.empty() || (out.back().what == kind::literal && out.back().literal == '/') ||
                             out.back().what == kind::globstar_slash;
    if (!rest.starts_with('/') || !at_boundary) return add({kind::globstar});
    rest.remove_prefix(1);
    return add({kind::globstar_slash});
  }

  bool set() {
    token result{kind::set};
    if (rest.starts_with('!') || rest.starts_with('^')) {
      result.negated = true;
      rest.remove_prefix(1);
    }
    // A ']' that comes first is a member.
    for (bool first = true; !rest.empty(); first = false) {
      char low = take();
      if (low == ']' && !first) return add(std::move(result));
      if (low == '\\' && !rest.empty()) low = take();
      char high = low;
      if (rest.size() >= 2 && rest[0] == '-' && rest[1] != ']') {
        rest.remove_prefix(1);
        high = take();
      }
      result.members += {low, high};
    }
    return false;
  }

  char take() {
    const char c = rest.front();
    rest.remove_prefix(1);
    return c;
  }

  bool add(token t) {
    out.push_back(std::move(t));
    return true;
  }
};

bool glob::scan(std::string_view pattern, std::vector<token>& tokens) {
  return scanner{pattern, tokens}.run();
}

std::optional<glob> glob::compile(std::string_view pattern) {
  glob result;
  if (pattern.ends_with('/')) {
    result.directories_only_ = true;
    pattern.remove_suffix(1);
  }
  result.whole_path_ = pattern.find('/') != none;
  if (pattern.starts_with("./")) pattern.remove_prefix(2);
  if (pattern.starts_with('/')) pattern.remove_prefix(1);
  if (pattern.empty() || !scan(pattern, result.tokens_)) return std::nullopt;
  return result;
}

bool glob::matches_file(std::string_view below) const {
  return !directories_only_ && matches_below(below, tokens_.size());
}

bool glob::matches_directory(std::string_view below) const {
  if (matches_below(below, tokens_.size())) return true;
  const auto size = tokens_.size();
  const bool takes_all_below = size > 2 && tokens_[size - 1].what == kind::globstar &&
                               tokens_[size - 2].what == kind::literal && tokens_[size - 2].literal == '/';
  return takes_all_below && matches_below(below, size - 2);
}

bool glob::matches_below(std::string_view below, std::size_t tokens_used) const {
  return matches(whole_path_ ? below : below.substr(below.rfind('/') + 1), tokens_used);
}

/// On a mismatch the last '*' takes one character more; when it cannot, the last '**' does. Earlier stars never need to
/// be tried again, since the later one could have taken what they would. So the time is at most quadratic.
bool glob::matches(std::string_view text, std::size_t tokens_used) const {
  std::size_t t = 0, x = 0;
  std::size_t star_t = none, star_x = 0;
  std::size_t deep_t = none, deep_x = 0;
  bool deep_by_directory = false;

  const auto fits = [&](const token& tok) {
    if (tok.what == kind::literal) return tok.literal == text[x];
    if (text[x] == '/') return false;
    return tok.what == kind::any_one || is_member(tok.members, text[x]) != tok.negated;
  };
  const auto retry = [&] {
    if (star_t != none && text[star_x] != '/') {
      x = ++star_x;
      t = star_t;
      return true;
    }
    if (deep_t == none) return false;
    const auto next = deep_by_directory ? text.find('/', deep_x) : deep_x;
    if (next == none) return false;
    x = deep_x = next + 1;
    t = deep_t;
    star_t = none;
    return true;
  };

  while (x < text.size()) {
    if (t < tokens_used) {
      const token& tok = tokens_[t];
      if (tok.what == kind::star) {
        star_t = ++t;
        star_x = x;
        continue;
      }
      if (tok.what == kind::globstar || tok.what == kind::globstar_slash) {
        deep_by_directory = tok.what == kind::globstar_slash;
        deep_t = ++t;
        deep_x = x;
        star_t = none;
        continue;
      }
      if (fits(tok)) {
        x += tok.what == kind::any_one ? character_length(text.substr(x)) : 1;
        ++t;
        continue;
      }
    }
    if (!retry()) return false;
  }
  const auto may_be_nothing = [](kind what) {
    return what == kind::star || what == kind::globstar || what == kind::globstar_slash;
  };
  while (t < tokens_used && may_be_nothing(tokens_[t].what)) ++t;
  return t == tokens_used;
}

} // namespace hoist::cli
