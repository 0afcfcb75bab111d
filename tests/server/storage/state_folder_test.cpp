// Which folders are taken as the server's state, and that the others stay as they are.
#include "server/storage/state_folder.hpp"

#include <fstream>
#include <iterator>
#include <map>
#include <vector>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/api/identity.hpp"
#include "server/base/usage_error.hpp"
#include "server/storage/object_store.hpp"
#include "server/storage/state_names.hpp"
#include "temporary_folder.hpp"
#include "tls_identity.hpp"

namespace hoist::server {
namespace {

namespace fs = std::filesystem;

// A name is ours only as we would write it.
TEST(state_names, are_exact) {
  const struct {
    const char* name;
    bool state_file, aside, body_folder;
  } cases[] = {
      {"index", true, false, false},
      {"index.new", true, false, false},
      {"server.pem", true, false, false},
      {"api-key.new", true, false, false},
      {"lock", true, false, false},
      {"lock.new", false, false, false},
      {"index.new.new", false, false, false},
      {"Index", false, false, false},
      {".new", false, false, false},
      {"", false, false, false},
      {"objects", false, false, false},
      {"0", false, true, false},
      {"18446744073709551615", false, true, false},
      {"18446744073709551616", false, false, false},
      {"17", false, true, true},
      {"017", false, false, false},
      {"00", false, false, true},
      {"-1", false, false, false},
      {"1.jpg", false, false, false},
      {"4f", false, false, true},
      {"4F", false, false, false},
      {"4f0", false, false, false},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(is_state_file(c.name), c.state_file) << c.name;
    EXPECT_EQ(is_aside_name(c.name), c.aside) << c.name;
    EXPECT_EQ(is_body_folder(c.name), c.body_folder) << c.name;
  }
}

// A body is named by its id and generation, and lies in the folder of its id.
TEST(state_names, bodies) {
  const std::string id = "4fd1b6ae-0000-4000-8000-00000000000a";
  const auto parsed = parse_body_name("4f", id + ".12");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(body_name(parsed->first, parsed->second), id + ".12");
  EXPECT_EQ(body_folder(parsed->first), "4f");
  EXPECT_FALSE(parse_body_name("4e", id + ".12"));
  for (const char* ending : {"", ".", ".0", ".01", ".-1", ".1.jpg", ".4294967296", "-1", ".1 "}) {
    EXPECT_FALSE(parse_body_name("4f", id + ending)) << ending;
  }
  EXPECT_FALSE(parse_body_name("4f", "4FD1B6AE-0000-4000-8000-00000000000A.1"));
  EXPECT_FALSE(parse_body_name("4f", "photo.jpg"));
}

class state_folder_test : public testing::Test {
 protected:
  // Everything below a folder as it can be seen: kind and mode, time of change, content or target.
  static std::map<std::string, std::string> seen(const fs::path& folder) {
    std::map<std::string, std::string> all;
    const auto add = [&](const fs::path& path) {
      struct stat found {};
      ASSERT_EQ(::lstat(path.c_str(), &found), 0) << path;
      auto& text = all[path.string()];
      text = std::to_string(found.st_mode) + " " + std::to_string(found.st_mtim.tv_sec) + "." +
             std::to_string(found.st_mtim.tv_nsec) + " ";
      if (S_ISLNK(found.st_mode)) text += fs::read_symlink(path).string();
      if (S_ISREG(found.st_mode)) text.append(std::istreambuf_iterator<char>(std::ifstream(path).rdbuf()), {});
    };
    add(folder);
    for (const auto& each : fs::recursive_directory_iterator(folder)) add(each.path());
    return all;
  }

  // The complaint with which it is refused, after which it is as it was; "" when it is taken.
  [[nodiscard]] std::string refusal(const fs::path& path) const {
    const auto before = seen(top_.path());
    try {
      const state_folder taken(path);
      return "";
    } catch (const usage_error& error) {
      EXPECT_EQ(seen(top_.path()), before);
      return error.what();
    }
  }

  // A state folder that was used.
  void make_own(const fs::path& path) const {
    const state_folder state(path);
    const object_store store(state.root(), {});
    (void)load_or_make_identity({state.root(), {}, {}, {}, "127.0.0.1", true});
  }

  [[nodiscard]] static mode_t mode_of(const fs::path& path) {
    struct stat found {};
    return ::lstat(path.c_str(), &found) == 0 ? found.st_mode & 07777U : 0;
  }

