// The facade of deletions: hands everything to the engine's remover.

#include <hoist/remover.hpp>

#include "engine/removal/remover.hpp"

#include <boost/asio/system_executor.hpp>

#include <mutex>

namespace hoist {

namespace {

/// What cancellation slots hold on to instead of the remover: a stop that comes too late finds it closed.
struct stop_gate {
  std::mutex mutex;
  engine::remover* work = nullptr;

  void stop(const std::weak_ptr<engine::removal_run>& r, boost::asio::cancellation_type type) {
    using ct = boost::asio::cancellation_type;
    const std::lock_guard lock(mutex);
    if (work == nullptr || (type & (ct::terminal | ct::partial)) == ct::none) return;
    work->stop(r, (type & ct::terminal) != ct::none ? stop_mode::now : stop_mode::drain);
  }
  void close() {
    const std::lock_guard lock(mutex);
    work = nullptr;
  }
};

} // namespace

struct remover::body {
  body(executor_type executor, const options& o) : ex(std::move(executor)), work(o) { gate->work = &work; }
  ~body() { gate->close(); }

  executor_type ex;
  engine::remover work;
  std::shared_ptr<stop_gate> gate = std::make_shared<stop_gate>();
};

remover::remover(options o) : remover(boost::asio::system_executor(), std::move(o)) {}

remover::remover(executor_type executor, options o) {
  validate(o);
  body_ = std::make_shared<body>(std::move(executor), o);
}

remover::remover(remover&&) noexcept = default;
remover& remover::operator=(remover&&) noexcept = default;
remover::~remover() = default;

remover::executor_type remover::get_executor() const noexcept {
  return body_->ex;
}

void remover::start(removal all, detail::removal_callback done, std::shared_ptr<detail::stop_signal> signal) {
  auto run = std::make_shared<engine::removal_run>(std::move(all), std::move(done));
  signal->attach([gate = body_->gate, weak = std::weak_ptr(run)](auto type) { gate->stop(weak, type); });
  body_->work.start(std::move(run));
}

void remover::cancel(stop_mode how) {
  body_->work.stop_all(how);
}

} // namespace hoist
