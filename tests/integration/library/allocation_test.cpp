// How often memory is asked for per file, in the steady state: a count, which no machine's speed changes.

#include "library_fixture.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>

namespace {
std::atomic<std::uint64_t> allocations{0};
}

// Not inlined: GCC 12 would see malloc and free in one function and take them for a mismatch.
[[gnu::noinline]] void* operator new(std::size_t n) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  if (void* p = std::malloc(n > 0 ? n : 1)) return p;
  throw std::bad_alloc();
}
[[gnu::noinline]] void* operator new[](std::size_t n) {
  return operator new(n);
}
[[gnu::noinline]] void operator delete(void* p) noexcept {
  std::free(p);
}
[[gnu::noinline]] void operator delete(void* p, std::size_t) noexcept {
  std::free(p);
}
[[gnu::noinline]] void operator delete[](void* p) noexcept {
  std::free(p);
}
[[gnu::noinline]] void operator delete[](void* p, std::size_t) noexcept {
  std::free(p);
}

namespace hoist {
namespace {

/// Allocations while `files` files of 4 KB, which all share their bytes, are uploaded.
std::uint64_t allocations_of(uploader& up, std::size_t files) {
  const auto content = std::make_shared<const std::string>(test::noise(4096));
  std::size_t pulled = 0;
  std::uint64_t failed = 0;
  batch b;
  b.next = [&]() -> std::optional<source> {
    if (pulled++ == files) return std::nullopt;
    return source{"a-name-of-some-length-as-they-are.png", content, {}, 0};
  };
  b.sink = [&](file_report&& r) { failed += r.error ? 1 : 0; };
  test::completion<batch_report> done;
  const auto before = allocations.load();
  up.async_upload_all(std::move(b), done.handler());
  EXPECT_TRUE(done.wait());
  const auto after = allocations.load();
  EXPECT_EQ(failed, 0u);
  EXPECT_EQ(done.report().done, files);
  return after - before;
}

// Once connections stand and tables have grown, a file costs few allocations from its source to its report.
TEST(allocations, per_file_are_few) {
  constexpr double per_file_max = 12; // measured: 10.0
  test::server_process server({"--discard", "--digest", "none"});
  options o = test::options_for(server);
  o.threads = 1;
  uploader up(o);
  allocations_of(up, 2000);
  const double per_file = static_cast<double>(allocations_of(up, 2000)) / 2000;
  RecordProperty("per_file", std::to_string(per_file));
  EXPECT_LE(per_file, per_file_max);
}

} // namespace
} // namespace hoist
