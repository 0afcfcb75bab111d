#include "cli/base/signal_watch.hpp"

#include <boost/asio/post.hpp>

#include <utility>

namespace hoist::cli {

signal_watch::signal_watch(boost::asio::io_context& context, std::function<void(const end_ask&)> tell,
                           std::chrono::milliseconds bound)
    : context_(context), tell_(std::move(tell)), listener_([this](const end_ask& ask) { arrived(ask); }, bound) {}

void signal_watch::begin() {
  busy_.emplace(context_.get_executor());
  const std::lock_guard lock(mutex_);
  begun_ = true;
  for (const auto& ask : std::exchange(early_, {})) pass_on(ask);
}

void signal_watch::end() {
  ended_ = true;
  busy_.reset();
}

void signal_watch::arrived(const end_ask& ask) {
  const std::lock_guard lock(mutex_);
  if (begun_)
    pass_on(ask);
  else
    early_.push_back(ask);
}

void signal_watch::pass_on(const end_ask& ask) {
  boost::asio::post(context_, [this, ask] {
    if (ended_) return; // it was on its way here
    if (ask.nth > 0) ++seen_;
    tell_(ask);
  });
}

} // namespace hoist::cli
