// What it costs to start an upload, in time of the calling thread's own: others may be busy meanwhile.

#include "library_fixture.hpp"
#include "loopback.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <ctime>

namespace hoist {
namespace {

using std::chrono::nanoseconds;

nanoseconds own_time() {
  timespec t{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return std::chrono::seconds(t.tv_sec) + nanoseconds(t.tv_nsec);
}

/// Uploads to an API that takes connections and says nothing, so that all of them stay outstanding.
class outstanding_uploads {
 public:
  outstanding_uploads() : up_(options_of(api_)) {}

  std::size_t begun() const { return begun_; }
  void begin(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i, ++begun_)
      up_.async_upload(source{"x", content_, "text/plain", 0},
                       [c = completed_](error_code, const file_report&) { ++*c; });
  }
  std::shared_ptr<std::atomic<std::size_t>> completed() const { return completed_; }

  /// The least of some tries: what came between is not what is asked for.
  nanoseconds cost_of_the_next(std::size_t count) {
    auto least = nanoseconds::max();
    for (int i = 0; i < 8; ++i) {
      const auto before = own_time();
      begin(count);
      least = std::min(least, own_time() - before);
    }
    return least;
  }

 private:
  static options options_of(const test::quiet_listener& api) {
    options o;
    o.endpoint = "http://127.0.0.1:" + std::to_string(api.port());
    o.api_key = "key";
    o.threads = 2;
    o.presign_concurrency = 2;
    o.timeout.response = o.timeout.progress = std::chrono::hours(1);
    return o;
  }

  test::quiet_listener api_{"127.0.0.1"};
  std::shared_ptr<const std::string> content_ = std::make_shared<const std::string>("x");
  std::shared_ptr<std::atomic<std::size_t>> completed_ = std::make_shared<std::atomic<std::size_t>>(0);
  std::size_t begun_ = 0;
  uploader up_;
};

// Starting one of 40 000 costs at most three times what one of 1 000 does; and all of them complete when they are given
// up.
TEST(starting, regression_costs_the_same_however_many_are_outstanding) {
  std::size_t begun = 0;
  std::shared_ptr<std::atomic<std::size_t>> completed;
  {
    outstanding_uploads tested;
    completed = tested.completed();
    tested.begin(1000);
    const auto of_few = tested.cost_of_the_next(100);
    tested.begin(40'000 - tested.begun());
    const auto of_many = tested.cost_of_the_next(100);
    EXPECT_LE(of_many, 3 * of_few) << "ns: " << of_few.count() << " and " << of_many.count();
    begun = tested.begun();
  }
  EXPECT_TRUE(test::eventually([&] { return *completed == begun; })) << *completed << " of " << begun;
}

} // namespace
} // namespace hoist
