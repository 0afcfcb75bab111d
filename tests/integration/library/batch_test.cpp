// Many files: where they come from, where their reports go, and what holds when several things happen at once.

#include "library_fixture.hpp"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>

#include <set>
#include <utility>

namespace hoist {
namespace {

namespace asio = boost::asio;
using test::completion;
using test::eventually;
using test::listed_batch;
using test::memory_sources;
using test::noise;
using test::options_for;
using test::server_process;
using test::temporary_folder;
using test::value_of;

class upload_all : public testing::TestWithParam<int> {};

// 500 files, on any number of threads: each is reported once, one report at a time, not on the caller's thread and
// after it was settled; each is stored once, and the counts agree with the server's own.
TEST_P(upload_all, five_hundred_files) {
  server_process server;
  temporary_folder folder;
  std::vector<source> sources;
  for (std::size_t i = 0; i < 500; ++i) {
    sources.push_back(
        source::file(folder.write("d/" + std::to_string(i) + ".jpg", noise(i * 37, static_cast<unsigned>(i)))));
    sources.back().tag = i;
  }
  listed_batch list(sources);
  options o = options_for(server);
  o.threads = GetParam();
  uploader up(o);
  completion<batch_report> done;
  batch b = list.make();
  std::atomic<bool> on_caller{false}, out_of_time{false};
  const auto began = std::chrono::steady_clock::now();
  b.sink = [&, inner = b.sink, caller = std::this_thread::get_id()](file_report&& r) {
    if (std::this_thread::get_id() == caller) on_caller = true;
    if (r.settled_at <= began || r.settled_at > std::chrono::steady_clock::now()) out_of_time = true;
    inner(std::move(r));
  };
  std::size_t flushed = 0;
  int flushes = 0;
  b.flush = [&] {
    EXPECT_FALSE(list.inside);
    EXPECT_GT(list.reports.size(), flushed) << "there was something to flush";
    flushed = list.reports.size();
    ++flushes;
  };
  up.async_upload_all(std::move(b), done.handler());
  ASSERT_TRUE(done.wait());
  EXPECT_FALSE(done.error()) << done.report().details.message;
  EXPECT_EQ(list.overlaps, 0);
  EXPECT_EQ(flushed, 500u) << "the last flush comes after the last report, before the completion";
  EXPECT_LT(flushes, 500);
  EXPECT_FALSE(on_caller);
  EXPECT_FALSE(out_of_time);
  const auto total = done.report();
  EXPECT_TRUE(total.complete);
  EXPECT_EQ(total.done, 500u);
  EXPECT_EQ(total.failed + total.unsettled, 0u);
  EXPECT_EQ(total.bytes, 37u * 500 * 499 / 2);
  EXPECT_EQ(total.presigns, 500u);
  EXPECT_EQ(total.puts, 500u);
  const auto stored = server.account();
  EXPECT_EQ(stored.size(), 500u);
  std::set<std::uint64_t> tags;
  for (const auto& r : list.reports) {
    EXPECT_FALSE(r.error) << r.details.message;
    EXPECT_EQ(r.path, sources[r.tag].path);
    tags.insert(r.tag);
    ASSERT_TRUE(stored.contains(r.id));
    EXPECT_EQ(stored.at(r.id).size, r.size);
    EXPECT_EQ(stored.at(r.id).puts, 1);
    EXPECT_EQ(stored.at(r.id).md5, r.etag);
  }
  EXPECT_EQ(tags.size(), 500u);
  EXPECT_EQ(server.metric("puts_total"), 500u);
  EXPECT_EQ(server.metric("presigns_total"), 500u);
}

INSTANTIATE_TEST_SUITE_P(threads, upload_all, testing::Values(1, 2, 4));

// When an operation has completed, the counters know everything it did; and they agree with the server's.
TEST(batch, regression_the_counters_are_complete_when_the_batch_is) {
  server_process server;
  for (int round = 0; round < 20; ++round) {
    uploader up(options_for(server));
    const auto presigns = server.metric("presigns_total");
    const auto puts = server.metric("puts_total");
    const auto bytes = server.metric("put_bytes_total");
    listed_batch list(memory_sources(50, 3000));
    std::promise<counters> at_completion;
    up.async_upload_all(list.make(), [&](error_code ec, const batch_report&) {
      EXPECT_FALSE(ec);
      at_completion.set_value(up.snapshot());
    });
    const counters c = value_of(at_completion.get_future());
    EXPECT_EQ(c.files_taken, 50u);
    EXPECT_EQ(c.files_done, 50u);
    EXPECT_EQ(c.files_failed, 0u);
    EXPECT_EQ(c.bytes_done, 150'000u);
    EXPECT_EQ(c.bytes_sent, 150'000u);
    EXPECT_EQ(c.presigns, server.metric("presigns_total") - presigns);
    EXPECT_EQ(c.puts, server.metric("puts_total") - puts);
    EXPECT_EQ(c.bytes_done, server.metric("put_bytes_total") - bytes);
    EXPECT_EQ(c.puts_in_flight, 0u);
    EXPECT_EQ(c.presigns_in_flight, 0u);
    EXPECT_GE(c.sends, c.batches_sealed);
    if (HasFailure()) return;
  }
}

// A batch that uploads some and fails some tells both; failed files are data, and no error of the batch. The counters
// count them as the report does.
TEST(batch, regression_failed_files_are_counted_where_the_report_counts_them) {
  server_process server;
  temporary_folder folder;
  uploader up(options_for(server));
  listed_batch list({source::bytes("good", "x"), source::file(folder.path() / "none"), source::file(folder.path()),
                     source::file(folder.write("good too", "y"))});
  completion<batch_report> done;
  up.async_upload_all(list.make(), done.handler());
  ASSERT_TRUE(done.wait());
  EXPECT_FALSE(done.error());
  EXPECT_TRUE(done.report().complete);
  EXPECT_EQ(done.report().done, 2u);
  EXPECT_EQ(done.report().failed, 2u);
  ASSERT_EQ(list.reports.size(), 4u);
  EXPECT_TRUE(eventually([&] { return up.snapshot().files_done == 2; }));
  EXPECT_EQ(up.snapshot().files_failed, 2u);
  EXPECT_EQ(up.snapshot().files_taken, 4u);
}

// An empty batch is complete; a batch without next or sink is too.
TEST(batch, of_nothing_is_complete) {
  server_process server;
  uploader up(options_for(server));
  for (const bool with_callbacks : {true, false}) {
    listed_batch list({});
    completion<batch_report> done;
    up.async_upload_all(with_callbacks ? list.make() : batch{}, done.handler());
    ASSERT_TRUE(done.wait());
    EXPECT_FALSE(done.error());
    EXPECT_TRUE(done.report().complete);
  }
}

// A source that throws ends the batch as if there were no more; what was taken is uploaded, and the report says why.
TEST(batch, a_source_that_throws_ends_it) {
  server_process server;
  uploader up(options_for(server));
  listed_batch list(memory_sources(5, 100));
  batch b = list.make();
  b.next = [&, inner = b.next]() -> std::optional<source> {
    auto s = inner();
    if (!s) throw std::runtime_error("the disk is gone");
    return s;
  };
  completion<batch_report> done;
  up.async_upload_all(std::move(b), done.handler());
  ASSERT_TRUE(done.wait());
  EXPECT_EQ(done.report().done, 5u);
  EXPECT_FALSE(done.report().complete);
  EXPECT_NE(done.report().details.message.find("the disk is gone"), std::string::npos);
}

// A sink that blocks stops the intake after a bounded number of files; when it goes on, nothing is lost.
TEST(batch, a_blocked_sink_stops_the_intake) {
  server_process server({"--discard", "--digest", "none"});
  uploader up(options_for(server));
  constexpr std::size_t total = 9000, window = 4096;
  std::atomic<std::size_t> pulled{0};
  std::atomic<std::size_t> reported{0};
  std::promise<void> open;
  auto opened = open.get_future().share();
  batch b;
  const auto content = std::make_shared<const std::string>("x");
  b.next = [&]() -> std::optional<source> {
    if (pulled == total) return std::nullopt;
    ++pulled;
    return source{"x", content, "text/plain", 0};
  };
  b.sink = [&](file_report&& r) {
    EXPECT_FALSE(r.error);
    opened.wait();
    ++reported;
  };
  completion<batch_report> done;
  up.async_upload_all(std::move(b), done.handler());
  ASSERT_TRUE(eventually([&] { return pulled >= window; }));
  ASSERT_TRUE(eventually([&] { return up.snapshot().files_done >= window - 1; }))
      << "uploads go on while the sink blocks";
  EXPECT_LE(pulled, window);
  open.set_value();
  ASSERT_TRUE(done.wait());
  EXPECT_EQ(reported, total);
  EXPECT_EQ(done.report().done, total);
}

// A sink that blocks holds its own batch only: another batch and single uploads complete, and neither waits for it.
TEST(batch, a_blocked_sink_holds_nobody_else) {
  server_process server;
  uploader up(options_for(server));
  std::promise<void> inside, open;
  auto opened = open.get_future().share();
  listed_batch slow(memory_sources(300, 100, "s")), other(memory_sources(300, 100, "o"));
  batch b = slow.make();
  b.sink = [&, first = true, inner = b.sink](file_report&& r) mutable {
    if (std::exchange(first, false)) inside.set_value();
    opened.wait();
    inner(std::move(r));
  };
  completion<batch_report> slow_done, other_done;
  up.async_upload_all(std::move(b), slow_done.handler());
  auto blocked = inside.get_future();
  ASSERT_EQ(blocked.wait_for(test::watchdog), std::future_status::ready);
  up.async_upload_all(other.make(), other_done.handler());
  for (int i = 0; i < 20; ++i) EXPECT_NO_THROW(value_of(up.async_upload(source::bytes("x", "y"), asio::use_future)));
  EXPECT_TRUE(other_done.wait());
  EXPECT_EQ(other_done.report().done, 300u);
  EXPECT_EQ(slow_done.times(), 0);
  open.set_value();
  ASSERT_TRUE(slow_done.wait());
  EXPECT_EQ(slow_done.report().done, 300u);
  EXPECT_EQ(slow.reports.size(), 300u);
}

// What a sink starts while the uploader is being destroyed is given up like the rest, and completes.
TEST(batch, a_sink_may_start_uploads_to_the_very_end) {
  server_process server;
  std::atomic<int> begun{0}, completed{0};
  completion<batch_report> done;
  std::promise<void> inside;
  {
    std::promise<void> going;
    auto gone = going.get_future().share();
    uploader up(options_for(server));
    batch b;
    b.next = [given = false]() mutable -> std::optional<source> {
      if (std::exchange(given, true)) return std::nullopt;
      return source::bytes("x", "y");
    };
    b.watch.on_stop = [&] { going.set_value(); };
    b.sink = [&](file_report&&) {
      inside.set_value();
      gone.wait_for(test::watchdog); // by then the destructor is at work
      for (int i = 0; i < 10; ++i, ++begun)
        up.async_upload(source::bytes("late", "z"), [&](error_code ec, const file_report&) {
          EXPECT_EQ(ec, errc::cancelled);
          ++completed;
        });
      completion<batch_report> late;
      up.async_upload_all(batch{}, late.handler());
      EXPECT_TRUE(late.wait());
      EXPECT_EQ(late.error(), errc::cancelled);
    };
    up.async_upload_all(std::move(b), done.handler());
    inside.get_future().wait();
  }
  EXPECT_TRUE(done.wait());
  EXPECT_EQ(begun, 10);
  EXPECT_TRUE(eventually([&] { return completed == 10; })) << completed;
}

// Two batches and a single upload at once are three operations, each with its own files.
TEST(batch, two_batches_and_a_single_upload_at_once) {
  server_process server;
  uploader up(options_for(server));
  listed_batch a(memory_sources(200, 500, "a")), b(memory_sources(100, 900, "b"));
  completion<batch_report> a_done, b_done;
  completion<file_report> one;
  up.async_upload_all(a.make(), a_done.handler());
  up.async_upload_all(b.make(), b_done.handler());
  up.async_upload(source::bytes("single", "x"), one.handler());
  ASSERT_TRUE(a_done.wait());
  ASSERT_TRUE(b_done.wait());
  ASSERT_TRUE(one.wait());
  EXPECT_EQ(a_done.report().done, 200u);
  EXPECT_EQ(a_done.report().puts, 200u);
  EXPECT_EQ(b_done.report().done, 100u);
  EXPECT_EQ(b_done.report().puts, 100u);
  EXPECT_EQ(one.report().path, "single");
  for (const auto& r : a.reports) EXPECT_TRUE(r.path.native().starts_with("a"));
  for (const auto& r : b.reports) EXPECT_TRUE(r.path.native().starts_with("b"));
  EXPECT_EQ(server.account().size(), 301u);
}

// Progress is told at most ten times a second, and once more at the end, with the whole truth.
TEST(batch, progress_is_told_at_most_ten_times_a_second) {
  server_process server({"--put-delay", "20ms"});
  options o = options_for(server);
  o.concurrency = 4;
  uploader up(o);
  listed_batch list(memory_sources(200, 100));
  batch b = list.make();
  int calls = 0;
  counters last;
  b.watch.on_progress = [&](const counters& c) {
    ++calls;
    last = c;
  };
  const auto begun = std::chrono::steady_clock::now();
  completion<batch_report> done;
  up.async_upload_all(std::move(b), done.handler());
  ASSERT_TRUE(done.wait());
  const auto tenths = (std::chrono::steady_clock::now() - begun) / std::chrono::milliseconds(100);
  EXPECT_GE(calls, 2);
  EXPECT_LE(calls, tenths + 2);
  EXPECT_EQ(last.files_done, 200u);
}

// Inside sink and observer every member but the destructor may be called.
TEST(batch, callbacks_may_call_the_uploader) {
  server_process server;
  uploader up(options_for(server));
  listed_batch list(memory_sources(100, 100));
  batch b = list.make();
  std::atomic<int> singles{0};
  b.sink = [&](file_report&&) {
    up.snapshot();
    up.async_upload(source::bytes("from the sink", "x"), [&](error_code ec, const file_report&) {
      EXPECT_FALSE(ec);
      ++singles;
    });
  };
  b.watch.on_progress = [&](const counters&) { up.snapshot(); };
  completion<batch_report> done;
  up.async_upload_all(std::move(b), done.handler());
  ASSERT_TRUE(done.wait());
  EXPECT_FALSE(done.error());
  EXPECT_TRUE(eventually([&] { return singles == 100; })) << singles;
}

// A sink may cancel its own batch.
TEST(batch, a_sink_may_cancel) {
  server_process server;
  options o = options_for(server);
  o.concurrency = 2;
  uploader up(o);
  listed_batch list(memory_sources(1000, 100));
  batch b = list.make();
  b.sink = [&](file_report&&) { up.cancel(stop_mode::now); };
  completion<batch_report> done;
  up.async_upload_all(std::move(b), done.handler());
  ASSERT_TRUE(done.wait());
  EXPECT_EQ(done.error(), errc::cancelled);
  EXPECT_FALSE(done.report().complete);
  EXPECT_EQ(done.report().done + done.report().failed + done.report().unsettled, list.pulled);
}

// A fatal error in mid-batch ends it with that error; files that were not settled are told as such.
TEST(batch, a_fatal_error_ends_it) {
  server_process server;
  options o = options_for(server);
  o.api_key = "wrong";
  uploader up(o);
  listed_batch list(memory_sources(1000, 100));
  completion<batch_report> done;
  up.async_upload_all(list.make(), done.handler());
  ASSERT_TRUE(done.wait());
  EXPECT_EQ(done.error(), errc::key_refused);
  EXPECT_FALSE(done.report().complete);
  EXPECT_NE(done.report().details.message.find("401"), std::string::npos) << done.report().details.message;
  EXPECT_EQ(done.report().done, 0u);
  EXPECT_EQ(done.report().failed + done.report().unsettled, list.pulled);
  EXPECT_EQ(done.times(), 1);
}

// Faults of every transient kind together: every file arrives, once as far as anybody can tell.
TEST(batch, survives_transient_faults) {
  server_process server({"--fault", "put:return-503=5%", "--fault", "put:reset=5%", "--fault", "put:close=5%",
                         "--fault", "presign:return-500=5%", "--fault", "presign:reset=5%", "--fault",
                         "put:lose-answer=3%"});
  for (const int depth : {1, 4}) {
    options o = options_for(server);
    o.presign_depth = depth;
    o.retry.backoff_base = o.retry.throttle_base = std::chrono::milliseconds(5);
    o.retry.backoff_cap = std::chrono::milliseconds(50);
    uploader up(o);
    listed_batch list(memory_sources(400, 2000));
    completion<batch_report> done;
    up.async_upload_all(list.make(), done.handler());
    ASSERT_TRUE(done.wait());
    EXPECT_EQ(done.report().done, 400u) << "depth " << depth;
    EXPECT_EQ(list.reports.size(), 400u);
    const auto stored = server.account();
    for (const auto& r : list.reports) {
      EXPECT_FALSE(r.error) << r.details.message;
      ASSERT_TRUE(stored.contains(r.id));
      EXPECT_EQ(stored.at(r.id).md5, r.etag);
    }
  }
}

// Destroying the uploader with work under way gives that up, and every completion is delivered.
TEST(uploader_destruction, delivers_every_completion) {
  server_process server({"--put-delay", "5s"});
  asio::io_context io;
  int completed = 0;
  std::vector<error_code> errors;
  listed_batch list(memory_sources(100, 100));
  {
    uploader up(io.get_executor(), options_for(server));
    for (int i = 0; i < 10; ++i)
      up.async_upload(source::bytes("x", "y"), [&](error_code ec, const file_report& r) {
        EXPECT_EQ(ec, r.error);
        errors.push_back(ec);
        ++completed;
      });
    up.async_upload_all(list.make(), [&](error_code ec, const batch_report& r) {
      errors.push_back(ec);
      EXPECT_EQ(r.done + r.failed + r.unsettled, list.pulled);
      ++completed;
    });
    ASSERT_TRUE(eventually([&] { return up.snapshot().puts > 0; }));
  }
  EXPECT_EQ(completed, 0) << "they go through the executor";
  io.run();
  EXPECT_EQ(completed, 11);
  for (const auto& ec : errors) EXPECT_EQ(ec, errc::cancelled);
}

// An uploader that never did anything, or has done everything, is destroyed at once.
TEST(uploader_destruction, without_work) {
  server_process server;
  { uploader idle(options_for(server)); }
  uploader up(options_for(server));
  value_of(up.async_upload(source::bytes("x", "y"), asio::use_future));
}

} // namespace
} // namespace hoist
