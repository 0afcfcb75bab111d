#pragma once

// What the arguments mean, checked and with units. Pure: reads no file, opens nothing.

#include "cli/base/environment.hpp"
#include "cli/inputs/filter.hpp"
#include "cli/options/arguments.hpp"

#include <hoist/options.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace hoist::cli {

enum class output_format : std::uint8_t { jsonl, url };
enum class progress_mode : std::uint8_t { automatic, bar, plain, none };
enum class verbosity : std::uint8_t { trace, debug, info, warning, error, off };

struct settings {
  hoist::options library; ///< `api_key` is still empty when it comes from a file

  std::vector<std::string> paths;
  std::vector<std::string> lists; ///< files of paths; "-" is stdin
  char separator = '\n';
  filter_rules rules;
  std::string content_type;
  std::filesystem::path type_map;

  std::filesystem::path api_key_file;
  std::string manifest; ///< empty: rows go to stdout
  bool overwrite = false;
  bool ledger_is_there = false; ///< found by place_ledger: the manifest that exists may have its rows from it
  output_format format = output_format::jsonl;

  bool dry_run = false;
  bool error_on_empty = false;
  std::uint64_t errors_max = 0; ///< 0: no bound
  std::optional<std::chrono::milliseconds> duration_max;

  progress_mode progress = progress_mode::automatic;
  std::chrono::milliseconds stats_every{10'000};
  verbosity log_level = verbosity::warning;
  std::filesystem::path log_file;
  bool summary = true;
  std::vector<std::string> notices; ///< to be logged once the log is up
};

/// Of any command: where the API is, the key, threads, retries, messages. Throws usage_error.
enum class key_need : std::uint8_t { needed, not_needed };
settings common_settings_from(const arguments& typed, const environment& variables, key_need need);

/// Of `hoist upload`. Throws usage_error.
settings settings_from(const arguments& typed, const environment& variables);

} // namespace hoist::cli
