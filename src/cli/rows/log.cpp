#include "cli/rows/log.hpp"

#include "cli/base/end_watch.hpp"
#include "cli/base/escape.hpp"
#include "cli/base/unique_fd.hpp"
#include "cli/base/usage_error.hpp"

#include <spdlog/sinks/base_sink.h>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace hoist::cli {

namespace {

std::string_view prefix_of(spdlog::level::level_enum level) {
  switch (level) {
  case spdlog::level::warn: return "hoist: warning: ";
  case spdlog::level::err: return "hoist: error: ";
  case spdlog::level::trace:
  case spdlog::level::debug: return "hoist: debug: ";
  default: return "hoist: ";
  }
}

class terminal_sink : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit terminal_sink(terminal& screen) : screen_(screen) {}

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    std::string line(prefix_of(message.level));
    line.append(message.payload.data(), message.payload.size());
    screen_.print(line);
  }
  void flush_() override {}

 private:
  terminal& screen_;
};

/// Appends to a file. One that cannot be written any more is told of once: nobody reads of it in there.
class file_sink : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit file_sink(unique_fd fd) : fd_(std::move(fd)) {}
  ~file_sink() override { write_out(); }

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    if (failed_) return;
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    lines_.append(line.data(), line.size());
    if (lines_.size() >= lines_bytes_max) write_out();
  }
  void flush_() override { write_out(); }

 private:
  static constexpr std::size_t lines_bytes_max = 4096;

  void write_out() {
    for (std::string_view rest = lines_; !rest.empty() && !failed_;) {
      const auto count = ::write(fd_.get(), rest.data(), rest.size());
      if (count >= 0) {
        rest.remove_prefix(static_cast<std::size_t>(count));
      } else if (errno != EINTR) {
        failed_ = true;
        ask_to_end(stop_cause::log_failed, errno);
      }
    }
    lines_.clear();
  }

  unique_fd fd_;
  std::string lines_;
  bool failed_ = false;
};

spdlog::level::level_enum level_of(verbosity v) {
  switch (v) {
  case verbosity::trace: return spdlog::level::trace;
  case verbosity::debug: return spdlog::level::debug;
  case verbosity::info: return spdlog::level::info;
  case verbosity::warning: return spdlog::level::warn;
  case verbosity::error: return spdlog::level::err;
  case verbosity::off: return spdlog::level::off;
  }
  return spdlog::level::warn;
}

spdlog::sink_ptr make_file_sink(const settings& s) {
  std::error_code ignored; // what matters is whether the file opens
  if (s.log_file.has_parent_path()) std::filesystem::create_directories(s.log_file.parent_path(), ignored);
  unique_fd fd(::open(s.log_file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666));
  if (!fd) throw usage_error("--log-file: " + escaped(s.log_file.native()) + ": " + std::strerror(errno));
  auto sink = std::make_shared<file_sink>(std::move(fd));
  // A file is read later, when there is no asking again: it has at least what -v shows.
  sink->set_level(std::min(level_of(s.log_level), spdlog::level::info));
  sink->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l %v");
  return sink;
}

} // namespace

spdlog::level::level_enum level_of(severity s) {
  switch (s) {
  case severity::trace: return spdlog::level::trace;
  case severity::debug: return spdlog::level::debug;
  case severity::info: return spdlog::level::info;
  case severity::warning: return spdlog::level::warn;
  case severity::error: return spdlog::level::err;
  }
  return spdlog::level::info;
}

severity severity_of(const spdlog::logger& log) {
  auto lowest = spdlog::level::off;
  for (const auto& sink : log.sinks()) lowest = std::min(lowest, sink->level());
  for (const auto each : {severity::trace, severity::debug, severity::info, severity::warning})
    if (level_of(each) >= lowest) return each;
  return severity::error;
}

std::shared_ptr<spdlog::logger> make_log(const settings& s, terminal& screen) {
  auto on_screen = std::make_shared<terminal_sink>(screen);
  on_screen->set_level(level_of(s.log_level));
  std::vector<spdlog::sink_ptr> sinks{std::move(on_screen)};
  if (!s.log_file.empty()) sinks.push_back(make_file_sink(s));
  auto log = std::make_shared<spdlog::logger>("hoist", sinks.begin(), sinks.end());
  log->set_level(spdlog::level::trace);
  log->flush_on(spdlog::level::warn);
  return log;
}

} // namespace hoist::cli
