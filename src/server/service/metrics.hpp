// What happened, counted. Each thread counts in its own block, so that counting costs no shared cache line.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "server/service/route.hpp"

namespace hoist::server {

class counter {
 public:
  void add(std::uint64_t count = 1) noexcept {
    // Only one thread writes it: a plain addition is enough, others merely read.
    value_.store(value_.load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

struct alignas(64) thread_counters {
  counter presigns, puts, put_bytes, body_bytes, connections, connections_closed;
  counter handshakes, handshakes_resumed, handshakes_failed, timeouts;
  std::array<counter, endpoint_count> requests;
};

class metrics {
 public:
  // Before the threads start; the reference stays good.
  thread_counters& add_thread();
  void refused_put(const std::string& code);
  void refused_presign(unsigned status);
  void injected_fault(const std::string& name);
  [[nodiscard]] std::string text() const; // Prometheus
  [[nodiscard]] std::uint64_t presigns() const { return sum(&thread_counters::presigns); }
  [[nodiscard]] std::uint64_t puts() const { return sum(&thread_counters::puts); }
  [[nodiscard]] std::uint64_t connections_open() const {
    return sum(&thread_counters::connections) - sum(&thread_counters::connections_closed);
  }

 private:
  using labelled = std::map<std::string, std::uint64_t>;
  static constexpr std::size_t labels_max = 200; // codes are ours, so this is never reached; the bound is for certain
  [[nodiscard]] std::uint64_t sum(counter thread_counters::*member) const;
  void count(labelled& where, const std::string& label);

  std::vector<std::unique_ptr<thread_counters>> threads_;
  mutable std::mutex mutex_; // refusals are rare
  labelled puts_refused_, presigns_refused_, faults_;
};

} // namespace hoist::server
