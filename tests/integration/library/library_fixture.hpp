#pragma once

// What every test of the library needs: options that lead to its server, and waits that a watchdog ends.

#include "server_process.hpp"

#include <hoist/hoist.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

namespace hoist::test {

constexpr std::chrono::seconds watchdog{30};

inline options options_for(const server_process& server) {
  options o;
  o.endpoint = server.endpoint();
  o.api_key = server.key();
  o.tls.ca_files = {server.cacert()};
  o.threads = 2;
  return o;
}

/// The value, or a failure of the test when it does not come.
template <class T>
T value_of(std::future<T> f) {
  if (f.wait_for(watchdog) != std::future_status::ready) throw std::runtime_error("an operation did not complete");
  return f.get();
}

/// What an operation completed with, from any thread; counts how often it did. Handlers keep what they write to, so a
/// test that fails early may leave before its operations do.
template <class Report>
class completion {
 public:
  auto handler() {
    return [to = state_](error_code ec, Report r) {
      const std::lock_guard lock(to->mutex);
      ++to->times;
      to->error = ec;
      to->report = std::move(r);
      to->changed.notify_all();
    };
  }

  bool wait(std::chrono::milliseconds most = watchdog) {
    std::unique_lock lock(state_->mutex);
    return state_->changed.wait_for(lock, most, [&] { return state_->times > 0; });
  }
  int times() const {
    const std::lock_guard lock(state_->mutex);
    return state_->times;
  }
  error_code error() const {
    const std::lock_guard lock(state_->mutex);
    return state_->error;
  }
  Report report() const {
    const std::lock_guard lock(state_->mutex);
    return state_->report;
  }

 private:
  struct state {
    std::mutex mutex;
    std::condition_variable changed;
    int times = 0;
    error_code error;
    Report report;
  };
  std::shared_ptr<state> state_ = std::make_shared<state>();
};

/// A batch over a list, whose sink keeps the reports and checks that it is called one at a time.
struct listed_batch {
  explicit listed_batch(std::vector<source> list) : sources(std::move(list)) {}

  batch make() {
    batch b;
    b.next = [this]() -> std::optional<source> {
      if (pulled == sources.size()) return std::nullopt;
      return sources[pulled++];
    };
    b.sink = [this](file_report&& r) {
      if (inside.exchange(true)) ++overlaps;
      reports.push_back(std::move(r));
      inside = false;
    };
    return b;
  }

  std::vector<source> sources;
  std::atomic<std::size_t> pulled{0};
  std::vector<file_report> reports; ///< read after completion
  std::atomic<bool> inside{false};
  std::atomic<int> overlaps{0};
};

inline std::vector<source> memory_sources(std::size_t count, std::size_t bytes, const std::string& prefix = "m") {
  std::vector<source> list;
  for (std::size_t i = 0; i < count; ++i) {
    list.push_back(source::bytes(prefix + std::to_string(i) + ".png", noise(bytes, static_cast<unsigned>(i))));
    list.back().tag = i;
  }
  return list;
}

/// Polls what another process or thread does; there is nothing to be told by.
template <class Condition>
bool eventually(Condition condition) {
  const auto end = std::chrono::steady_clock::now() + watchdog;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

} // namespace hoist::test
