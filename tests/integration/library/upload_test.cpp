// One file: every kind of completion token, every kind of source, and what comes back.

#include "library_fixture.hpp"
#include "loopback.hpp"
#include "md5_hex.hpp"

#include <gtest/gtest.h>

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>

namespace hoist {
namespace {

namespace asio = boost::asio;
using test::completion;
using test::md5_hex;
using test::noise;
using test::options_for;
using test::server_process;
using test::temporary_folder;
using test::value_of;

class upload : public testing::Test {
 protected:
  server_process server;
  temporary_folder folder;
};

// A callback is called once, and the server has the very bytes.
TEST_F(upload, with_a_callback) {
  uploader up(options_for(server));
  completion<file_report> done;
  const std::string bytes = noise(200'000);
  up.async_upload(source::bytes("picture.png", bytes), done.handler());
  ASSERT_TRUE(done.wait());
  const auto r = done.report();
  EXPECT_FALSE(done.error()) << r.details.message;
  EXPECT_EQ(r.error, done.error());
  EXPECT_EQ(r.path, "picture.png");
  EXPECT_EQ(r.size, bytes.size());
  EXPECT_EQ(r.content_type, "image/png");
  EXPECT_EQ(r.etag, md5_hex(bytes));
  EXPECT_EQ(r.verified, verification::size);
  EXPECT_EQ(r.attempts, 1);
  EXPECT_EQ(r.presigns, 1);
  EXPECT_FALSE(r.public_url.empty());
  const auto stored = server.account();
  ASSERT_TRUE(stored.contains(r.id));
  EXPECT_EQ(stored.at(r.id).md5, md5_hex(bytes));
  EXPECT_EQ(stored.at(r.id).puts, 1);
  EXPECT_TRUE(server.get(r.public_url.substr(server.endpoint().size())) == bytes);
}

// use_future: the report by value, a failure as an exception with the error_code.
TEST_F(upload, with_a_future) {
  uploader up(options_for(server));
  const auto r = value_of(up.async_upload(source::file(folder.write("a.txt", "text")), asio::use_future));
  EXPECT_EQ(r.size, 4u);
  EXPECT_EQ(r.content_type, "text/plain");
  try {
    value_of(up.async_upload(source::file(folder.path() / "none"), asio::use_future));
    ADD_FAILURE() << "a missing file was uploaded";
  } catch (const boost::system::system_error& e) {
    EXPECT_EQ(e.code(), errc::source_missing);
  }
}

// use_awaitable inside co_spawn; the coroutine goes on on its own executor.
TEST_F(upload, with_a_coroutine) {
  asio::io_context io;
  uploader up(io.get_executor(), options_for(server));
  const auto here = std::this_thread::get_id();
  int finished = 0;
  auto scenario = [&]() -> asio::awaitable<void> {
    for (int i = 0; i < 3; ++i) {
      file_report r = co_await up.async_upload(source::bytes("x", "bytes"), asio::use_awaitable);
      EXPECT_EQ(std::this_thread::get_id(), here);
      EXPECT_FALSE(r.error);
      ++finished;
    }
  };
  asio::co_spawn(io, scenario(), asio::detached);
  io.run_for(test::watchdog);
  EXPECT_EQ(finished, 3);
}

// deferred: nothing happens until the operation is launched, and then it happens once.
TEST_F(upload, with_a_deferred_operation) {
  uploader up(options_for(server));
  completion<file_report> done;
  auto operation = up.async_upload(source::bytes("x", "bytes"), asio::deferred);
  EXPECT_EQ(up.snapshot().files_taken, 0u);
  std::move(operation)(done.handler());
  ASSERT_TRUE(done.wait());
  EXPECT_FALSE(done.error());
  EXPECT_EQ(server.account().size(), 1u);
}

// The completion runs on the executor that is bound to the handler, not on the uploader's, which keeps it alive until
// then; without one it runs on the uploader's.
TEST_F(upload, completes_on_the_associated_executor) {
  asio::io_context own;
  asio::thread_pool bound(1);
  std::thread::id bound_thread;
  asio::post(bound, asio::use_future([&] { bound_thread = std::this_thread::get_id(); })).get();
  uploader up(own.get_executor(), options_for(server));
  std::promise<std::thread::id> where;
  up.async_upload(source::bytes("x", "y"), asio::bind_executor(bound, [&](error_code ec, const file_report&) {
                    EXPECT_FALSE(ec);
                    where.set_value(std::this_thread::get_id());
                  }));
  EXPECT_EQ(value_of(where.get_future()), bound_thread);
  bool called = false;
  up.async_upload(source::bytes("x", "y"), [&](error_code, const file_report&) { called = true; });
  own.run_for(test::watchdog); // returns when the operation's work is done
  EXPECT_TRUE(called);
  bound.join();
}

// A handler that can only be moved is fine.
TEST_F(upload, takes_a_move_only_handler) {
  uploader up(options_for(server));
  auto promise = std::make_unique<std::promise<error_code>>();
  auto future = promise->get_future();
  up.async_upload(source::bytes("x", "y"),
                  [promise = std::move(promise)](error_code ec, const file_report&) { promise->set_value(ec); });
  EXPECT_FALSE(value_of(std::move(future)));
}

// Every size around a boundary arrives as what it was, from a file and from memory.
TEST_F(upload, every_size_arrives) {
  uploader up(options_for(server));
  std::vector<std::pair<std::string, std::future<file_report>>> all;
  for (const std::size_t n : {0u, 1u, 16'384u, 65'535u, 65'536u, 65'537u, 98'304u, 1'000'000u, 5'000'000u}) {
    const std::string bytes = noise(n, static_cast<unsigned>(n));
    all.emplace_back(md5_hex(bytes), up.async_upload(source::bytes("m", bytes), asio::use_future));
    all.emplace_back(md5_hex(bytes),
                     up.async_upload(source::file(folder.write("f" + std::to_string(n), bytes)), asio::use_future));
  }
  for (auto& [md5, future] : all) {
    const auto r = value_of(std::move(future));
    EXPECT_EQ(r.etag, md5) << r.size;
  }
  for (const auto& [id, stored] : server.account()) EXPECT_EQ(stored.puts, 1) << id;
}

// The caller's content type and tag come back; the type is what the storage was told.
TEST_F(upload, the_callers_words_come_back) {
  uploader up(options_for(server));
  source s = source::bytes("x.png", "y", "application/x-mine");
  s.tag = 42;
  const auto r = value_of(up.async_upload(s, asio::use_future));
  EXPECT_EQ(r.content_type, "application/x-mine");
  EXPECT_EQ(r.tag, 42u);
}

struct unfit_case {
  const char* name;
  std::function<source(const temporary_folder&)> make;
  errc expected;
};

// What cannot be sent fails for what it is, without any request; the report says which file it was.
TEST_F(upload, unfit_sources_fail_without_a_request) {
  const unfit_case cases[] = {
      {"missing", [](const auto& f) { return source::file(f.path() / "none"); }, errc::source_missing},
      {"folder", [](const auto& f) { return source::file(f.path()); }, errc::source_not_regular},
      {"too large", [](const auto&) { return source::bytes("x", std::string(2000, 'x')); }, errc::source_too_large},
      {"bad type", [](const auto&) { return source::bytes("x", "y", "text/plain\r\nX-Evil: 1"); },
       errc::header_refused},
  };
  options o = options_for(server);
  o.file_bytes_max = 1999;
  uploader up(o);
  for (const auto& c : cases) {
    completion<file_report> done;
    const source s = c.make(folder);
    const auto began = std::chrono::steady_clock::now();
    up.async_upload(s, done.handler());
    ASSERT_TRUE(done.wait()) << c.name;
    EXPECT_GT(done.report().settled_at, began) << c.name;
    EXPECT_EQ(done.error(), c.expected) << c.name;
    EXPECT_EQ(done.report().error, c.expected) << c.name;
    EXPECT_EQ(done.report().path, s.path) << c.name;
    EXPECT_FALSE(done.report().details.message.empty()) << c.name;
  }
  EXPECT_EQ(server.metric("presigns_total"), 0u);
}

// A wrong key ends the uploader, as no later operation could go better: this operation and every later one fails at
// once, with the same reason, for one and for many; the key itself is in no text.
TEST_F(upload, a_refused_key_is_sticky) {
  options o = options_for(server);
  o.api_key = "not-the-key-0123456789";
  uploader up(o);
  for (int i = 0; i < 3; ++i) {
    completion<file_report> one;
    up.async_upload(source::bytes("x", "y"), one.handler());
    ASSERT_TRUE(one.wait());
    EXPECT_EQ(one.error(), errc::key_refused) << i;
    EXPECT_EQ(one.report().error, errc::key_refused) << i;
    EXPECT_EQ(one.report().details.message.find(o.api_key), std::string::npos);
    EXPECT_NE(one.report().details.message.find("401"), std::string::npos) << one.report().details.message;
    EXPECT_EQ(one.times(), 1);
  }
  EXPECT_EQ(server.metric("presign_refused_total{status=\"401\"}"), 1u) << "later operations make no request";
  test::listed_batch list(test::memory_sources(10, 10));
  completion<batch_report> all;
  up.async_upload_all(list.make(), all.handler());
  ASSERT_TRUE(all.wait());
  EXPECT_EQ(all.error(), errc::key_refused);
  EXPECT_FALSE(all.report().complete);
  EXPECT_EQ(list.pulled, 0u);
}

// An untrusted server ends an operation as tls_refused, and no byte of the key has left.
TEST_F(upload, an_untrusted_server_is_tls_refused) {
  options o = options_for(server);
  o.tls.ca_files.clear();
  uploader up(o);
  completion<file_report> done;
  up.async_upload(source::bytes("x", "y"), done.handler());
  ASSERT_TRUE(done.wait());
  EXPECT_EQ(done.error(), errc::tls_refused);
  EXPECT_EQ(server.metric("presigns_total"), 0u);
}

// An API that cannot be reached ends what is under way, and that alone: what is begun later is tried anew. So may an
// untrusted certificate have been mended.
TEST(upload_ended, regression_later_uploads_are_tried_anew) {
  const test::silent_place nobody("127.0.0.1");
  options unreachable;
  unreachable.endpoint = "http://127.0.0.1:" + std::to_string(nobody.port());
  unreachable.api_key = "key";
  unreachable.threads = 2;
  server_process server;
  options untrusted = options_for(server);
  untrusted.tls.ca_files.clear();
  for (const auto& [o, cause] : {std::pair{unreachable, errc::api_unreachable}, {untrusted, errc::tls_refused}}) {
    uploader up(o);
    for (int i = 0; i < 3; ++i) {
      const auto begun = std::chrono::steady_clock::now();
      completion<file_report> one;
      up.async_upload(source::bytes("x", "y"), one.handler());
      ASSERT_TRUE(one.wait());
      EXPECT_EQ(one.error(), cause) << i;
      EXPECT_FALSE(one.report().details.message.empty());
      // Refused at once would be no try: one that nobody answers takes 3 s, and a handshake its time.
      EXPECT_GT(std::chrono::steady_clock::now() - begun,
                cause == errc::api_unreachable ? std::chrono::milliseconds{2500} : std::chrono::milliseconds{0});
    }
    test::listed_batch list(test::memory_sources(10, 10));
    completion<batch_report> all;
    up.async_upload_all(list.make(), all.handler());
    ASSERT_TRUE(all.wait());
    EXPECT_EQ(all.error(), cause);
    EXPECT_GT(list.pulled, 0u);
  }
}

// A transient refusal is retried and told nowhere but in the counts.
TEST(upload_with_faults, a_transient_refusal_is_retried) {
  server_process server({"--fault", "put:return-503=first-1", "--fault", "presign:return-500=first-1"});
  options o = options_for(server);
  o.retry.throttle_base = std::chrono::milliseconds(10);
  o.retry.backoff_base = std::chrono::milliseconds(10);
  uploader up(o);
  const auto r = value_of(up.async_upload(source::bytes("x", "y"), asio::use_future));
  EXPECT_EQ(r.attempts, 2);
  EXPECT_GE(r.presigns, 2);
  EXPECT_EQ(server.account().at(r.id).puts, 1);
}

// Many single uploads at once, from several threads, each complete once.
TEST_F(upload, many_at_once_from_several_threads) {
  uploader up(options_for(server));
  std::atomic<int> completed{0}, failed{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i)
        up.async_upload(source::bytes("x", noise(1000)), [&](error_code ec, const file_report&) {
          if (ec) ++failed;
          ++completed;
        });
    });
  for (auto& t : threads) t.join();
  EXPECT_TRUE(test::eventually([&] { return completed == 200; })) << completed;
  EXPECT_EQ(failed, 0);
  EXPECT_EQ(server.account().size(), 200u);
}

// A handler may start the next upload, and may destroy what it captured.
TEST_F(upload, a_handler_may_start_the_next) {
  uploader up(options_for(server));
  std::promise<int> chain;
  std::function<void(int)> next = [&](int n) {
    if (n == 20) return chain.set_value(n);
    up.async_upload(source::bytes("x", "y"), [&, n](error_code ec, const file_report&) {
      EXPECT_FALSE(ec);
      next(n + 1);
    });
  };
  next(0);
  EXPECT_EQ(value_of(chain.get_future()), 20);
}

// Two uploaders in one process know nothing of each other.
TEST_F(upload, two_uploaders_in_one_process) {
  uploader good(options_for(server));
  options wrong = options_for(server);
  wrong.api_key = "wrong";
  uploader bad(wrong);
  auto g = good.async_upload(source::bytes("x", "y"), asio::use_future);
  auto b = bad.async_upload(source::bytes("x", "y"), asio::use_future);
  EXPECT_THROW(value_of(std::move(b)), boost::system::system_error);
  EXPECT_NO_THROW(value_of(std::move(g)));
  EXPECT_NO_THROW(value_of(good.async_upload(source::bytes("x", "y"), asio::use_future)));
  EXPECT_EQ(bad.snapshot().files_done, 0u);
}

// A moved-from uploader may be destroyed and assigned to; the one moved to goes on with what was under way.
TEST_F(upload, moves_with_work_under_way) {
  completion<file_report> done;
  uploader a(options_for(server));
  a.async_upload(source::bytes("x", noise(1'000'000)), done.handler());
  uploader b(std::move(a));
  a = uploader(options_for(server));
  ASSERT_TRUE(done.wait());
  EXPECT_FALSE(done.error());
  EXPECT_NO_THROW(value_of(a.async_upload(source::bytes("x", "y"), asio::use_future)));
  b = std::move(a);
  EXPECT_NO_THROW(value_of(b.async_upload(source::bytes("x", "y"), asio::use_future)));
}

} // namespace
} // namespace hoist
