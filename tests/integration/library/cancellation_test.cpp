// Giving up: by the operation's slot, by the uploader, in every state a file can be in. "At once" is looked after by a
// watchdog that is well under the server's delay; it is no assertion about speed.

#include "library_fixture.hpp"

#include <gtest/gtest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>

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
using test::value_of;

constexpr std::chrono::seconds at_once{3}; // the server would take five
constexpr auto terminal = asio::cancellation_type::terminal;
constexpr auto partial = asio::cancellation_type::partial;

/// A thread for completions and for emitting: a signal and its slot are not thread-safe, and the operation empties the
/// slot where the handler runs.
class one_thread {
 public:
  ~one_thread() { pool_.join(); }

  template <class Handler>
  auto bind(asio::cancellation_signal& signal, Handler handler) {
    return asio::bind_cancellation_slot(signal.slot(), asio::bind_executor(pool_, std::move(handler)));
  }
  void emit(asio::cancellation_signal& signal, asio::cancellation_type type) {
    asio::post(pool_, asio::use_future([&signal, type] { signal.emit(type); })).get();
  }

 private:
  asio::thread_pool pool_{1};
};

enum class state { queued, presigning, putting };

struct state_case {
  const char* name;
  state at;
  asio::cancellation_type type;
  int presign_depth;
};

class cancelled_upload : public testing::TestWithParam<state_case> {};

// One upload is given up at once in any state, by terminal and by partial cancellation alike, with errc::cancelled; and
// the uploader goes on.
TEST_P(cancelled_upload, ends_at_once) {
  asio::cancellation_signal signal; // outlives the thread that empties its slot
  one_thread thread;
  const auto& c = GetParam();
  server_process server(c.at == state::putting ? std::vector<std::string>{"--put-delay", "5s"}
                                               : std::vector<std::string>{"--presign-delay", "5s"});
  options o = options_for(server);
  o.concurrency = 1;
  o.presign_concurrency = c.presign_depth;
  o.presign_depth = c.presign_depth;
  uploader up(o);
  completion<file_report> other, cancelled;
  // With room for one, what was asked for first keeps the second waiting.
  const bool behind = c.at == state::queued || c.presign_depth > 1;
  if (behind) up.async_upload(source::bytes("first", "x"), other.handler());
  if (behind) {
    ASSERT_TRUE(eventually([&] { return server.metric("requests_total{endpoint=\"presign\"}") > 0; }));
  }
  up.async_upload(source::bytes("x", "y"), thread.bind(signal, cancelled.handler()));
  ASSERT_TRUE(eventually([&] {
    const auto n = up.snapshot();
    switch (c.at) {
    case state::queued: return n.files_taken == 2;
    case state::presigning: return n.presigns_in_flight == static_cast<std::uint64_t>(c.presign_depth > 1 ? 2 : 1);
    case state::putting: return n.puts_in_flight == 1;
    }
    return false;
  }));
  thread.emit(signal, c.type);
  ASSERT_TRUE(cancelled.wait(at_once));
  EXPECT_EQ(cancelled.error(), errc::cancelled);
  EXPECT_EQ(cancelled.error(), condition::cancelled);
  EXPECT_EQ(cancelled.report().error, errc::cancelled);
  EXPECT_EQ(cancelled.report().path, "x");
  if (behind) {
    ASSERT_TRUE(other.wait());
    EXPECT_FALSE(other.error()) << "the other one is none of its business: " << other.report().details.message;
  }
  completion<file_report> after;
  up.async_upload(source::bytes("after", "z"), after.handler());
  ASSERT_TRUE(after.wait());
  EXPECT_FALSE(after.error());
  EXPECT_EQ(cancelled.times(), 1);
}

INSTANTIATE_TEST_SUITE_P(all, cancelled_upload,
                         testing::Values(state_case{"queued", state::queued, terminal, 1},
                                         state_case{"queued_partial", state::queued, partial, 1},
                                         state_case{"presigning", state::presigning, terminal, 1},
                                         state_case{"presigning_partial", state::presigning, partial, 1},
                                         state_case{"presigning_pipelined", state::presigning, terminal, 4},
                                         state_case{"putting", state::putting, terminal, 1},
                                         state_case{"putting_partial", state::putting, partial, 1}),
                         [](const auto& tested) { return std::string(tested.param.name); });

// Total cancellation is not supported: it does nothing.
TEST(cancellation, total_is_ignored) {
  one_thread thread;
  server_process server({"--put-delay", "200ms"});
  uploader up(options_for(server));
  asio::cancellation_signal signal;
  completion<file_report> done;
  up.async_upload(source::bytes("x", "y"), thread.bind(signal, done.handler()));
  thread.emit(signal, asio::cancellation_type::total);
  ASSERT_TRUE(done.wait());
  EXPECT_FALSE(done.error());
}

