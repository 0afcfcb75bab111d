// Every way a source can be or become something else than the file that was looked at.

#include "temporary_folder.hpp"

#include "net/file_source.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <functional>

namespace hoist::net {
namespace {

using test::noise;
using test::temporary_folder;

std::string read_all(file_source& s, source_status& status, std::size_t piece = 1000) {
  std::string out;
  std::string buffer(piece, '\0');
  while (s.left() > 0) {
    std::size_t n = 0;
    status = s.read(buffer, n);
    if (status != source_status::ok) return out;
    out.append(buffer, 0, n);
  }
  return out;
}

// A file and a memory source give exactly their bytes, whatever the size of the pieces.
TEST(file_source, gives_exactly_its_bytes) {
  const temporary_folder folder;
  for (const std::size_t size : {0u, 1u, 999u, 1000u, 1001u, 70'000u}) {
    const std::string bytes = noise(size);
    const auto path = folder.write("f", bytes);
    for (const auto& what : {source::file(path), source::bytes("name", bytes)}) {
      file_source s;
      const auto expected = what.memory ? file_identity{} : look_at(source::file(path)).identity;
      ASSERT_EQ(s.open(what, expected).status, source_status::ok);
      auto status = source_status::ok;
      EXPECT_TRUE(read_all(s, status) == bytes);
      EXPECT_EQ(status, source_status::ok);
      EXPECT_TRUE(s.unchanged());
    }
  }
}

struct kind_case {
  const char* name;
  std::function<std::filesystem::path(const temporary_folder&)> make;
  source_status looked, opened;
};

class source_kind : public testing::TestWithParam<kind_case> {};

// What is no readable regular file is refused for what it is, by the look and by the opening; nothing of it hangs.
TEST_P(source_kind, is_refused_for_what_it_is) {
  const temporary_folder folder;
  const auto path = GetParam().make(folder);
  EXPECT_EQ(look_at(source::file(path)).status, GetParam().looked);
  file_source s;
  EXPECT_EQ(s.open(source::file(path), {}).status, GetParam().opened);
}

std::filesystem::path make_socket(const temporary_folder& folder) {
  const auto path = folder.path() / "socket";
  sockaddr_un at{};
  at.sun_family = AF_UNIX;
  std::strncpy(at.sun_path, path.c_str(), sizeof at.sun_path - 1);
  const int s = ::socket(AF_UNIX, SOCK_STREAM, 0);
  EXPECT_EQ(::bind(s, reinterpret_cast<sockaddr*>(&at), sizeof at), 0);
  ::close(s);
  return path;
}

INSTANTIATE_TEST_SUITE_P(
    all, source_kind,
    testing::Values(kind_case{"missing", [](const auto& f) { return f.path() / "none"; }, source_status::missing,
                              source_status::missing},
                    kind_case{"below_a_file", [](const auto& f) { return f.write("file", "x") / "below"; },
                              source_status::missing, source_status::missing},
                    kind_case{"dangling_link",
                              [](const auto& f) {
                                std::filesystem::create_symlink("nowhere", f.path() / "link");
                                return f.path() / "link";
                              },
                              source_status::missing, source_status::missing},
                    kind_case{"link_to_itself",
                              [](const auto& f) {
                                std::filesystem::create_symlink("link", f.path() / "link");
                                return f.path() / "link";
                              },
                              source_status::unreadable, source_status::unreadable},
                    kind_case{"name_too_long", [](const auto& f) { return f.path() / std::string(300, 'n'); },
                              source_status::unreadable, source_status::unreadable},
                    kind_case{"folder", [](const auto& f) { return f.path(); }, source_status::not_regular,
                              source_status::not_regular},
                    kind_case{"fifo",
                              [](const auto& f) {
                                const auto path = f.path() / "fifo";
                                EXPECT_EQ(::mkfifo(path.c_str(), 0600), 0);
                                return path;
                              },
                              source_status::not_regular, source_status::not_regular},
                    kind_case{"device", [](const auto&) { return std::filesystem::path("/dev/null"); },
                              source_status::not_regular, source_status::not_regular},
                    kind_case{"socket", make_socket, source_status::not_regular, source_status::unreadable}),
    [](const auto& tested) { return std::string(tested.param.name); });

// A file without permission is unreadable, with the system's reason.
TEST(file_source, permission_denied_is_unreadable) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may read everything";
  const temporary_folder folder;
  const auto path = folder.write("f", "x");
  ::chmod(path.c_str(), 0);
  file_source s;
  const auto seen = s.open(source::file(path), {});
  EXPECT_EQ(seen.status, source_status::unreadable);
  EXPECT_EQ(seen.system_errno, EACCES);
}

// Without a free descriptor the errno says so, and the same source opens once there is one.
TEST(file_source, out_of_descriptors_is_told_and_passes) {
  const temporary_folder folder;
  const auto path = folder.write("f", "x");
  const auto identity = look_at(source::file(path)).identity;
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const int next_free = ::dup(0);
  ::close(next_free);
  const rlimit full{static_cast<rlim_t>(next_free), before.rlim_max};
  file_source s;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &full), 0);
  const auto seen = s.open(source::file(path), identity);
  ::setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_EQ(seen.status, source_status::unreadable);
  EXPECT_EQ(seen.system_errno, EMFILE);
  EXPECT_EQ(s.open(source::file(path), identity).status, source_status::ok);
}

