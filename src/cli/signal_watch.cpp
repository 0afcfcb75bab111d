#include "cli/signal_watch.hpp"

#include <unistd.h>

#include <csignal>
#include <utility>

namespace hoist::cli {

signal_watch::signal_watch(boost::asio::io_context& context, std::function<void(int, int)> tell)
    : signals_(context, SIGINT, SIGTERM), tell_(std::move(tell)) {}

void signal_watch::begin() {
  signals_.async_wait([this](const boost::system::error_code& ec, int number) {
    if (ec || ended_) return; // it may have been on its way here when `end` cancelled it
    // Something that does not even react to a cancellation must not hold the person who asked three times.
    if (++seen_ > 2) ::_exit(128 + number);
    tell_(number, seen_);
    if (!ended_) begin();
  });
}

void signal_watch::end() {
  ended_ = true;
  signals_.cancel();
}

} // namespace hoist::cli
