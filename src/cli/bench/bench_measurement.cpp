#include "cli/bench/bench_measurement.hpp"

#include "cli/base/escape.hpp"
#include "cli/base/library_words.hpp"
#include "cli/bench/machine_load.hpp"
#include "cli/rows/log.hpp"
#include "cli/rows/rows.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <chrono>
#include <utility>

namespace hoist::cli {

namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

/// What is under way when the time is up gets this long; then it is cut off.
constexpr auto drain_time = 10s;
/// The rest would say the same.
constexpr int failures_logged_max = 3;

auto now() {
  return std::chrono::steady_clock::now();
}

hoist::options at_concurrency(hoist::options o, int concurrency) {
  o.concurrency = concurrency;
  return o;
}

} // namespace

bench_measurement::bench_measurement(asio::io_context& context, hoist::options o, bench_meter::plan plan,
                                     std::shared_ptr<const std::string> payload, made_objects& objects,
                                     spdlog::logger& log)
    : plan_(plan)
    , payload_(std::move(payload))
    , made_(objects)
    , log_(log)
    , timer_(context)
    , meter_(plan, now(), resources_used)
    , uploader_(made<uploader>(context.get_executor(), at_concurrency(std::move(o), plan.concurrency))) {}

asio::awaitable<bench_measurement::result> bench_measurement::run() {
  if (plan_.duration > 0ms) {
    timer_.expires_after(plan_.duration);
    timer_.async_wait([this, alive = std::weak_ptr(alive_)](error_code ec) {
      if (!ec && !alive.expired()) time_is_up();
    });
  }
  batch objects = make_batch();
  auto ended = co_await uploader_.async_upload_all(std::move(objects), asio::as_tuple(asio::use_awaitable));
  timer_.cancel();
  auto& [ec, report] = ended;
  const auto counted = uploader_.snapshot();

  result r;
  const std::lock_guard lock(mutex_);
  meter_.close(now());
  r.cell = meter_.result();
  r.cell.presigns_throttled = counted.presigns_throttled;
  r.cell.puts_throttled = counted.puts_throttled;
  r.cell.limited_by = report.limited_by;
  r.cell.limited_detail = std::move(report.limited_detail);
  r.sent = std::min(taken_, report.puts);
  if (ec != errc::cancelled || stopped_early_) r.error = ec; // the time was up: that is no error
  r.details = std::move(report.details);
  co_return r;
}

void bench_measurement::stop(stop_mode how) {
  stopped_early_ = true;
  if (how == stop_mode::drain) return drain();
  timer_.cancel();
  uploader_.cancel(stop_mode::now);
}

double bench_measurement::rate() const {
  const std::lock_guard lock(mutex_);
  return meter_.rate();
}

void bench_measurement::time_is_up() {
  {
    const std::lock_guard lock(mutex_);
    meter_.close(now());
  }
  drain();
}

void bench_measurement::drain() {
  uploader_.cancel(stop_mode::drain);
  timer_.expires_after(drain_time);
  timer_.async_wait([this, alive = std::weak_ptr(alive_)](error_code ec) {
    if (!ec && !alive.expired()) uploader_.cancel(stop_mode::now);
  });
}

// the library's threads

batch bench_measurement::make_batch() {
  batch b;
  b.next = [this] { return next(); };
  b.sink = [this](file_report&& report) { settle(std::move(report)); };
  b.unconfirmed = [this](std::string id) { made_.maybe_stored(std::move(id)); };
  b.watch.on_log = [this](severity s, const std::string& text) { log_.log(level_of(s), "{}", text); };
  return b;
}

std::optional<source> bench_measurement::next() {
  const std::lock_guard lock(mutex_);
  if (taken_ == plan_.objects_max) {
    meter_.source_ended();
    return std::nullopt;
  }
  ++taken_;
  meter_.began();
  source s;
  s.path = "object-" + std::to_string(taken_);
  s.memory = payload_;
  s.content_type = "application/octet-stream";
  return s;
}

void bench_measurement::settle(file_report&& report) {
  if (!report.error) made_.stored(report.id);
  bool tell = false;
  {
    const std::lock_guard lock(mutex_);
    if (report.error)
      meter_.failed();
    else
      meter_.done(now(), report.settled_at, report.presign_time, report.put_time);
    tell = report.error && report.error != errc::cancelled && ++failures_logged_ <= failures_logged_max;
  }
  if (!tell) return;
  log_.error("an upload failed: {} ({})", escaped(failure_text(report.error, report.details)), code_name(report.error));
}

} // namespace hoist::cli
