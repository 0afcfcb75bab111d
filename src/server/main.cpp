// hoist-server: arguments in, one line out, then serving until a signal.
#include <csignal>
#include <cstdio>

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include "server/api/options.hpp"
#include "server/service/server.hpp"

namespace {

constexpr int exit_usage = 2;
constexpr int exit_cannot_start = 4;

void start_log(const std::string& level) {
  spdlog::set_default_logger(spdlog::stderr_color_mt("hoist-server"));
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l %v", spdlog::pattern_time_type::utc);
  spdlog::set_level(spdlog::level::from_str(level));
}

int complain(const char* text, int code) {
  std::fprintf(stderr, "hoist-server: %s\n", text);
  return code;
}

int serve(hoist::server::server_options options) {
  start_log(options.log_level);
  hoist::server::server server(std::move(options));
  std::printf("%s\n", server.listening_line().c_str());
  std::fflush(stdout);
  server.run();
  return 0;
}

} // namespace

int main(int argc, char** argv) {
  // A peer that went away is an error code of the write, not the end of the process.
  std::signal(SIGPIPE, SIG_IGN);
  try {
    auto parsed = hoist::server::parse_options(argc, argv);
    if (const auto* code = std::get_if<int>(&parsed)) return *code;
    return serve(std::get<hoist::server::server_options>(std::move(parsed)));
  } catch (const hoist::server::usage_error& error) {
    return complain(error.what(), exit_usage);
  } catch (const std::exception& error) {
    return complain(error.what(), exit_cannot_start);
  }
}
