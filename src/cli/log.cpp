#include "cli/log.hpp"

#include "cli/escape.hpp"
#include "cli/usage_error.hpp"

#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/basic_file_sink.h>

#include <mutex>
#include <string>
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
  try {
    auto sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(s.log_file.native());
    // A file is read later, when there is no asking again: it has at least what -v shows.
    sink->set_level(std::min(level_of(s.log_level), spdlog::level::info));
    sink->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l %v");
    return sink;
  } catch (const spdlog::spdlog_ex& failure) {
    throw usage_error("--log-file: " + escaped(failure.what()));
  }
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
