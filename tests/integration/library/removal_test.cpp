// Deleting by id: what is reported, what is retried, what ends all of it, and what the server has afterwards.

#include "library_fixture.hpp"

#include <gtest/gtest.h>

#include <boost/asio/use_future.hpp>

#include <set>

namespace hoist {
namespace {

namespace asio = boost::asio;
using test::completion;
using test::listed_batch;
using test::memory_sources;
using test::options_for;
using test::server_process;
using test::value_of;

/// Ids of objects that were just made.
std::vector<std::string> made(const server_process& server, std::size_t count) {
  uploader up(options_for(server));
  listed_batch files(memory_sources(count, 100));
  value_of(up.async_upload_all(files.make(), asio::use_future));
  std::vector<std::string> ids;
  for (const auto& r : files.reports) ids.push_back(r.id);
  return ids;
}

struct listed_removal {
  explicit listed_removal(std::vector<std::string> list) : ids(std::move(list)) {}

  removal make() {
    removal r;
    r.next = [this]() -> std::optional<std::string> {
      if (pulled == ids.size()) return std::nullopt;
      return ids[pulled++];
    };
    r.sink = [this](removal_report&& report) { reports.push_back(std::move(report)); };
    return r;
  }

  std::vector<std::string> ids;
  std::size_t pulled = 0;
  std::vector<removal_report> reports; ///< read after completion
};

/// A fault has no metric before it was met.
std::uint64_t faults_met(const server_process& server, const std::string& fault) {
  const auto name = "faults_total{fault=\"" + fault + "\"}";
  return server.get("/metrics").find(name) == std::string::npos ? 0 : server.metric(name);
}

// Every id gets one report, more of them than are held at once, and a second time they are gone just the same.
TEST(removal, of_many) {
  server_process server;
  listed_removal all(made(server, 3000));
  remover rm(options_for(server));
  const auto totals = value_of(rm.async_remove_all(all.make(), asio::use_future));
  EXPECT_TRUE(totals.complete);
  EXPECT_EQ(totals.removed, 3000U);
  std::set<std::string> told;
  for (const auto& r : all.reports) {
    EXPECT_FALSE(r.error) << r.details.message;
    told.insert(r.id);
  }
  EXPECT_EQ(told, std::set(all.ids.begin(), all.ids.end()));

  all.pulled = 0;
  EXPECT_EQ(value_of(rm.async_remove_all(all.make(), asio::use_future)).removed, 3000U);
}

// Faults that pass are retried until the file is gone: errors, conflicts, resets, requests for less.
TEST(removal, passes_faults) {
  server_process server({"--fault", "delete:return-500=10%", "--fault", "delete:return-409=10%", "--fault",
                         "delete:reset=3%", "--fault", "delete:close=3%", "--fault", "delete:return-429=first-5"});
  listed_removal all(made(server, 300));
  auto o = options_for(server);
  o.retry.throttle_base = std::chrono::milliseconds{10};
  remover rm(o);
  const auto totals = value_of(rm.async_remove_all(all.make(), asio::use_future));
  EXPECT_EQ(totals.removed, 300U);
  EXPECT_EQ(totals.failed, 0U);
  EXPECT_GT(totals.requests, 300U);
}

// What the API will never delete fails by itself, with its reason; what cannot be an id makes no request.
TEST(removal, failures_are_reports) {
  server_process server;
  auto ids = made(server, 1);
  ids.insert(ids.end(), {"no-uuid", "00000000-0000-4000-8000-000000000000", "a b", ".."});
  listed_removal all(ids);
  remover rm(options_for(server));
  const auto totals = value_of(rm.async_remove_all(all.make(), asio::use_future));
  EXPECT_TRUE(totals.complete);
  EXPECT_EQ(totals.removed, 1U);
  EXPECT_EQ(totals.failed, 4U);
  EXPECT_EQ(totals.requests, 3U);
  for (const auto& r : all.reports) {
    const bool is_first = r.id == ids[0];
    const auto expected = is_first                  ? error_code{}
                          : r.id.starts_with("000") ? make_error_code(errc::not_stored)
                                                    : make_error_code(errc::removal_rejected);
    EXPECT_EQ(r.error, expected) << r.id;
  }
}

// A refused key ends the whole, and every later operation.
TEST(removal, wrong_key) {
  server_process server;
  auto o = options_for(server);
  o.api_key = "wrong";
  remover rm(o);
  for (int i = 0; i < 2; ++i) {
    listed_removal all({"00000000-0000-4000-8000-000000000000"});
    completion<removal_totals> done;
    rm.async_remove_all(all.make(), done.handler());
    ASSERT_TRUE(done.wait());
    EXPECT_EQ(done.error(), errc::key_refused);
    EXPECT_FALSE(done.report().complete);
    EXPECT_EQ(done.report().details.message.find("wrong"), std::string::npos);
  }
}

// Nobody there: that is told within seconds.
TEST(removal, unreachable) {
  options o;
  o.endpoint = "https://127.0.0.1:1";
  o.api_key = "k";
  remover rm(o);
  listed_removal all({"x"});
  completion<removal_totals> done;
  rm.async_remove_all(all.make(), done.handler());
  ASSERT_TRUE(done.wait());
  EXPECT_EQ(done.error(), errc::api_unreachable);
}

// A cancellation at any moment completes at once, with every id either reported or counted as unsettled.
TEST(removal, cancelled) {
  server_process server({"--fault", "delete:stall-20s"});
  const auto ids = made(server, 50);
  for (const bool by_destruction : {false, true}) {
    listed_removal all(ids);
    completion<removal_totals> done;
    std::optional<remover> rm(options_for(server));
    rm->async_remove_all(all.make(), done.handler());
    if (by_destruction)
      rm.reset();
    else
      rm->cancel(stop_mode::now);
    ASSERT_TRUE(done.wait());
    EXPECT_EQ(done.times(), 1);
    EXPECT_EQ(done.error(), errc::cancelled);
    EXPECT_EQ(done.report().unsettled + all.reports.size(), all.pulled);
  }
}

// A drain takes no further id and waits for the answers of what is under way.
TEST(removal, drained) {
  server_process server({"--fault", "delete:stall-300ms"});
  listed_removal all(made(server, 200));
  auto o = options_for(server);
  o.presign_concurrency = 4;
  remover rm(o);
  completion<removal_totals> done;
  rm.async_remove_all(all.make(), done.handler());
  ASSERT_TRUE(test::eventually([&] { return faults_met(server, "delete:stall-300ms") >= 4; }));
  rm.cancel(stop_mode::drain);
  ASSERT_TRUE(done.wait());
  EXPECT_EQ(done.error(), errc::cancelled);
  EXPECT_GE(done.report().removed, 4U);
  EXPECT_LT(done.report().removed, 200U);
  EXPECT_EQ(done.report().removed + done.report().unsettled, 200U);
}

// Options that no remover can work with are refused by name.
TEST(removal, invalid_options) {
  EXPECT_THROW(remover(options{}), boost::system::system_error);
}

// Whoever wants to leave nothing behind is told of every PUT whose answer did not come, also when its file was given
// up.
TEST(unconfirmed, is_told_of_lost_answers) {
  server_process server({"--fault", "put:lose-answer"});
  listed_batch files(memory_sources(5, 100));
  std::vector<std::string> unconfirmed;
  auto b = files.make();
  b.unconfirmed = [&](std::string id) { unconfirmed.push_back(std::move(id)); };
  auto o = options_for(server);
  o.retry.attempts_max = 2;
  {
    uploader up(o);
    value_of(up.async_upload_all(std::move(b), asio::use_future));
  }
  for (const auto& r : files.reports) EXPECT_EQ(r.error, errc::gave_up);
  listed_removal all(unconfirmed);
  remover rm(options_for(server));
  EXPECT_EQ(value_of(rm.async_remove_all(all.make(), asio::use_future)).removed, 5U)
      << "each was stored, and is found by its id";
}

} // namespace
} // namespace hoist
