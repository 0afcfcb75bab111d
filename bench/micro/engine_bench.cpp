// What starting an upload costs its caller, with so many outstanding already: the API takes connections and says
// nothing.
#include <hoist/uploader.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <benchmark/benchmark.h>

#include <chrono>
#include <memory>
#include <string>

namespace hoist {
namespace {

void start_upload(benchmark::State& state) {
  namespace asio = boost::asio;
  asio::io_context io;
  const asio::ip::tcp::acceptor silent(io, {asio::ip::address_v4::loopback(), 0});
  options o;
  o.endpoint = "http://127.0.0.1:" + std::to_string(silent.local_endpoint().port());
  o.api_key = "key";
  o.threads = 2;
  o.presign_concurrency = 2;
  o.timeout.response = o.timeout.progress = std::chrono::hours(1);
  uploader up(o);
  const auto content = std::make_shared<const std::string>("x");
  const auto start = [&] {
    up.async_upload(source{"x", content, "text/plain", 0}, [](error_code, const file_report&) {});
  };
  for (std::int64_t i = 0; i < state.range(0); ++i) start();
  for (auto _ : state) start();
}
// The count is fixed: each adds to what is outstanding.
BENCHMARK(start_upload)->ArgName("outstanding")->Arg(1'000)->Arg(20'000)->Arg(40'000)->Iterations(1'000);

} // namespace
} // namespace hoist
