#include "cli/rows/rows.hpp"

#include <gtest/gtest.h>

namespace hoist::cli {
namespace {

using namespace std::chrono_literals;

file_report done_report() {
  file_report report;
  report.path = "d/a.png";
  report.size = 5;
  report.content_type = "image/png";
  report.id = "u-1";
  report.public_url = "https://cdn/u-1";
  report.etag = "e";
  report.verified = verification::md5;
  report.attempts = 1;
  report.presigns = 2;
  report.elapsed = 12ms;
  return report;
}

// A done file has its URL and all that is known of it.
TEST(rows, done) {
  EXPECT_EQ(result_row(done_report()),
            R"({"v":1,"type":"result","path":"d/a.png","status":"done","size":5,"content_type":"image/png","id":"u-1",)"
            R"("public_url":"https://cdn/u-1","etag":"e","verified":"md5","attempts":1,"presigns":2,"ms":12})"
            "\n");
}

// An empty file has a size as well, and the retention date is UTC.
TEST(rows, done_details) {
  auto report = done_report();
  report.size = 0;
  report.from_ledger = true;
  report.retained_until = wall_time{std::chrono::sys_days{std::chrono::year{2027} / 2 / 28} + 23h + 59min + 58s + 7ms};
  const auto row = result_row(report);
  EXPECT_NE(row.find(R"("size":0)"), std::string::npos);
  EXPECT_NE(row.find(R"("retained_until":"2027-02-28T23:59:58.007Z")"), std::string::npos);
  EXPECT_NE(row.find(R"("from_ledger":true)"), std::string::npos);
}

// A failed file says why, always with the same keys; the server's words are apart from ours.
TEST(rows, failed) {
  file_report report;
  report.path = "x";
  report.error = errc::storage_rejected;
  report.details.where = phase::put;
  report.details.http_status = 400;
  report.details.storage_code = "EntityTooLarge";
  report.details.message = "refused";
  report.details.server_message = "\x1b[2J";
  report.attempts = 1;
  EXPECT_EQ(result_row(report),
            R"({"v":1,"type":"result","path":"x","status":"failed","attempts":1,"presigns":0,"ms":0,"error":{)"
            R"("code":"storage_rejected","phase":"put","http_status":400,"storage_code":"EntityTooLarge",)"
            R"("request_id":null,"message":"refused","server_message":"\u001b[2J"}})"
            "\n");
}

// A name that is no UTF-8 goes out as bytes, and only so.
TEST(rows, names_that_are_no_utf8) {
  auto report = done_report();
  report.path = "a\xff";
  const auto row = result_row(report);
  EXPECT_NE(row.find(R"("path_b64":"Yf8=")"), std::string::npos);
  EXPECT_EQ(row.find(R"("path":)"), std::string::npos);
}

// What was decided before the library saw the file is a row like any other.
TEST(rows, decided_early) {
  input skip;
  skip.what = input::fate::skip;
  skip.path = "l";
  skip.reason = skip_reason::symlink;
  EXPECT_EQ(result_row(skip), R"({"v":1,"type":"result","path":"l","status":"skipped","reason":"symlink"})"
                              "\n");
  input fail;
  fail.what = input::fate::fail;
  fail.path = "f";
  fail.code = errc::source_missing;
  fail.message = "No such file or directory";
  EXPECT_EQ(result_row(fail),
            R"({"v":1,"type":"result","path":"f","status":"failed","error":{"code":"source_missing","phase":"source",)"
            R"("http_status":null,"storage_code":null,"request_id":null,"message":"No such file or directory"}})"
            "\n");
}

// A plan says what would happen, and why.
TEST(rows, plans) {
  input file;
  file.path = "a.png";
  file.size = 11;
  EXPECT_EQ(plan_row(file, plan_for(file, 11), "image/png"),
            R"({"v":1,"type":"plan","path":"a.png","action":"upload","size":11,"content_type":"image/png"})"
            "\n");
  EXPECT_EQ(plan_for(file, 10).reason, "source_too_large");
  EXPECT_EQ(plan_for(file, 0).action, "upload");
  file.what = input::fate::skip;
  file.reason = skip_reason::max_size;
  EXPECT_EQ(plan_for(file, 0).action, "skip");
  EXPECT_EQ(plan_for(file, 0).reason, "max_size");
}

// The summary has every key each time; what is unknown is null.
TEST(rows, summary) {
  summary_facts facts;
  facts.batch.bytes = 7;
  facts.batch.elapsed = 1234ms;
  facts.done = 1;
  facts.stopped_by = stop_cause::interrupted;
  facts.exit_code = 130;
  const auto row = summary_row(facts);
  EXPECT_EQ(row.find(R"({"v":1,"type":"summary","complete":false,"done":1,"failed":0,"skipped":0,"unsettled":null,)"),
            0U);
  EXPECT_NE(row.find(R"("bytes":7,"seconds":1.234,"presigns":0,"puts":0,"limited_by":")"), std::string::npos);
  EXPECT_NE(row.find(R"("exit_code":130,"stopped_by":"SIGINT"})"), std::string::npos);
}

} // namespace
} // namespace hoist::cli
