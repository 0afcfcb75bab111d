#pragma once

// One pattern of --include or --exclude.
//
//   *  any characters but '/'        ?  one character but '/'        [a-z] [!a]  one byte of a set
//   **  any characters               **/  any directories, none included          \x  x itself
//
// A pattern without '/' is compared with the name alone, one with '/' with the path below the PATH that was given. A
// trailing '/' makes it match directories only.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hoist::cli {

class glob {
 public:
  /// Nothing when the pattern is empty or a '[' is not closed.
  static std::optional<glob> compile(std::string_view pattern);

  /// `below` is relative to the walked PATH, without a leading '/'.
  bool matches_file(std::string_view below) const;
  /// Also true for the directory itself when the pattern takes everything below it ("cache/**").
  bool matches_directory(std::string_view below) const;

 private:
  enum class kind : std::uint8_t { literal, any_one, set, star, globstar, globstar_slash };
  struct token {
    kind what;
    char literal = 0;
    bool negated = false;
    std::string members = {}; ///< pairs: first and last of each range
  };

  struct scanner;
  static bool scan(std::string_view pattern, std::vector<token>& tokens);
  bool matches(std::string_view text, std::size_t tokens_used) const;
  bool matches_below(std::string_view below, std::size_t tokens_used) const;

  std::vector<token> tokens_;
  bool whole_path_ = false;
  bool directories_only_ = false;
};

} // namespace hoist::cli
