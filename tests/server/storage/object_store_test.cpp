// Bodies and index on a real folder.
#include "server/storage/object_store.hpp"

#include <fstream>

#include <gtest/gtest.h>
#include <unistd.h>

#include "server/base/encoding.hpp"
#include "server/base/usage_error.hpp"
#include "server/storage/state_names.hpp"
#include "temporary_folder.hpp"

namespace hoist::server {
namespace {

namespace fs = std::filesystem;
const unix_time now{std::chrono::seconds{1'000'000}};

class object_store_test : public testing::Test {
 protected:
  void SetUp() override {
    auto pattern = (fs::temp_directory_path() / "hoist-store-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    state_ = pattern;
  }
  void TearDown() override { fs::remove_all(state_); }

  static object_info put(object_store& store, const file_id& id, const std::string& body,
                         std::chrono::seconds retention = std::chrono::seconds{100}) {
    admitted_put wanted;
    wanted.id = id;
    wanted.content_type = "text/plain";
    wanted.size = body.size();
    wanted.retention = retention;
    object_store::upload upload(store, wanted);
    upload.write(body);
    EXPECT_FALSE(upload.mismatch());
    return upload.finish(now);
  }

  static std::string content(const object_store& store, const file_id& id) {
    const auto found = store.open(id, now);
    if (!found || !found->body) return "(none)";
    std::string text(found->info.size, '\0');
    EXPECT_EQ(::pread(found->body.get(), text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
    return text;
  }

  [[nodiscard]] std::size_t files() const {
    std::size_t count = 0;
    for (const auto& entry : fs::recursive_directory_iterator(state_)) {
      count += entry.is_regular_file() && entry.path().filename() != "index" ? 1 : 0;
    }
    return count;
  }

  fs::path state_;
  file_id id_ = file_id::random();
};

// What was put is there, with the MD5 as its tag, also for a store that is opened later.
TEST_F(object_store_test, survives_a_restart) {
  {
    object_store store(state_, {});
    const auto info = put(store, id_, "hello");
    EXPECT_EQ(info.etag(), "\"5d41402abc4b2a76b9719d911017c592\"");
  }
  const object_store store(state_, {});
  EXPECT_EQ(content(store, id_), "hello");
  EXPECT_EQ(store.index().find(id_)->puts, 1U);
}

// An upload that does not end leaves nothing, neither visible nor on disk.
TEST_F(object_store_test, unfinished_upload) {
  object_store store(state_, {});
  {
    admitted_put wanted;
    wanted.id = id_;
    wanted.size = 10;
    object_store::upload upload(store, wanted);
    upload.write(std::string_view("half"));
    EXPECT_EQ(files(), 1U);
    EXPECT_EQ(store.erase(id_, now), object_index::erasure::being_written);
  }
  EXPECT_EQ(content(store, id_), "(none)");
  EXPECT_EQ(files(), 0U);
}

// A second PUT replaces the first, is counted, and leaves one body.
TEST_F(object_store_test, second_put_replaces) {
  object_store store(state_, {});
  put(store, id_, "first");
  EXPECT_EQ(put(store, id_, "second").puts, 2U);
  EXPECT_EQ(content(store, id_), "second");
  EXPECT_EQ(files(), 1U);
}

// Delete works once, is answered the same again, and is remembered over a restart.
TEST_F(object_store_test, erase) {
  {
    object_store store(state_, {});
    EXPECT_EQ(store.erase(id_, now), object_index::erasure::unknown);
    put(store, id_, "x");
    EXPECT_EQ(store.erase(id_, now), object_index::erasure::erased);
    EXPECT_EQ(store.erase(id_, now), object_index::erasure::already_gone);
    EXPECT_EQ(files(), 0U);
  }
  object_store store(state_, {});
  EXPECT_EQ(store.erase(id_, now), object_index::erasure::already_gone);
  EXPECT_EQ(content(store, id_), "(none)");
}

// After its retention a file is gone at once, and its body with the next sweep.
TEST_F(object_store_test, retention) {
  object_store store(state_, {});
  put(store, id_, "x", std::chrono::seconds{10});
  EXPECT_TRUE(store.open(id_, now + std::chrono::seconds{9}));
  EXPECT_FALSE(store.open(id_, now + std::chrono::seconds{10}));
  EXPECT_EQ(store.sweep(now + std::chrono::seconds{9}), 0U);
  EXPECT_EQ(store.sweep(now + std::chrono::seconds{10}), 1U);
  EXPECT_EQ(files(), 0U);
}

// With --discard no body is written; size and digests are kept over a restart.
TEST_F(object_store_test, discard) {
  const storage_rules rules{true, digest_kind::sha256, durability::survives_kill};
  {
    object_store store(state_, rules);
    put(store, id_, "abc");
  }
  const object_store store(state_, rules);
  const auto found = store.open(id_, now);
  ASSERT_TRUE(found);
  EXPECT_FALSE(found->body);
  EXPECT_EQ(found->info.size, 3U);
  EXPECT_EQ(to_hex(*found->info.sha256), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(files(), 0U);
}

// Without a digest the tag cannot be taken for an MD5.
TEST_F(object_store_test, no_digest) {
  object_store store(state_, {true, digest_kind::none, durability::survives_kill});
  EXPECT_EQ(put(store, id_, "abc").etag(), "\"undigested-3-1\"");
}

// A Content-MD5 is checked even then.
TEST_F(object_store_test, content_md5) {
  object_store store(state_, {true, digest_kind::none, durability::survives_kill});
  admitted_put wanted;
  wanted.id = id_;
  wanted.size = 3;
  wanted.content_md5.emplace();
  object_store::upload upload(store, wanted);
  upload.write(std::string_view("abc"));
  EXPECT_EQ(upload.mismatch(), "kAFQmDzST7DWlj99KOF/cg==");
}

// What a killed process left (bodies without a line, a torn last line) is gone after the next start, the rest is not.
TEST_F(object_store_test, leftovers_of_a_killed_process) {
  const auto other = file_id::random();
  {
    object_store store(state_, {});
    put(store, id_, "kept");
    put(store, other, "kept too");
  }
  const auto stray = file_id::random();
  const auto folder = state_ / "objects" / to_hex(std::span(stray.bytes).first(1));
  std::ofstream(folder / (stray.text() + ".1")) << "never confirmed";
  std::ofstream(state_ / "aside" / "17") << "half";
  std::ofstream(state_ / "index", std::ios::app) << "P\t" << stray.text().substr(0, 20);
  const object_store store(state_, {});
  EXPECT_EQ(files(), 2U);
  EXPECT_EQ(content(store, id_), "kept");
  EXPECT_EQ(content(store, other), "kept too");
  const object_store again(state_, {});
  EXPECT_EQ(content(again, id_), "kept");
}

// A file that is no index is not overwritten.
TEST_F(object_store_test, foreign_index) {
  std::ofstream(state_ / "index") << "something else\n";
  EXPECT_THROW(object_store(state_, {}), std::runtime_error);
}

// What is nobody's upload is left alone by every start, wherever in the folder it lies and however near its name comes
// to one of ours.
TEST_F(object_store_test, what_others_put_there_stays) {
  { object_store store(state_, {}); }
  const auto id = file_id::random();
  const auto home = state_ / "objects" / body_folder(id);
  const auto elsewhere = state_ / "objects" / (body_folder(id) == "00" ? "01" : "00");
  const std::vector<fs::path> theirs{
      state_ / "notes.txt",       state_ / "aside" / "photo.jpg",   state_ / "aside" / "007",
      state_ / "aside" / "1.new", state_ / "objects" / "photo.jpg", state_ / "objects" / body_name(id, 1),
      home / "photo.jpg",         home / (id.text() + ".01"),       home / (id.text() + ".0"),
      home / (id.text() + ".1 "), elsewhere / body_name(id, 1),
  };
  for (const auto& file : theirs) std::ofstream(file) << file.filename().string();
  fs::create_directories(state_ / "aside" / "5");
  fs::create_directories(home / body_name(id, 2));
  for (const bool discard : {false, true}) {
    object_store store(state_, {.discard = discard});
    for (const auto& file : theirs) {
      std::string text;
      std::getline(std::ifstream(file), text);
      EXPECT_EQ(text, file.filename().string()) << file;
    }
    EXPECT_TRUE(fs::is_directory(state_ / "aside" / "5"));
    EXPECT_TRUE(fs::is_directory(home / body_name(id, 2)));
  }
}

// A link is not followed and not removed, whatever its name; what it leads to stays as it is.
TEST_F(object_store_test, links_are_not_followed) {
  const test::temporary_folder users;
  const auto theirs = users.write("photo.jpg", "theirs");
  {
    object_store store(state_, {});
    put(store, id_, "ours");
  }
  const auto body = state_ / "objects" / body_folder(id_) / body_name(id_, 1);
  fs::remove(body);
  fs::create_symlink(theirs, body);
  fs::create_symlink(theirs, state_ / "aside" / "0");
  object_store store(state_, {});
  EXPECT_EQ(content(store, id_), "(none)");
  put(store, file_id::random(), "more"); // beside the link that has the first name
  EXPECT_EQ(store.erase(id_, now), object_index::erasure::erased);
  EXPECT_TRUE(fs::is_symlink(body));
  EXPECT_TRUE(fs::is_symlink(state_ / "aside" / "0"));
  std::string text;
  std::getline(std::ifstream(theirs), text);
  EXPECT_EQ(text, "theirs");
}

// A folder of bodies that was replaced by a link is not used: a PUT fails, and nothing is written where it leads.
TEST_F(object_store_test, a_folder_that_became_a_link) {
  const test::temporary_folder users;
  object_store store(state_, {});
  const auto home = state_ / "objects" / body_folder(id_);
  fs::remove(home);
  fs::create_directory_symlink(users.path(), home);
  EXPECT_THROW(put(store, id_, "x"), std::system_error);
  EXPECT_TRUE(fs::is_empty(users.path()));
  EXPECT_THROW(object_store(state_, {}), usage_error);
}

// A store makes nothing in a folder of somebody else's.
TEST_F(object_store_test, foreign_folder) {
  std::ofstream(state_ / "photo.jpg") << "theirs";
  EXPECT_THROW(object_store(state_, {}), usage_error);
  EXPECT_EQ(std::distance(fs::directory_iterator(state_), {}), 1);
}

// A line of the log comes back as it was; anything else does not parse.
TEST(object_index, log_lines) {
  object_info info;
  info.size = 7;
  info.md5.emplace();
  info.content_type = "text/plain; charset=utf-8";
  info.puts = 3;
  info.generation = 2;
  info.stored_at = now;
  info.delete_at = now + std::chrono::seconds{9};
  info.body_kept = false;
  const auto id = file_id::random();
  auto line = to_log_line(id, info);
  ASSERT_EQ(line.back(), '\n');
  line.pop_back();
  const auto parsed = from_log_line(line);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->first, id);
  EXPECT_EQ(to_log_line(id, parsed->second), line + "\n");
  for (std::size_t length = 0; length + 26 < line.size(); ++length) {
    EXPECT_FALSE(from_log_line(std::string_view(line).substr(0, length))) << length;
  }
}

} // namespace
} // namespace hoist::server
