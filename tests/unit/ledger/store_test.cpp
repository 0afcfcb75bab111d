// What every backend of the ledger keeps, run for each of them: a new backend is one more line at the end.

#include "ledger/memory_store.hpp"
#include "ledger/sqlite_store.hpp"
#include "temporary_folder.hpp"

#include <gtest/gtest.h>

#include <functional>

namespace hoist::ledger {
namespace {

using namespace std::string_literals;

struct backend {
  const char* name;
  std::function<std::unique_ptr<store>()> make; ///< an empty one
};

void PrintTo(const backend& b, std::ostream* out) {
  *out << b.name;
}

class store_conformance : public testing::TestWithParam<backend> {
 protected:
  std::unique_ptr<store> tested = GetParam().make();
};

row done_row(std::string path, std::string id = "3f2c") {
  row r;
  r.path = std::move(path);
  r.size = 18446744073709551615u;
  r.mtime_ns = -1;
  r.ctime_ns = 9223372036854775807;
  r.id = std::move(id);
  r.public_url = "https://cdn.example/3f2c.png";
  r.etag = "d41d8cd98f00b204e9800998ecf8427e";
  r.content_type = "image/png";
  r.verified = verification::md5;
  r.retained_until = core::wall_time{core::millis{1795342530123}};
  r.attempts = 3;
  r.presigns = 2;
  return r;
}

// An empty ledger knows no path, and committing nothing is fine.
TEST_P(store_conformance, empty) {
  EXPECT_FALSE(tested->find("/a"));
  tested->commit();
  EXPECT_FALSE(tested->find("/a"));
  EXPECT_FALSE(tested->find(""));
}

// A row is found as it was put, every field of it, before and after the commit.
TEST_P(store_conformance, a_row_comes_back_whole) {
  const row r = done_row("/a");
  tested->put(r);
  EXPECT_EQ(tested->find("/a"), r);
  tested->commit();
  EXPECT_EQ(tested->find("/a"), r);
}

// So does the intent of a PUT that is under way.
TEST_P(store_conformance, leased_rows) {
  row leased = done_row("/l");
  leased.state = row_state::leased;
  leased.etag.clear();
  leased.verified = verification::none;
  leased.expires = core::wall_time{core::millis{1795342530999}};
  tested->put(leased);
  tested->commit();
  EXPECT_EQ(tested->find("/l"), leased);
  tested->put(done_row("/l"));
  tested->commit();
  EXPECT_EQ(tested->find("/l"), done_row("/l"));
}

// So does a failed one, which has hardly any field set, and one without a retention date.
TEST_P(store_conformance, failed_and_sparse_rows) {
  row failed;
  failed.path = "/f";
  failed.state = row_state::failed;
  failed.cause = errc::storage_rejected;
  failed.message = "the storage answered 400 EntityTooLarge";
  tested->put(failed);
  row sparse = done_row("/s");
  sparse.retained_until.reset();
  sparse.etag.clear();
  sparse.verified = verification::none;
  sparse.size = 0;
  tested->put(sparse);
  tested->commit();
  EXPECT_EQ(tested->find("/f"), failed);
  EXPECT_EQ(tested->find("/s"), sparse);
}

// Of several puts of one path only the last counts, within one group and over several.
TEST_P(store_conformance, the_last_put_counts) {
  row failed;
  failed.path = "/a";
  failed.state = row_state::failed;
  failed.cause = errc::gave_up;
  tested->put(done_row("/a", "first"));
  tested->put(failed);
  EXPECT_EQ(tested->find("/a"), failed);
  tested->put(done_row("/a", "second"));
  tested->commit();
  EXPECT_EQ(tested->find("/a")->id, "second");
  tested->put(done_row("/a", "third"));
  tested->commit();
  tested->commit();
  EXPECT_EQ(tested->find("/a")->id, "third");
}

// A path is bytes: line ends, quotes, NUL, invalid UTF-8, no bytes, many bytes; and no two are mixed up.
TEST_P(store_conformance, paths_are_bytes) {
  const std::string paths[] = {"/a",
                               "/A",
                               "/a/",
                               "/a\n",
                               "/a'; drop table files; --",
                               "/a\"b",
                               "/a\0b"s,
                               "/a\0c"s,
                               "/\xff\xfe",
                               "/\xc3",
                               "/%",
                               "/_",
                               "",
                               "/e\u0301",
                               "/\u00e9",
                               "/" + std::string(4095, 'x'),
                               "/" + std::string(4094, 'x') + "y"};
  int n = 0;
  for (const auto& path : paths) tested->put(done_row(path, std::to_string(n++)));
  tested->commit();
  n = 0;
  for (const auto& path : paths) {
    const auto found = tested->find(path);
    ASSERT_TRUE(found) << n;
    EXPECT_EQ(found->path, path) << n;
    EXPECT_EQ(found->id, std::to_string(n++));
  }
  EXPECT_FALSE(tested->find("/a\0"s));
  EXPECT_FALSE(tested->find("/a%"));
}

// What the server named is bytes as well.
TEST_P(store_conformance, texts_are_bytes) {
  row r = done_row("/a");
  r.id = "'\"\\;\0x"s;
  r.etag = "\xff\x80";
  r.content_type = "text/żółć";
  tested->put(r);
  tested->commit();
  EXPECT_EQ(tested->find("/a"), r);
}

// A thousand rows in one group, read back in another order.
TEST_P(store_conformance, many_rows) {
  for (int i = 0; i < 1000; ++i) tested->put(done_row("/d/" + std::to_string(i), std::to_string(i)));
  tested->commit();
  for (int i = 999; i >= 0; --i) {
    const auto found = tested->find("/d/" + std::to_string(i));
    ASSERT_TRUE(found) << i;
    EXPECT_EQ(found->id, std::to_string(i));
  }
}

/// A ledger in a folder of its own, which goes with it.
class sqlite_in_folder final : public store {
 public:
  std::optional<row> find(std::string_view path) override { return inner_.find(path); }
  void put(row r) override { inner_.put(std::move(r)); }
  void commit() override { inner_.commit(); }
  bool durable() const noexcept override { return inner_.durable(); }

 private:
  test::temporary_folder folder_;
  sqlite_store inner_{folder_.path() / "a.ledger", {"https://api.example", "0123"}};
};

INSTANTIATE_TEST_SUITE_P(backends, store_conformance,
                         testing::Values(backend{"memory", [] { return std::make_unique<memory_store>(10'000); }},
                                         backend{"sqlite", [] { return std::make_unique<sqlite_in_folder>(); }}),
                         [](const auto& one) { return std::string(one.param.name); });

// The memory backend forgets its oldest rows beyond its limit, and a row put again takes no second place.
TEST(memory_store, is_bounded) {
  memory_store s(3);
  for (const char* path : {"/1", "/2", "/2", "/2", "/3"}) s.put(done_row(path));
  for (const char* path : {"/1", "/2", "/3"}) EXPECT_TRUE(s.find(path)) << path;
  s.put(done_row("/4"));
  EXPECT_FALSE(s.find("/1"));
  for (const char* path : {"/2", "/3", "/4"}) EXPECT_TRUE(s.find(path)) << path;
}

// A limit of nothing keeps nothing.
TEST(memory_store, may_keep_nothing) {
  memory_store s(0);
  s.put(done_row("/1"));
  EXPECT_FALSE(s.find("/1"));
}

} // namespace
} // namespace hoist::ledger
