#include "cli/inputs/filter.hpp"

#include <algorithm>

namespace hoist::cli {

std::string_view name_of(skip_reason reason) {
  switch (reason) {
  case skip_reason::none: return "none";
  case skip_reason::symlink: return "symlink";
  case skip_reason::special: return "special";
  case skip_reason::excluded: return "excluded";
  case skip_reason::not_included: return "not_included";
  case skip_reason::min_size: return "min_size";
  case skip_reason::max_size: return "max_size";
  case skip_reason::own_file: return "own_file";
  }
  return "none";
}

skip_reason judge_name(const filter_rules& rules, std::string_view below) {
  const auto matches = [&](const glob& g) { return g.matches_file(below); };
  if (std::ranges::any_of(rules.excludes, matches)) return skip_reason::excluded;
  if (!rules.includes.empty() && std::ranges::none_of(rules.includes, matches)) return skip_reason::not_included;
  return skip_reason::none;
}

skip_reason judge_size(const filter_rules& rules, std::uint64_t size) {
  if (rules.size_min && size < *rules.size_min) return skip_reason::min_size;
  if (rules.size_max && size > *rules.size_max) return skip_reason::max_size;
  return skip_reason::none;
}

bool enters(const filter_rules& rules, std::string_view below) {
  return std::ranges::none_of(rules.excludes, [&](const glob& g) { return g.matches_directory(below); });
}

} // namespace hoist::cli
