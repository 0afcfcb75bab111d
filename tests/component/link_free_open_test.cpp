// A file on whose way no link may stand, however the kernel is asked for it.

#include "denied_calls.hpp"
#include "temporary_folder.hpp"

#include "net/link_free_open.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string>
#include <thread>

namespace hoist::net {
namespace {

using test::temporary_folder;

/// What is in the file that opens, or the errno's name.
std::string opened(const std::string& path, std::size_t from) {
  const int fd = open_link_free(path, from, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return ::strerrorname_np(errno);
  char content[16];
  const auto n = ::read(fd, content, sizeof content);
  ::close(fd);
  return n < 0 ? ::strerrorname_np(errno) : std::string(content, static_cast<std::size_t>(n));
}

/// real/a/f, real/file, real/to_file -> file, real/to_a -> a, and root -> real.
class link_free_open : public testing::TestWithParam<const char*> {
 protected:
  link_free_open() {
    folder.write("real/a/f", "of a");
    folder.write("real/file", "a file");
    std::filesystem::create_symlink("file", folder.path() / "real/to_file");
    std::filesystem::create_symlink("a", folder.path() / "real/to_a");
    std::filesystem::create_symlink("real", folder.path() / "root");
  }

  /// On a thread of its own, from which openat2 may be taken.
  template <class Function>
  void run(Function checks) {
    bool allowed = true;
    std::thread([&] {
      const std::string how = GetParam();
      if (how == "in_a_sandbox") allowed = test::deny_calls({SYS_openat2}, EPERM);
      if (how == "with_an_old_kernel") allowed = test::deny_calls({SYS_openat2}, ENOSYS);
      if (allowed) checks();
    }).join();
    if (!allowed) GTEST_SKIP() << "no seccomp filter can be installed here";
  }

  temporary_folder folder;
  const std::string top = folder.path().native() + "/";
};

// Links are followed before the given byte and nowhere else, be they the file or a folder on the way.
TEST_P(link_free_open, follows_links_before_and_not_behind) {
  run([&] {
    const auto root = (top + "root/").size(), real = (top + "real/").size();
    EXPECT_EQ(opened(top + "root/a/f", root), "of a");
    EXPECT_EQ(opened(top + "root/file", root), "a file");
    EXPECT_EQ(opened(top + "root//a///f", root), "of a");
    EXPECT_EQ(opened(top + "real/a/f", real), "of a");

    EXPECT_EQ(opened(top + "root/a/f", real), "of a") << "as long as root/";
    EXPECT_EQ(opened(top + "real/to_a/f", (top + "real/to_a/").size()), "of a");
    EXPECT_EQ(opened(top + "root/a/f", top.size()), "ELOOP");
    EXPECT_EQ(opened(top + "root/a/f", root - 2), "ELOOP") << "inside of a name: from its first byte";
    EXPECT_EQ(opened(top + "root/to_a/f", root), "ELOOP");
    EXPECT_EQ(opened(top + "real/to_a/f", real), "ELOOP");
    EXPECT_EQ(opened(top + "root/to_file", root), "ELOOP");
    EXPECT_EQ(opened(top + "real/to_file", real), "ELOOP");
  });
}

// The same of a path that begins in the working directory.
TEST_P(link_free_open, relative_paths) {
  std::filesystem::current_path(top);
  run([&] {
    EXPECT_EQ(opened("real/a/f", 0), "of a");
    EXPECT_EQ(opened("./real/a/f", 2), "of a");
    EXPECT_EQ(opened("root/a/f", 5), "of a");
    EXPECT_EQ(opened("root/a/f", 0), "ELOOP");
    EXPECT_EQ(opened("real/to_a/f", 5), "ELOOP");
    EXPECT_EQ(opened("root/to_file", 5), "ELOOP");
  });
  std::filesystem::current_path("/");
}

// What cannot be opened is told as by ::open, and no descriptor is left.
TEST_P(link_free_open, failures_are_those_of_open) {
  run([&] {
    const auto root = (top + "root/").size();
    const int before = ::dup(0);
    ::close(before);
    EXPECT_EQ(opened(top + "root/none", root), "ENOENT");
    EXPECT_EQ(opened(top + "root/none/f", root), "ENOENT");
    EXPECT_EQ(opened(top + "root/file/f", root), "ENOTDIR");
    EXPECT_EQ(opened(top + "none/f", (top + "none/").size()), "ENOENT");
    EXPECT_EQ(opened(top + "root/" + std::string(300, 'n'), root), "ENAMETOOLONG");
    EXPECT_EQ(opened(top + "root/" + std::string(5000, '/') + "file", root), "ENAMETOOLONG");
    EXPECT_EQ(opened(top + "root/a", root), "EISDIR");
    const int after = ::dup(0);
    ::close(after);
    EXPECT_EQ(after, before);
  });
}

INSTANTIATE_TEST_SUITE_P(all, link_free_open, testing::Values("at_once", "in_a_sandbox", "with_an_old_kernel"),
                         [](const auto& tested) { return std::string(tested.param); });

} // namespace
} // namespace hoist::net
