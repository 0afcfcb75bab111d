#include "server/service/server.hpp"

#include <algorithm>
#include <filesystem>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include "server/base/encoding.hpp"

namespace hoist::server {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using asio::ip::tcp;

constexpr auto drain_time = 5s;
constexpr auto sweep_interval_max = 60s;
constexpr auto accept_pause = 50ms; // when descriptors have run out: others will close

unix_time wall_clock() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

// A connection and the file it writes need two descriptors; the shells' soft limit is far below what is allowed.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

std::size_t connections_max() {
  rlimit limit{};
  constexpr std::size_t most = 20'000, spare = 64;
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur <= 2 * spare) return spare;
  return std::min<std::size_t>(most, (limit.rlim_cur - spare) / 2);
}

void append_member(std::string& line, std::string_view name, const std::string& value) {
  line.append(",\"").append(name).append("\":\"");
  append_json_escaped(line, value);
  line += '"';
}

} // namespace

server::server(server_options options) : state_(options.state) {
  shared_.options = std::move(options);
  raise_descriptor_limit();
  const auto& o = shared_.options;
  const auto wanted = o.fsync ? durability::survives_power_cut : durability::survives_kill;
  // Its index is what makes the folder ours, also for the next start if this one ends here.
  shared_.store = std::make_unique<object_store>(state_.root(), storage_rules{o.discard, o.digest, wanted});
  shared_.who = load_or_make_identity({state_.root(), o.certificate, o.key, o.api_key_file,
                                       o.advertise_host.empty() ? o.bind : o.advertise_host, !o.plain_http});
  shared_.account = {shared_.who.access_key_id, shared_.who.signing_secret, "us-east-1"};
  shared_.host_id = to_base64(sha256("host " + shared_.who.access_key_id));
  if (!o.plain_http) shared_.tls = make_tls_context({shared_.who.certificate, shared_.who.key, o.suite});
  shared_.bandwidth = std::make_unique<rate_gate>(o.bandwidth);
  shared_.faults = std::make_unique<fault_injector>(o.faults, o.fault_seed);
  listen();
  const unsigned cores = std::max(1U, std::thread::hardware_concurrency());
  for (unsigned i = 0; i < (o.threads == 0 ? cores : o.threads); ++i) {
    workers_.push_back(std::make_unique<worker>(shared_));
  }
}

server::listener server::bound(std::uint16_t port, port_roles roles) {
  const tcp::endpoint endpoint(asio::ip::make_address(shared_.options.bind), port);
  tcp::acceptor acceptor(control_);
  boost::system::error_code ec;
  acceptor.open(endpoint.protocol(), ec);
  if (!ec) acceptor.set_option(tcp::acceptor::reuse_address(true), ec);
  if (!ec) acceptor.bind(endpoint, ec);
  if (!ec) acceptor.listen(4096, ec);
  if (ec) {
    throw std::runtime_error("cannot listen on " + shared_.options.bind + " port " + std::to_string(port) + ": " +
                             ec.message() + "; choose another port, or 0 for a free one");
  }
  return {std::move(acceptor), roles};
}

void server::listen() {
  const auto& o = shared_.options;
  listeners_.push_back(bound(o.port, {true, !o.own_storage_port}));
  shared_.where.api = shared_.where.storage = origin_of(listeners_.front());
  if (!o.own_storage_port) return;
  listeners_.push_back(bound(o.storage_port, {false, true}));
  shared_.where.storage = origin_of(listeners_.back());
}

std::string server::origin_of(const listener& port) const {
  const auto local = port.acceptor.local_endpoint();
  auto host = shared_.options.advertise_host;
  if (host.empty()) {
    host = local.address().is_unspecified() ? (local.address().is_v6() ? "::1" : "127.0.0.1")
                                            : local.address().to_string();
  }
  const bool plain = shared_.options.plain_http;
  std::string origin = plain ? "http://" : "https://";
  if (host.find(':') == std::string::npos)
    origin += host;
  else
    origin.append("[").append(host).append("]");
  // Clients leave the default port out of Host, and Host is signed.
  if (local.port() != (plain ? 80 : 443)) origin.append(":").append(std::to_string(local.port()));
  return origin;
}

std::string server::listening_line() const {
  std::string line = R"({"type":"listening")";
  append_member(line, "endpoint", shared_.where.api);
  append_member(line, "storage", shared_.where.storage);
  if (!shared_.options.plain_http) append_member(line, "cacert", fs::absolute(shared_.who.ca_certificate).string());
  append_member(line, "api_key_file", shared_.who.api_key_file.string());
  append_member(line, "state", state_.path().string());
  return line + "}";
}

asio::awaitable<void> server::accept_from(listener& port) {
  const auto most = connections_max();
  while (!stopping_) {
    boost::system::error_code ec;
    auto& home = *workers_[next_worker_++ % workers_.size()];
    auto socket = co_await port.acceptor.async_accept(home.context(), asio::redirect_error(asio::use_awaitable, ec));
    if (ec == asio::error::operation_aborted || !port.acceptor.is_open()) break;
    if (!ec && shared_.counted.connections_open() < most) {
      home.adopt(std::move(socket), port.roles);
      continue;
    }
    if (ec)
      spdlog::warn("accept: {}", ec.message());
    else
      spdlog::warn("accept: {} connections are open, one more was refused", most);
    asio::steady_timer timer(control_, accept_pause);
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ec));
  }
}

asio::awaitable<void> server::sweep() {
  const auto interval = std::clamp<std::chrono::seconds>(shared_.options.retention / 10, 1s, sweep_interval_max);
  while (!stopping_) {
    try {
      if (const auto removed = shared_.store->sweep(wall_clock() + shared_.faults->clock_offset()))
        spdlog::info("sweep: {} files expired", removed);
    } catch (const std::exception& error) {
      spdlog::error("sweep: {}", error.what());
    }
    boost::system::error_code ignored;
    sweep_timer_.expires_after(interval);
    co_await sweep_timer_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
}

asio::awaitable<void> server::await_signals() {
  boost::system::error_code ec;
  co_await signals_.async_wait(asio::redirect_error(asio::use_awaitable, ec));
  spdlog::info("stopping: what is in flight may end");
  begin_drain();
  // A second signal, or the time: whoever is still busy is cut off.
  drain_timer_.expires_after(drain_time);
  drain_timer_.async_wait([this](boost::system::error_code) { signals_.cancel(); });
  co_await signals_.async_wait(asio::redirect_error(asio::use_awaitable, ec));
  if (threads_running_ > 0) spdlog::warn("stopping: connections that did not end are cut off");
  for (auto& each : workers_) each->abort();
}

void server::begin_drain() {
  stopping_ = true;
  for (auto& port : listeners_) port.acceptor.close();
  sweep_timer_.cancel();
  for (auto& each : workers_) each->drain();
}

void server::run() {
  for (auto& each : workers_) {
    ++threads_running_;
    threads_.emplace_back([this, &each] {
      each->run();
      asio::post(control_, [this] {
        if (--threads_running_ == 0) drain_timer_.cancel();
      });
    });
  }
  for (auto& port : listeners_) asio::co_spawn(control_, accept_from(port), asio::detached);
  asio::co_spawn(control_, sweep(), asio::detached);
  asio::co_spawn(control_, await_signals(), asio::detached);
  spdlog::info("listening: api {} storage {} threads {}", shared_.where.api, shared_.where.storage, workers_.size());
  control_.run();
  for (auto& thread : threads_) thread.join();
  spdlog::info("stopped: {} presigns, {} puts", shared_.counted.presigns(), shared_.counted.puts());
}

} // namespace hoist::server
