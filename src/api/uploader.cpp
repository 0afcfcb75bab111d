// The facade's body: hands everything to the engine.

#include <hoist/uploader.hpp>

#include "engine/engine.hpp"

#include <boost/asio/system_executor.hpp>

#include <chrono>
#include <mutex>

namespace hoist {

namespace {

stop_mode mode_of(boost::asio::cancellation_type type) {
  using ct = boost::asio::cancellation_type;
  return (type & ct::terminal) != ct::none ? stop_mode::now : stop_mode::drain;
}

bool supported(boost::asio::cancellation_type type) {
  using ct = boost::asio::cancellation_type;
  return (type & (ct::terminal | ct::partial)) != ct::none;
}

} // namespace

namespace detail {

void stop_signal::request(boost::asio::cancellation_type type) {
  std::function<void(boost::asio::cancellation_type)> call;
  {
    const std::lock_guard lock(mutex_);
    requested_ |= type;
    call = on_request_;
  }
  if (call) call(type);
}

void stop_signal::attach(std::function<void(boost::asio::cancellation_type)> on_request) {
  boost::asio::cancellation_type earlier;
  {
    const std::lock_guard lock(mutex_);
    earlier = requested_;
    on_request_ = on_request;
  }
  if (earlier != boost::asio::cancellation_type::none) on_request(earlier);
}

} // namespace detail

namespace {

/// What cancellation slots hold on to instead of the uploader: a stop that comes too late finds it closed, and one that
/// comes in time keeps the uploader's end waiting for as long as it takes to be passed on.
struct stop_hub {
  std::mutex mutex;
  engine::engine* work = nullptr;

  void stop(const std::weak_ptr<engine::run>& weak, boost::asio::cancellation_type type) {
    const std::lock_guard lock(mutex);
    const auto r = weak.lock();
    if (work != nullptr && r && supported(type)) work->stop(r, mode_of(type));
  }
  void close() {
    const std::lock_guard lock(mutex);
    work = nullptr;
  }
};

} // namespace

struct uploader::body {
  body(executor_type executor, const options& o) : ex(std::move(executor)), work(o) { hub->work = &work; }
  ~body() { hub->close(); }

  executor_type ex;
  std::shared_ptr<stop_hub> hub =
      std::make_shared<stop_hub>(); // outlives the work: a sink may start something to the very end
  engine::engine work;
};

uploader::uploader(options o) : uploader(boost::asio::system_executor(), std::move(o)) {}

uploader::uploader(executor_type executor, options o) {
  validate(o);
  body_ = std::make_shared<body>(std::move(executor), o);
}

uploader::uploader(uploader&&) noexcept = default;
uploader& uploader::operator=(uploader&&) noexcept = default;
uploader::~uploader() = default;

uploader::executor_type uploader::get_executor() const noexcept {
  return body_->ex;
}

void uploader::start(source what, detail::upload_callback done, std::shared_ptr<detail::stop_signal> signal) {
  auto run = std::make_shared<engine::run>(std::move(done), std::chrono::steady_clock::now());
  signal->attach([hub = body_->hub, weak = std::weak_ptr(run)](auto type) { hub->stop(weak, type); });
  body_->work.start(std::move(run), std::move(what));
}

void uploader::start(batch all, detail::batch_callback done, std::shared_ptr<detail::stop_signal> signal) {
  auto run = std::make_shared<engine::run>(std::move(all), std::move(done), std::chrono::steady_clock::now());
  signal->attach([hub = body_->hub, weak = std::weak_ptr(run)](auto type) { hub->stop(weak, type); });
  body_->work.start(std::move(run));
}

void uploader::cancel(stop_mode how) {
  body_->work.stop_all(how);
}

counters uploader::snapshot() const {
  return body_->work.snapshot();
}

} // namespace hoist
