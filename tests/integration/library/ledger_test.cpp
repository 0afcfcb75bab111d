// The ledger, as a program that links the library meets it.

#include "library_fixture.hpp"

#include <gtest/gtest.h>

#include <boost/asio/use_future.hpp>
#include <boost/system/system_error.hpp>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

namespace hoist {
namespace {

namespace asio = boost::asio;
using test::completion;
using test::listed_batch;
using test::noise;
using test::options_for;
using test::server_process;
using test::temporary_folder;

class with_ledger : public testing::Test {
 protected:
  options options_with_ledger() const {
    options o = options_for(server);
    o.ledger = folder.path() / "l";
    return o;
  }

  batch_report upload_all(const options& o, listed_batch& list) const {
    uploader up(o);
    completion<batch_report> done;
    up.async_upload_all(list.make(), done.handler());
    EXPECT_TRUE(done.wait());
    EXPECT_FALSE(done.error()) << done.report().details.message;
    return done.report();
  }

  server_process server;
  temporary_folder folder;
};

// What one uploader has done, the next reports from the ledger, under the same URL and without a request; bytes in
// memory have no name that it could know them by, and are uploaded again.
TEST_F(with_ledger, outlives_the_uploader) {
  std::vector<source> sources{source::file(folder.write("a.png", noise(1000))), source::file(folder.write("b.png", "")),
                              source::bytes("c.png", "c")};
  listed_batch first(sources), second(sources);
  EXPECT_EQ(upload_all(options_with_ledger(), first).from_ledger, 0u);
  const auto again = upload_all(options_with_ledger(), second);
  EXPECT_EQ(again.done, 3u);
  EXPECT_EQ(again.from_ledger, 2u);
  EXPECT_EQ(again.puts, 1u);
  EXPECT_EQ(again.bytes, 1u);
  EXPECT_EQ(server.metric("puts_total"), 4u);
  for (const auto& now : second.reports) {
    const auto before = std::ranges::find(first.reports, now.path, &file_report::path);
    ASSERT_NE(before, first.reports.end());
    EXPECT_EQ(now.public_url == before->public_url, now.from_ledger) << now.path;
  }
}

// A single upload is answered from the ledger as well, within one uploader and from one to the next.
TEST_F(with_ledger, single_uploads) {
  const auto file = folder.write("a.png", noise(1000));
  std::string url;
  {
    uploader up(options_with_ledger());
    url = up.async_upload(source::file(file), asio::use_future).get().public_url;
    EXPECT_TRUE(up.async_upload(source::file(file), asio::use_future).get().from_ledger);
  }
  uploader up(options_with_ledger());
  const auto report = up.async_upload(source::file(file), asio::use_future).get();
  EXPECT_TRUE(report.from_ledger);
  EXPECT_EQ(report.public_url, url);
  EXPECT_EQ(server.metric("puts_total"), 1u);
}

// Told to begin anew, it uploads again; told to see to failures alone, it leaves out what no run has as failed.
TEST_F(with_ledger, modes) {
  const auto file = folder.write("a.png", noise(1000));
  options o = options_with_ledger();
  listed_batch first({source::file(file)});
  upload_all(o, first);
  o.resume = resume_mode::none;
  listed_batch anew({source::file(file)});
  EXPECT_EQ(upload_all(o, anew).puts, 1u);
  o.resume = resume_mode::failed;
  listed_batch failures({source::file(file), source::file(folder.write("new.png", "n"))});
  const auto report = upload_all(o, failures);
  EXPECT_EQ(report.puts, 0u);
  EXPECT_EQ(report.from_ledger, 1u);
  const auto left_out = std::ranges::find(failures.reports, folder.path() / "new.png", &file_report::path);
  ASSERT_NE(left_out, failures.reports.end());
  EXPECT_EQ(left_out->error, errc::not_failed_before);
}

// A ledger in use, or of another API, is refused by the constructor, and the sentence names the file.
TEST_F(with_ledger, refusals) {
  const options o = options_with_ledger();
  const auto refusal = [](const options& with) -> std::string {
    try {
      uploader refused(with);
      return {};
    } catch (const boost::system::system_error& e) {
      EXPECT_EQ(e.code(), errc::ledger_failed);
      return e.what();
    }
  };
  {
    uploader first(o);
    EXPECT_NE(refusal(o).find("in use by another process"), std::string::npos);
  }
  options elsewhere = o;
  elsewhere.endpoint = "https://api.example";
  EXPECT_NE(refusal(elsewhere).find(o.ledger.native() + " belongs to the API at " + o.endpoint), std::string::npos);
}

// The default place is one for each API and each key, below the state folder, and says nothing of the key.
TEST(default_ledger, place) {
  ASSERT_EQ(::setenv("XDG_STATE_HOME", "/s", 1), 0);
  options o;
  o.endpoint = "https://api.example";
  o.api_key = "sk-1";
  const auto place = default_ledger(o);
  EXPECT_EQ(place.parent_path(), "/s/hoist");
  EXPECT_TRUE(place.filename().native().starts_with("api.example-443-")) << place;
  EXPECT_EQ(place.native().find("sk-1"), std::string::npos);
  o.api_key = "sk-2";
  EXPECT_NE(default_ledger(o), place);
  ASSERT_EQ(::setenv("XDG_STATE_HOME", "relative", 1), 0);
  ASSERT_EQ(::setenv("HOME", "/h", 1), 0);
  EXPECT_EQ(default_ledger(o).parent_path(), "/h/.local/state/hoist");
  ASSERT_EQ(::unsetenv("HOME"), 0);
  EXPECT_TRUE(default_ledger(o).empty());
}

} // namespace
} // namespace hoist
