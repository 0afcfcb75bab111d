#pragma once

// One measurement: an uploader of its own, objects from memory, and a meter. What is measured is what a program that
// uses the library gets.

#include "cli/bench/bench_meter.hpp"
#include "cli/bench/made_objects.hpp"

#include <hoist/uploader.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <spdlog/logger.h>

#include <memory>
#include <mutex>
#include <string>

namespace hoist::cli {

class bench_measurement {
 public:
  struct result {
    bench_cell cell;
    std::uint64_t sent = 0; ///< objects of which bytes may have been sent
    error_code error;       ///< why all measuring is over; `cancelled` after stop()
    diagnostics details;
  };

  /// `o.concurrency` is set from the plan. Throws usage_error for options that the library refuses.
  bench_measurement(boost::asio::io_context& context, hoist::options o, bench_meter::plan plan,
                    std::shared_ptr<const std::string> payload, made_objects& objects, spdlog::logger& log);
  bench_measurement(const bench_measurement&) = delete;
  bench_measurement& operator=(const bench_measurement&) = delete;

  /// Once. On the context's thread.
  boost::asio::awaitable<result> run();
  /// Before its time. On the context's thread.
  void stop(stop_mode how);
  /// Objects a second, so far as they count.
  double rate() const;

 private:
  batch make_batch();
  std::optional<source> next();
  void settle(file_report&& report);
  void time_is_up();
  void drain();

  const bench_meter::plan plan_;
  std::shared_ptr<const std::string> payload_;
  made_objects& made_;
  spdlog::logger& log_;
  boost::asio::steady_timer timer_;
  std::shared_ptr<const char> alive_ = std::make_shared<const char>(); ///< a timer may go off after this is gone
  bool stopped_early_ = false;

  mutable std::mutex mutex_; ///< over the rest, which the source's and the sink's thread share
  bench_meter meter_;
  std::uint64_t taken_ = 0;
  int failures_logged_ = 0;

  uploader uploader_; ///< the last, so that its threads, which call into this, fall silent first
};

} // namespace hoist::cli
