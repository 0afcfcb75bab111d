#pragma once

// Everything that a command line names, an input at a time: PATHs, what is below them, and lists. Decides what is
// taken, skipped or cannot be taken. Runs on one thread and may block; it ends early once its stop sign is up.

#include "cli/base/stop_sign.hpp"
#include "cli/inputs/filter.hpp"
#include "cli/inputs/list_reader.hpp"
#include "cli/inputs/own_files.hpp"
#include "cli/inputs/taken_paths.hpp"
#include "cli/inputs/walk.hpp"

#include <hoist/error.hpp>

#include <atomic>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

namespace hoist::cli {

struct seen_below;

struct input {
  enum class fate : std::uint8_t { take, skip, fail };

  fate what = fate::take;
  std::string path;                       ///< as given, joined with the walked part
  skip_reason reason = skip_reason::none; ///< why it is skipped
  errc code = errc::source_unreadable;    ///< why it cannot be taken
  std::string message;                    ///< the same as a sentence
  std::optional<std::uint64_t> size;      ///< when it had to be looked at
  /// Of what was found below a directory: where its own part of `path` begins. A link there came after the walk.
  std::size_t link_free_from = std::string::npos;
  bool repeated = false; ///< a list had it before: it gets the row of the first time again
};

enum class size_wanted : std::uint8_t { when_needed, always };

struct intake_request {
  std::vector<std::string> paths;
  std::vector<std::string> lists;
  char separator = '\n';
  filter_rules rules;
  size_wanted sizes = size_wanted::when_needed;
  std::string working_directory; ///< absolute
};

class intake {
 public:
  intake(intake_request request, own_files own, const stop_sign& stop);

  /// Nothing at the end, or once the stop sign is up.
  std::optional<input> next();

  /// From any thread. True once everything named was looked at.
  bool is_exhausted() const { return exhausted_.load(std::memory_order_acquire); }
  /// Files taken from a walk whose name, or a directory's on the way, begins with a dot.
  std::uint64_t hidden_taken() const { return hidden_taken_.load(std::memory_order_relaxed); }

 private:
  enum class named_by : std::uint8_t { argument, list, repeat };
  struct walk_state {
    tree_walk tree;
    std::string root;     ///< as given, ends in '/'
    std::string absolute; ///< ends in '/' as well
    std::string above;    ///< from the directory that the rules see, which was walked before, to this one; ends in '/'
    std::size_t link_free_from{}; ///< in `root`
  };

  std::optional<input> step();
  std::optional<input> start_next();
  std::optional<input> next_listed();
  std::optional<input> open_list(const std::string& name);
  std::optional<input> take_named(std::string path, named_by how);
  std::optional<input> take_below(const taken_paths::walk& walk, std::string path, const std::string& absolute,
                                  named_by how);
  input judge_file(std::string path, std::string_view name, const struct ::stat& status) const;
  bool defer_repeat(const std::string& path, const std::string& absolute);
  std::optional<input> begin_walk(std::string path, const std::string& absolute);
  std::optional<input> walk_below(const taken_paths::walk& walk, const seen_below& seen, std::string path,
                                  const std::string& absolute);
  void start_walk(unique_fd root, std::string path, const std::string& absolute, std::string above,
                  std::size_t link_free_from);
  std::optional<input> next_walked();
  std::optional<input> judge_walked(const tree_walk::item& item);
  tree_walk::descent judge_directory(std::string_view below);

  intake_request request_;
  own_files own_;
  const stop_sign& stop_;
  taken_paths taken_;
  std::deque<std::string> paths_;
  std::deque<std::string> lists_;
  std::deque<std::string> repeats_; ///< told of at the very end, when their first times are settled
  std::optional<walk_state> walk_;
  std::optional<list_reader> list_;
  std::string list_name_;
  std::atomic<bool> exhausted_{false};
  std::atomic<std::uint64_t> hidden_taken_{0};
};

} // namespace hoist::cli