  test::temporary_folder top_;
  fs::path state_ = top_.path() / "state";
};

// A folder that does not exist is made, for its owner alone; so is what is made in it.
TEST_F(state_folder_test, a_new_one_is_private) {
  make_own(top_.path() / "a" / "state");
  EXPECT_EQ(mode_of(top_.path() / "a" / "state"), 0700U);
  for (const auto* name : {"objects", "aside", "objects/4f"}) {
    EXPECT_EQ(mode_of(top_.path() / "a" / "state" / name), 0700U) << name;
  }
  for (const auto* name : {"index", "lock", "api-key", "signing-secret", "ca.key", "server.key"}) {
    EXPECT_EQ(mode_of(top_.path() / "a" / "state" / name), 0600U) << name;
  }
}

// An empty folder is taken and keeps its mode; so does one of an earlier start.
TEST_F(state_folder_test, modes_stay) {
  for (const mode_t mode : {0750U, 0775U, 0711U}) {
    const auto path = top_.path() / std::to_string(mode);
    fs::create_directory(path);
    ASSERT_EQ(::chmod(path.c_str(), mode), 0);
    make_own(path);
    make_own(path);
    EXPECT_EQ(mode_of(path), mode);
  }
}

// A folder with anything in it and no index of ours is refused, with the folder, the reason and the remedy.
TEST_F(state_folder_test, what_is_somebody_elses_is_refused) {
  const struct {
    const char* name;
    std::vector<std::pair<const char*, const char*>> files; // with their content
    std::vector<const char*> folders;
  } cases[] = {
      {"photos", {{"a.jpg", "a"}, {"b.jpg", "b"}}, {}},
      {"hidden", {{".gitkeep", ""}}, {}},
      {"like-ours", {{"objects/a.jpg", "a"}, {"aside/17", "b"}}, {}},
      {"empty-folders", {}, {"objects", "aside"}},
      {"certificates", {{"ca.key", "k"}, {"ca.pem", "c"}, {"server.key", "k"}, {"server.pem", "c"}}, {}},
      {"index-of-others", {{"index", "something else\n"}}, {}},
      {"index-without-end", {{"index", "hoist-server-index 1"}}, {}},
      {"later-index", {{"index", "hoist-server-index 10\n"}}, {}},
      {"empty-index", {{"index", ""}, {"lock", ""}}, {}},
      {"a-lock-and-more", {{"lock", ""}, {"a.jpg", "a"}}, {}},
      {"a-lock-that-says-something", {{"lock", "pid 17"}}, {}},
      {"a-lock-and-objects", {{"lock", ""}, {"objects/a.jpg", "a"}}, {}},
      {"index-is-a-folder", {}, {"index"}},
  };
  for (const auto& c : cases) {
    const std::string name = c.name;
    fs::create_directories(top_.path() / name);
    for (const auto& [file, content] : c.files) top_.write(name + "/" + file, content);
    for (const auto* folder : c.folders) fs::create_directories(top_.path() / name / folder);
    const auto said = refusal(top_.path() / name);
    EXPECT_TRUE(said.starts_with("--state '" + (top_.path() / name).string() + "': it is not empty")) << name << said;
    EXPECT_NE(said.find("; name an empty folder or a new one, such as "), std::string::npos) << name << said;
    EXPECT_EQ(said.find('\n'), std::string::npos) << said;
  }
}

// A link is not followed, neither as the folder nor in it; a file is no folder.
TEST_F(state_folder_test, links_and_files_are_refused) {
  const auto own = top_.path() / "own";
  make_own(own);
  fs::create_directory(top_.path() / "empty");
  top_.write("users/photo.jpg", "theirs");
  fs::create_directory_symlink(own, top_.path() / "to-own");
  fs::create_directory_symlink(top_.path() / "empty", top_.path() / "to-empty");
  fs::create_directory_symlink(top_.path() / "nowhere", top_.path() / "to-nowhere");
  for (const auto* name : {"to-own", "to-own/", "to-own/.", "to-empty", "to-nowhere"}) {
    EXPECT_NE(refusal(top_.path() / name).find("it is a symbolic link, and links are not followed; name the folder"),
              std::string::npos)
        << name;
  }
  EXPECT_NE(refusal(top_.path() / "users" / "photo.jpg").find("it is not a folder"), std::string::npos);

  // In one of our own: whatever stands where something of ours should.
  for (const auto* name : {"objects", "aside", "index", "lock", "api-key", "server.pem", "ca.key.new"}) {
    const auto path = top_.path() / "with" / name;
    make_own(path.parent_path());
    fs::remove_all(path);
    fs::create_symlink(top_.path() / "users", path);
    EXPECT_NE(refusal(path.parent_path()), "") << name;
    fs::remove_all(path.parent_path());
  }
  make_own(state_);
  fs::remove_all(state_ / "objects");
  std::ofstream(state_ / "objects") << "theirs";
  EXPECT_NE(refusal(state_).find("/objects': it is not a folder; move it away"), std::string::npos);
}

// One of an earlier start is taken again, with what others put beside it.
TEST_F(state_folder_test, an_own_one_is_taken_again) {
  make_own(state_);
  std::ofstream(state_ / "notes.txt") << "theirs";
  fs::remove(state_ / "lock");
  EXPECT_EQ(refusal(state_), "");
  EXPECT_EQ(refusal(state_ / ""), "");
  EXPECT_EQ(refusal(state_ / "."), "");
}

// What a first start leaves that was killed before it had an index, as older ones were ordered, is gone on with.
TEST_F(state_folder_test, a_half_made_one_is_gone_on_with) {
  make_own(state_);
  fs::remove_all(state_ / "objects");
  fs::create_directory(state_ / "objects");
  fs::rename(state_ / "index", state_ / "index.new");
  EXPECT_EQ(refusal(state_), "");
  for (const auto* name : {"signing-secret", "api-key", "server.pem", "objects", "aside"})
    fs::remove_all(state_ / name);
  EXPECT_EQ(refusal(state_), "");
  make_own(state_);
  EXPECT_EQ(refusal(state_), "");
}

// Where every user can write, the keys are not safe.
TEST_F(state_folder_test, one_that_everybody_can_write_in_is_refused) {
  fs::create_directory(state_);
  ASSERT_EQ(::chmod(state_.c_str(), 0777), 0);
  EXPECT_NE(refusal(state_).find("every user can write in it"), std::string::npos);
  ASSERT_EQ(::chmod(state_.c_str(), 0755), 0);
  make_own(state_);
  ASSERT_EQ(::chmod(state_.c_str(), 0757), 0);
  EXPECT_NE(refusal(state_).find("every user can write in it"), std::string::npos);
}

// Two servers in one folder are told apart from a folder of somebody else's.
TEST_F(state_folder_test, one_in_use) {
  const state_folder first(state_);
  try {
    const state_folder second(state_);
    FAIL();
  } catch (const usage_error&) {
    FAIL();
  } catch (const std::runtime_error& error) {
    EXPECT_NE(std::string(error.what()).find("in use by another hoist-server"), std::string::npos);
  }
}

// A temporary folder ends with the server, but for what others put into it.
TEST_F(state_folder_test, a_temporary_one) {
  fs::path path;
  {
    const state_folder state(fs::path{});
    path = state.path();
    EXPECT_EQ(mode_of(path), 0700U);
    const object_store store(state.root(), {});
    (void)load_or_make_identity({state.root(), {}, {}, {}, "127.0.0.1", true});
  }
  EXPECT_FALSE(fs::exists(path));
  {
    const state_folder state(fs::path{});
    path = state.path();
    const object_store store(state.root(), {});
    std::ofstream(path / "aside" / "photo.jpg") << "theirs";
    fs::create_directory_symlink(top_.path(), path / "objects" / "link");
  }
  EXPECT_TRUE(fs::exists(path / "aside" / "photo.jpg"));
  EXPECT_TRUE(fs::is_symlink(path / "objects" / "link"));
  EXPECT_FALSE(fs::exists(path / "index"));
  fs::remove_all(path);
}

// A certificate of somebody else's that lies in our folder is not lost to a renewal.
TEST_F(state_folder_test, a_certificate_of_others_is_not_replaced) {
  make_own(state_);
  const state_folder state(state_);
  const auto renewed = [&](const std::string& host) {
    return load_or_make_identity({state.root(), {}, {}, {}, host, true}).certificate;
  };
  EXPECT_NO_THROW((void)renewed("other.test")); // ours is made anew for another name
  std::ofstream(state_ / "server.pem") << test::tls_identity::make().pem;
  const auto before = seen(state_);
  EXPECT_THROW((void)renewed("third.test"), usage_error);
  EXPECT_EQ(seen(state_), before);
}

} // namespace
} // namespace hoist::server