struct change_case {
  const char* name;
  std::function<void(const std::filesystem::path&)> change;
  source_status reading; ///< of the rest, after the change
};

void set_times(const std::filesystem::path& path, const struct stat& s) {
  const timespec times[2] = {s.st_atim, s.st_mtim};
  EXPECT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
}

void overwrite(const std::filesystem::path& path, std::size_t at, const char* bytes) {
  const int d = ::open(path.c_str(), O_WRONLY);
  EXPECT_GT(::pwrite(d, bytes, std::strlen(bytes), static_cast<off_t>(at)), 0);
  ::close(d);
}

class change_of_file : public testing::TestWithParam<change_case> {};

// A file that is changed between the opening and the end is found out, by reading or by asking: also when its size and
// its modification time are what they were.
TEST_P(change_of_file, is_found_out) {
  const temporary_folder folder;
  const auto path = folder.write("f", noise(10'000));
  file_source s;
  ASSERT_EQ(s.open(source::file(path), look_at(source::file(path)).identity).status, source_status::ok);
  std::string head(100, '\0');
  std::size_t n = 0;
  ASSERT_EQ(s.read(head, n), source_status::ok);
  // The kernel's clock for times moves in ticks of up to 10 ms: a change within the tick of the opening is invisible.
  const auto opened = look_at(source::file(path)).identity;
  do {
    GetParam().change(path);
  } while (look_at(source::file(path)).identity == opened);
  auto status = source_status::ok;
  read_all(s, status);
  EXPECT_EQ(status, GetParam().reading);
  EXPECT_FALSE(s.unchanged());
}

INSTANTIATE_TEST_SUITE_P(
    all, change_of_file,
    testing::Values(
        change_case{"shrunk", [](const auto& p) { std::filesystem::resize_file(p, 5'000); }, source_status::changed},
        change_case{"emptied", [](const auto& p) { std::filesystem::resize_file(p, 0); }, source_status::changed},
        change_case{"grown", [](const auto& p) { std::filesystem::resize_file(p, 20'000); }, source_status::ok},
        change_case{"rewritten", [](const auto& p) { overwrite(p, 5'000, "other"); }, source_status::ok},
        change_case{"rewritten_with_its_time_set_back",
                    [](const auto& p) {
                      struct stat before {};
                      ASSERT_EQ(::stat(p.c_str(), &before), 0);
                      overwrite(p, 5'000, "other");
                      set_times(p, before);
                    },
                    source_status::ok}),
    [](const auto& tested) { return std::string(tested.param.name); });

// Another file at the same path is `changed` when it is opened, whatever it looks like.
TEST(file_source, another_file_at_the_path_is_changed) {
  const temporary_folder folder;
  const auto path = folder.write("f", "same");
  const auto identity = look_at(source::file(path)).identity;
  struct stat before {};
  ASSERT_EQ(::stat(path.c_str(), &before), 0);
  const auto other = folder.write("g", "same");
  set_times(other, before);
  std::filesystem::rename(other, path);
  file_source s;
  EXPECT_EQ(s.open(source::file(path), identity).status, source_status::changed);
}

// A file that is removed while it is open is still whole; that nobody links to it any more is a change.
TEST(file_source, a_removed_file_is_read_to_its_end) {
  const temporary_folder folder;
  const std::string bytes = noise(5'000);
  const auto path = folder.write("f", bytes);
  file_source s;
  ASSERT_EQ(s.open(source::file(path), look_at(source::file(path)).identity).status, source_status::ok);
  std::filesystem::remove(path);
  auto status = source_status::ok;
  EXPECT_TRUE(read_all(s, status) == bytes);
  EXPECT_EQ(status, source_status::ok);
}

} // namespace
} // namespace hoist::net