// A signal that fires the moment the operation was begun, before any thread has looked at it, is not lost.
TEST(cancellation, at_the_very_beginning) {
  one_thread thread;
  server_process server({"--presign-delay", "5s"});
  uploader up(options_for(server));
  for (int i = 0; i < 50; ++i) {
    asio::cancellation_signal one_signal, all_signal;
    completion<file_report> one;
    completion<batch_report> all;
    listed_batch list(memory_sources(10, 10));
    up.async_upload(source::bytes("x", "y"), thread.bind(one_signal, one.handler()));
    thread.emit(one_signal, terminal);
    up.async_upload_all(list.make(), thread.bind(all_signal, all.handler()));
    thread.emit(all_signal, terminal);
    ASSERT_TRUE(one.wait(at_once));
    ASSERT_TRUE(all.wait(at_once));
    EXPECT_EQ(one.error(), errc::cancelled);
    EXPECT_EQ(all.error(), errc::cancelled);
  }
}

// A signal after the completion is nobody's: the slot was emptied.
TEST(cancellation, after_the_completion_is_nothing) {
  server_process server;
  asio::io_context io;
  uploader up(io.get_executor(), options_for(server));
  asio::cancellation_signal signal;
  int times = 0;
  up.async_upload(source::bytes("x", "y"),
                  asio::bind_cancellation_slot(signal.slot(), [&](error_code ec, const file_report&) {
                    EXPECT_FALSE(ec);
                    EXPECT_FALSE(signal.slot().has_handler());
                    ++times;
                  }));
  io.run_for(test::watchdog);
  signal.emit(terminal);
  EXPECT_EQ(times, 1);
}

