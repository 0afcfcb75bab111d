#include "net/connect_race.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/redirect_error.hpp>

#include <utility>

namespace hoist::net {

namespace {

using time_point = std::chrono::steady_clock::time_point;

time_point now() {
  return std::chrono::steady_clock::now();
}

} // namespace

bool is_own_shortage(const error_code& ec) noexcept {
  return ec == asio::error::no_descriptors || ec == asio::error::no_buffer_space || ec == asio::error::no_memory ||
         ec == boost::system::errc::too_many_files_open_in_system || ec == boost::system::errc::address_not_available;
}

/// One run. It knows neither the race nor its owner, so that a connect that ends late finds all it needs in here.
struct connect_race::field : std::enable_shared_from_this<field> {
  struct entrant {
    tcp_socket socket;
    tcp::endpoint to;
    time_point since;
    bool running = true;
  };

  field(const executor& ex, std::size_t entrants_max) : news(ex) { entrants.reserve(entrants_max); }

  std::vector<entrant> entrants; ///< never grows beyond what is reserved: sockets stay in place
  std::size_t running = 0;
  std::optional<std::size_t> winner;
  bool over = false; ///< closed: what ends from now on was ended by us
  time_point next_start = time_point::min();
  timer news; ///< expires for the next start; cancelled when an attempt has ended
  addresses bad;
  error_code why;

  void start(const executor& ex, const tcp::endpoint& to, std::chrono::milliseconds head_start) {
    const std::size_t i = entrants.size();
    entrants.push_back({tcp_socket(ex), to, now()});
    ++running;
    next_start = entrants[i].since + head_start;
    entrants[i].socket.async_connect(to, [f = shared_from_this(), i](const error_code& ec) { f->ended(i, ec); });
  }

  void ended(std::size_t i, const error_code& ec) {
    entrants[i].running = false;
    --running;
    news.cancel();
    if (over || winner) return;
    if (ec)
      failed(entrants[i].to, ec);
    else
      winner = i;
  }

  void failed(const tcp::endpoint& to, const error_code& ec) {
    next_start = time_point::min(); // there is nobody to give a head start to
    // Where we have no IPv6 address at all, no port is missing: nothing leads there.
    if (ec == boost::system::errc::address_not_available && to.address().is_v6()) {
      if (!why || !is_own_shortage(why)) why = asio::error::network_unreachable;
      bad.push_back(to);
      return;
    }
    if (is_own_shortage(ec)) {
      if (!why) why = ec;
      return;
    }
    why = ec;
    bad.push_back(to);
  }

  /// Closes all but the winner.
  void close() {
    over = true;
    for (std::size_t i = 0; i < entrants.size(); ++i) {
      error_code ignored; // the descriptor is gone either way
      if (i != winner) entrants[i].socket.close(ignored);
    }
    news.cancel();
  }

  /// To be asked before `close`: who is under way and has had a head start's time.
  void blame_the_silent(std::chrono::milliseconds head_start) {
    for (const entrant& e : entrants)
      if (e.running && now() - e.since >= head_start) bad.push_back(e.to);
  }
};

connect_race::connect_race(executor ex, std::chrono::milliseconds head_start) : ex_(ex), head_start_(head_start) {}

connect_race::~connect_race() {
  if (field_) field_->close();
}

task<race_result> connect_race::run(addresses list) {
  if (field_) field_->close(); // of a run that an exception has ended
  const auto f = field_ = std::make_shared<field>(ex_, list.size());
  std::size_t next = 0;
  while (!f->winner && !f->over && (next < list.size() || f->running > 0)) {
    const bool may_start = next < list.size() && f->running < connects_alive_max;
    if (may_start && now() >= f->next_start) {
      f->start(ex_, list[next++], head_start_);
      continue;
    }
    f->news.expires_at(may_start ? f->next_start : time_point::max());
    error_code woken;
    co_await f->news.async_wait(asio::redirect_error(use_task, woken));
  }
  if (f->winner) f->blame_the_silent(head_start_);
  f->close();
  while (f->running > 0) { // a closed connect ends in the reactor's next turn
    f->news.expires_at(time_point::max());
    error_code woken;
    co_await f->news.async_wait(asio::redirect_error(use_task, woken));
  }
  race_result result{std::nullopt, {}, std::move(f->bad), f->why};
  if (f->winner) {
    result.winner = f->entrants[*f->winner].to;
    result.socket.emplace(std::move(f->entrants[*f->winner].socket));
  }
  field_.reset();
  co_return result;
}

void connect_race::shut(error_code why) {
  if (!field_ || field_->over) return;
  if (why == asio::error::timed_out) field_->blame_the_silent(head_start_);
  field_->why = why;
  field_->winner.reset(); // it stood too late
  field_->close();
}

std::size_t connect_race::alive() const noexcept {
  return field_ ? field_->running : 0;
}

} // namespace hoist::net
