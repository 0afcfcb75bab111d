// cli::glob, compared with a matcher that tries everything.
//
// The input is a pattern, then paths, one a line.

#include "cli/inputs/glob.hpp"
#include "fuzz.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace {

using namespace hoist;
using fuzz::require;

constexpr std::size_t none = std::string_view::npos;

/// The rules of glob.hpp, each tried at every place: slow, short, and made of nothing of glob.cpp.
class slow_matcher {
 public:
  explicit slow_matcher(std::string_view pattern) {
    directories_only_ = pattern.ends_with('/');
    if (directories_only_) pattern.remove_suffix(1);
    whole_path_ = pattern.find('/') != none;
    if (pattern.starts_with("./")) pattern.remove_prefix(2);
    if (pattern.starts_with('/')) pattern.remove_prefix(1);
    pattern_ = pattern;
  }

  bool matches_file(std::string_view path) { return !directories_only_ && matches(path); }

  bool matches(std::string_view path) {
    text_ = whole_path_ ? path : path.substr(path.rfind('/') + 1);
    known_.assign((pattern_.size() + 1) * (text_.size() + 1), unknown);
    return from(0, 0);
  }

 private:
  enum answer : char { unknown, yes, no };

  bool from(std::size_t p, std::size_t t) {
    auto& known = known_[p * (text_.size() + 1) + t];
    if (known == unknown) known = decide(p, t) ? yes : no;
    return known == yes;
  }

  bool decide(std::size_t p, std::size_t t) {
    if (p == pattern_.size()) return t == text_.size();
    const auto rest = pattern_.substr(p);
    const bool more = t < text_.size();
    if (rest.starts_with("**")) return stars(p, t, std::min(rest.find_first_not_of('*'), rest.size()));
    if (rest[0] == '*') return from(p + 1, t) || (more && text_[t] != '/' && from(p, t + 1));
    if (!more) return false;
    if (rest[0] == '?') return text_[t] != '/' && from(p + 1, t + character(t));
    if (rest[0] == '[') return set(p, t);
    const bool quoted = rest[0] == '\\' && rest.size() > 1;
    return text_[t] == rest[quoted ? 1 : 0] && from(p + (quoted ? 2 : 1), t + 1);
  }

  bool stars(std::size_t p, std::size_t t, std::size_t count) {
    const bool directories = p + count < pattern_.size() && pattern_[p + count] == '/' && begins_a_name(p);
    if (!directories) {
      for (std::size_t end = t; end <= text_.size(); ++end)
        if (from(p + count, end)) return true;
      return false;
    }
    if (from(p + count + 1, t)) return true;
    for (std::size_t end = t; end < text_.size(); ++end)
      if (text_[end] == '/' && from(p + count + 1, end + 1)) return true;
    return false;
  }

  /// "**" begins a name at the pattern's begin and behind a '/', which may be quoted like any other character.
  bool begins_a_name(std::size_t p) const { return p == 0 || pattern_[p - 1] == '/'; }

  std::size_t character(std::size_t t) const {
    std::size_t end = t + 1;
    while (end < text_.size() && (static_cast<unsigned char>(text_[end]) & 0xc0U) == 0x80U) ++end;
    return end - t;
  }

  /// `p` is at a '[' that compile() has found closed.
  bool set(std::size_t p, std::size_t t) {
    std::size_t at = p + 1;
    const bool negated = pattern_[at] == '!' || pattern_[at] == '^';
    if (negated) ++at;
    bool member = false;
    const auto next = [&] {
      if (pattern_[at] == '\\' && at + 1 < pattern_.size()) ++at;
      return static_cast<unsigned char>(pattern_[at++]);
    };
    for (bool first = true; first || pattern_[at] != ']'; first = false) {
      const auto low = next();
      auto high = low;
      if (at + 1 < pattern_.size() && pattern_[at] == '-' && pattern_[at + 1] != ']') {
        high = static_cast<unsigned char>(pattern_[at + 1]);
        at += 2;
      }
      const auto byte = static_cast<unsigned char>(text_[t]);
      member = member || (low <= byte && byte <= high);
      if (at >= pattern_.size()) return false;
    }
    return text_[t] != '/' && member != negated && from(at + 1, t + 1);
  }

  std::string_view pattern_, text_;
  bool directories_only_ = false, whole_path_ = false;
  std::vector<answer> known_;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 512) return -1; // the other matcher is slow
  const fuzz::exact_copy input(fuzz::text_of(data, size));
  auto paths = input.text();
  const auto pattern = fuzz::take_line(paths);
  const auto one = cli::glob::compile(pattern);
  if (!one) return 0;
  slow_matcher other(pattern);
  for (int n = 0; n < 8 && !paths.empty(); ++n) {
    const auto path = fuzz::take_line(paths);
    require(one->matches_file(path) == other.matches_file(path), "a pattern matches what its rules say");
    if (other.matches(path)) require(one->matches_directory(path), "a directory matches by name as a file does");
  }
  return 0;
}