// An upload in a parallel group with a timer is an upload with a time limit, whichever comes first.
TEST(cancellation, a_parallel_group_with_a_timer_is_a_time_limit) {
  for (const bool slow : {true, false}) {
    server_process server({"--put-delay", slow ? "5s" : "0"});
    asio::io_context io;
    uploader up(io.get_executor(), options_for(server));
    asio::steady_timer limit(io, slow ? std::chrono::milliseconds(300) : std::chrono::milliseconds(20'000));
    bool called = false;
    asio::experimental::make_parallel_group(up.async_upload(source::bytes("x", "y"), asio::deferred),
                                            limit.async_wait(asio::deferred))
        .async_wait(asio::experimental::wait_for_one(),
                    [&](std::array<std::size_t, 2> order, error_code ec, const file_report& r, error_code timer_ec) {
                      called = true;
                      EXPECT_EQ(order[0], slow ? 1u : 0u);
                      EXPECT_EQ(ec, r.error);
                      if (slow) {
                        EXPECT_EQ(ec, errc::cancelled);
                        EXPECT_FALSE(timer_ec);
                      } else {
                        EXPECT_FALSE(ec);
                        EXPECT_EQ(timer_ec, asio::error::operation_aborted);
                      }
                    });
    io.run_for(slow ? at_once : test::watchdog);
    EXPECT_TRUE(called);
  }
}

// A drained batch lets the PUTs in flight finish and begins nothing else; a terminal one gives them up.
TEST(cancellation, of_a_batch_drains_or_gives_up) {
  one_thread thread;
  for (const auto type : {partial, terminal}) {
    server_process server({"--put-delay", "3s"});
    options o = options_for(server);
    o.concurrency = 4;
    o.threads = 1;
    uploader up(o);
    asio::cancellation_signal signal;
    listed_batch list(memory_sources(100, 100));
    completion<batch_report> done;
    up.async_upload_all(list.make(), thread.bind(signal, done.handler()));
    ASSERT_TRUE(eventually([&] { return up.snapshot().puts_in_flight == 4; }));
    thread.emit(signal, type);
    ASSERT_TRUE(done.wait());
    EXPECT_EQ(done.error(), errc::cancelled);
    const auto r = done.report();
    EXPECT_FALSE(r.complete);
    EXPECT_EQ(r.done + r.failed + r.unsettled, list.pulled);
    EXPECT_EQ(r.failed, 0u) << "what was stopped is unsettled and not failed";
    EXPECT_EQ(r.puts, 4u);
    EXPECT_EQ(r.done, type == partial ? 4u : 0u);
    EXPECT_EQ(list.reports.size(), r.done);
    EXPECT_NO_THROW(value_of(up.async_upload(source::bytes("after", "z"), asio::use_future)));
  }
}

// A drain may be followed by a terminal cancellation, which then ends it at once.
TEST(cancellation, a_drain_may_be_cut_short) {
  one_thread thread;
  server_process server({"--put-delay", "5s"});
  options o = options_for(server);
  o.concurrency = 4;
  uploader up(o);
  asio::cancellation_signal signal;
  listed_batch list(memory_sources(100, 100));
  completion<batch_report> done;
  up.async_upload_all(list.make(), thread.bind(signal, done.handler()));
  ASSERT_TRUE(eventually([&] { return up.snapshot().puts_in_flight == 4; }));
  thread.emit(signal, partial);
  thread.emit(signal, terminal);
  ASSERT_TRUE(done.wait(at_once));
  EXPECT_EQ(done.error(), errc::cancelled);
}

// Cancelling one of two batches leaves the other alone.
TEST(cancellation, of_one_batch_leaves_the_other_alone) {
  one_thread thread;
  server_process server({"--put-delay", "10ms"});
  uploader up(options_for(server));
  asio::cancellation_signal signal;
  listed_batch a(memory_sources(300, 100)), b(memory_sources(300, 100));
  completion<batch_report> a_done, b_done;
  up.async_upload_all(a.make(), thread.bind(signal, a_done.handler()));
  up.async_upload_all(b.make(), b_done.handler());
  ASSERT_TRUE(eventually([&] { return up.snapshot().files_done > 10; }));
  thread.emit(signal, terminal);
  ASSERT_TRUE(a_done.wait());
  ASSERT_TRUE(b_done.wait());
  EXPECT_EQ(a_done.error(), errc::cancelled);
  EXPECT_FALSE(b_done.error());
  EXPECT_EQ(b_done.report().done, 300u);
}

// A source that waits for its turn is not asked again after a cancellation, and a batch whose intake is full ends.
TEST(cancellation, of_a_batch_whose_intake_is_full) {
  one_thread thread;
  server_process server({"--presign-delay", "5s"});
  uploader up(options_for(server));
  asio::cancellation_signal signal;
  const auto content = std::make_shared<const std::string>("x");
  std::atomic<std::size_t> pulled{0};
  batch b;
  b.next = [&]() -> std::optional<source> {
    ++pulled;
    return source{"x", content, "text/plain", 0};
  };
  completion<batch_report> done;
  up.async_upload_all(std::move(b), thread.bind(signal, done.handler()));
  ASSERT_TRUE(eventually([&] { return pulled >= 4096; }));
  thread.emit(signal, terminal);
  ASSERT_TRUE(done.wait(at_once));
  const std::size_t at_the_end = pulled;
  EXPECT_EQ(done.report().unsettled, at_the_end);
}

// uploader::cancel ends every operation, and the uploader can be used again.
TEST(cancellation, by_the_uploader_ends_all) {
  for (const auto how : {stop_mode::now, stop_mode::drain}) {
    server_process server({"--put-delay", "1s"});
    options o = options_for(server);
    o.concurrency = 2;
    uploader up(o);
    listed_batch list(memory_sources(50, 100));
    completion<batch_report> all;
    std::vector<std::unique_ptr<completion<file_report>>> singles;
    up.async_upload_all(list.make(), all.handler());
    for (int i = 0; i < 5; ++i) {
      singles.push_back(std::make_unique<completion<file_report>>());
      up.async_upload(source::bytes("x", "y"), singles.back()->handler());
    }
    ASSERT_TRUE(eventually([&] { return up.snapshot().puts_in_flight == 2; }));
    up.cancel(how);
    ASSERT_TRUE(all.wait());
    EXPECT_EQ(all.error(), errc::cancelled);
    for (const auto& s : singles) {
      ASSERT_TRUE(s->wait());
      EXPECT_TRUE(s->error() == errc::cancelled || (how == stop_mode::drain && !s->error())) << s->error().message();
    }
    up.cancel(how); // nothing is under way: nothing happens
    EXPECT_NO_THROW(value_of(up.async_upload(source::bytes("after", "z"), asio::use_future)));
  }
}

// The destructor waits for its threads, also while another thread is just emitting a cancellation.
TEST(cancellation, while_the_uploader_is_destroyed) {
  one_thread thread;
  server_process server({"--put-delay", "5s"});
  for (int i = 0; i < 30; ++i) {
    asio::cancellation_signal signal;
    completion<file_report> done;
    auto up = std::make_unique<uploader>(options_for(server));
    up->async_upload(source::bytes("x", "y"), thread.bind(signal, done.handler()));
    std::promise<void> go;
    std::thread emitter([&, ready = go.get_future()] {
      ready.wait();
      thread.emit(signal, terminal);
    });
    go.set_value();
    up.reset();
    emitter.join();
    ASSERT_TRUE(done.wait(at_once));
    EXPECT_EQ(done.error(), errc::cancelled);
  }
}

} // namespace
} // namespace hoist
