// The job with Beast as its examples use it: `http::file_body` over `beast::ssl_stream<beast::tcp_stream>`, one
// coroutine per upload in flight, one thread.
//
//   stock_beast ENDPOINT LISTFILE CONCURRENCY
//
// HOIST_API_KEY and SSL_CERT_FILE as for every contender. Each worker keeps one connection per origin.
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <boost/json/src.hpp>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::use_awaitable;
using asio::ip::tcp;
using namespace std::chrono_literals;

namespace {

constexpr auto step_limit = 60s;

struct place {
  std::string host, port, target;
};

// "https://host:port/target"; the port is always there, since both sides of this bench are local.
place place_of(std::string_view url) {
  constexpr std::string_view scheme = "https://";
  if (!url.starts_with(scheme)) throw std::runtime_error("no https URL");
  url.remove_prefix(scheme.size());
  const auto slash = std::min(url.find('/'), url.size());
  const auto colon = url.substr(0, slash).rfind(':');
  if (colon == std::string_view::npos) throw std::runtime_error("no port in the URL");
  return {std::string(url.substr(0, colon)), std::string(url.substr(colon + 1, slash - colon - 1)),
          std::string(url.substr(slash))};
}

struct connection {
  connection(asio::io_context& io, asio::ssl::context& tls) : stream(io, tls) {}
  beast::ssl_stream<beast::tcp_stream> stream;
  beast::flat_buffer buffer;
};

struct account {
  std::uint64_t done = 0, failed = 0, bytes = 0;
};

class worker {
 public:
  worker(asio::io_context& io, asio::ssl::context& tls, std::string endpoint, std::string key, std::ifstream& list,
         account& sums)
      : io_(io), tls_(tls), endpoint_(std::move(endpoint)), key_(std::move(key)), list_(list), sums_(sums) {}

  asio::awaitable<void> run() {
    for (std::string path; std::getline(list_, path);) {
      std::string why;
      try {
        const std::uint64_t size = co_await upload(path);
        ++sums_.done;
        sums_.bytes += size;
      } catch (const std::exception& error) {
        why = error.what();
      }
      if (why.empty()) continue;
      std::fprintf(stderr, "stock_beast: %s: %s\n", path.c_str(), why.c_str());
      ++sums_.failed;
      connections_.clear();
    }
  }

 private:
  asio::awaitable<connection*> connected(const place& to) {
    auto& kept = connections_[to.host + ":" + to.port];
    if (kept) co_return kept.get();
    auto fresh = std::make_unique<connection>(io_, tls_);
    auto& lowest = beast::get_lowest_layer(fresh->stream);
    lowest.expires_after(step_limit);
    tcp::resolver resolver(io_);
    const auto addresses = co_await resolver.async_resolve(to.host, to.port, use_awaitable);
    co_await lowest.async_connect(addresses, use_awaitable);
    lowest.socket().set_option(tcp::no_delay(true));
    fresh->stream.set_verify_callback(asio::ssl::host_name_verification(to.host));
    co_await fresh->stream.async_handshake(asio::ssl::stream_base::client, use_awaitable);
    kept = std::move(fresh);
    co_return kept.get();
  }

  template <typename Body>
  asio::awaitable<std::string> exchange(const place& to, http::request<Body>& request) {
    connection* const where = co_await connected(to);
    beast::get_lowest_layer(where->stream).expires_after(step_limit);
    request.set(http::field::host, to.host + ":" + to.port);
    co_await http::async_write(where->stream, request, use_awaitable);
    http::response<http::string_body> answer;
    co_await http::async_read(where->stream, where->buffer, answer, use_awaitable);
    if (answer.result() != http::status::ok) throw std::runtime_error("status " + std::to_string(answer.result_int()));
    if (!answer.keep_alive()) connections_.erase(to.host + ":" + to.port);
    co_return std::move(answer.body());
  }

  asio::awaitable<std::uint64_t> upload(const std::string& path) {
    const place api = place_of(endpoint_ + "/v1/upload/presign");
    http::request<http::string_body> presign{http::verb::post, api.target, 11};
    presign.set("X-API-Key", key_);
    presign.set(http::field::content_type, "application/json");
    presign.body() = R"({"content_type":"application/octet-stream","file_type":"other"})";
    presign.prepare_payload();
    const std::string reply = co_await exchange(api, presign);
    const auto ticket = boost::json::parse(reply).as_object();

    const place storage = place_of(ticket.at("presigned_url").as_string());
    http::request<http::file_body> put{http::verb::put, storage.target, 11};
    beast::error_code ec;
    put.body().open(path.c_str(), beast::file_mode::scan, ec);
    if (ec) throw boost::system::system_error(ec);
    put.set(http::field::content_type, "application/octet-stream");
    for (const auto& [name, value] : ticket.at("required_headers").as_object())
      put.set(std::string_view(name.data(), name.size()), std::string_view(value.as_string()));
    put.prepare_payload();
    const std::uint64_t size = put.body().size();
    co_await exchange(storage, put);
    co_return size;
  }

  asio::io_context& io_;
  asio::ssl::context& tls_;
  std::string endpoint_, key_;
  std::ifstream& list_; // one for all workers
  account& sums_;
  std::map<std::string, std::unique_ptr<connection>> connections_;
};

} // namespace

int main(int argc, char** argv) {
  const char* const key = std::getenv("HOIST_API_KEY");
  const char* const trusted = std::getenv("SSL_CERT_FILE");
  if (argc != 4 || key == nullptr || trusted == nullptr) {
    std::fputs("usage: stock_beast ENDPOINT LISTFILE CONCURRENCY\n", stderr);
    return 2;
  }
  asio::io_context io(1);
  asio::ssl::context tls(asio::ssl::context::tls_client);
  tls.load_verify_file(trusted);
  tls.set_verify_mode(asio::ssl::verify_peer);
  std::ifstream list(argv[2]);
  account sums;
  const int concurrency = std::atoi(argv[3]);
  std::vector<std::unique_ptr<worker>> workers;
  for (int i = 0; i < concurrency; ++i) {
    workers.push_back(std::make_unique<worker>(io, tls, argv[1], key, list, sums));
    asio::co_spawn(io, workers.back()->run(), asio::detached);
  }
  io.run();
  std::printf("{\"done\":%llu,\"failed\":%llu,\"bytes\":%llu}\n", static_cast<unsigned long long>(sums.done),
              static_cast<unsigned long long>(sums.failed), static_cast<unsigned long long>(sums.bytes));
  return sums.failed == 0 ? 0 : 1;
}
