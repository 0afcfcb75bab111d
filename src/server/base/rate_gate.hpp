// The --bandwidth limit: one account of time for all threads. Whoever has read bytes is told how long to wait before
// reading more; the socket's own window does the rest.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace hoist::server {

class rate_gate {
 public:
  explicit rate_gate(std::uint64_t bytes_per_second) noexcept : bytes_per_second_(bytes_per_second) {}
  [[nodiscard]] bool unlimited() const noexcept { return bytes_per_second_ == 0; }
  // Charges the bytes; zero when the reader may go on at once.
  [[nodiscard]] std::chrono::nanoseconds charge(std::uint64_t bytes, std::chrono::nanoseconds now) noexcept;
  // How much to read at a time, so that the flow stays even.
  [[nodiscard]] std::size_t portion(std::size_t largest) const noexcept;

 private:
  std::uint64_t bytes_per_second_;
  std::atomic<std::int64_t> paid_until_{0}; // ns on the caller's clock
};

} // namespace hoist::server
