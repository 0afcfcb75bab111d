#pragma once

// Progress as text, from counters. Pure: time and width are arguments.

#include <hoist/report.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>

namespace hoist::cli {

struct progress_view {
  std::uint64_t settled = 0; ///< done and failed
  std::uint64_t failed = 0;
  std::optional<std::uint64_t> total; ///< nothing while the listing goes on
  std::uint64_t bytes_done = 0;
  std::uint64_t in_flight = 0;
  std::uint64_t retries = 0;
  double files_per_second = 0;
  double bytes_per_second = 0;
  std::string waits_for; ///< what is waited for, as a clause; empty: nothing worth telling
};

/// E.g. "waiting for storage cdn.example: connection refused, 35 s; next try in 4 s".
std::string waiting_text(const waiting& w);

/// Never longer than `width` - 1 columns, so that it does not wrap. What matters least is left out first.
std::string bar_line(const progress_view& view, std::size_t width);

/// The same for logs: whole, without a bar.
std::string plain_line(const progress_view& view);

/// Time left at the present rate; nothing while it cannot be told.
std::optional<std::chrono::seconds> time_left(const progress_view& view);

/// Rates over the last seconds, so that a bar tells of now and not of an hour ago.
class rate_meter {
 public:
  using time_point = std::chrono::steady_clock::time_point;
  static constexpr std::chrono::seconds window{8};

  void add(time_point now, std::uint64_t files, std::uint64_t bytes);
  double files_per_second() const;
  double bytes_per_second() const;

 private:
  struct sample {
    time_point at;
    std::uint64_t files;
    std::uint64_t bytes;
  };
  double per_second(std::uint64_t sample::*counter) const;

  std::deque<sample> samples_;
};

} // namespace hoist::cli
