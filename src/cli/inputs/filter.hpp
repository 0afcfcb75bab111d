#pragma once

// The one rule: a file is taken when it matches an include, if any are given, and no exclude; excluded directories are
// not entered. Then the size bounds.

#include "cli/inputs/glob.hpp"

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace hoist::cli {

struct filter_rules {
  std::vector<glob> includes;
  std::vector<glob> excludes;
  std::optional<std::uint64_t> size_min;
  std::optional<std::uint64_t> size_max;

  bool wants_sizes() const { return size_min || size_max; }
};

/// Why something is not taken; the name in a row's `reason`.
enum class skip_reason : std::uint8_t { none, symlink, special, excluded, not_included, min_size, max_size, own_file };

std::string_view name_of(skip_reason reason);

/// `below` is the path below the PATH that was given; for a PATH that is a file, the path as typed.
skip_reason judge_name(const filter_rules& rules, std::string_view below);
skip_reason judge_size(const filter_rules& rules, std::uint64_t size);
bool enters(const filter_rules& rules, std::string_view below);

} // namespace hoist::cli
