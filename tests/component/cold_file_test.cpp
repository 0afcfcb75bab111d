// Files whose bytes are on the disk alone: nobody but themselves waits for it, and files in memory pay nothing for
// that.

#include "disk_double.hpp"
#include "fake_peer.hpp"
#include "net_client.hpp"

#include "net/put_exchange.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <future>
#include <iterator>
#include <optional>
#include <thread>

namespace hoist::net {
namespace {

using test::disk_double;
using test::fake_peer;
using test::http_answer;
using test::net_client;
using test::noise;
using test::peer_connection;
using test::tls_identity;

constexpr std::chrono::seconds watchdog{20};

ssize_t cold(std::size_t, const disk_double::real&) {
  errno = EAGAIN;
  return -1;
}

ssize_t warm(std::size_t bytes, const disk_double::real& read) {
  return read(bytes);
}

std::string head_of(std::size_t size) {
  return "PUT /k HTTP/1.1\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n";
}

/// One file, or bytes in memory if it has no name, on its way to a peer that keeps what it gets.
struct putting {
  putting(net_client& client, const tls_identity* identity, std::string content, const std::string& name)
      : bytes(std::move(content)) {
    const auto keep = [this](peer_connection& p) {
      received = p.read_request();
      p.write(http_answer("200 OK"));
      p.drain();
    };
    if (identity != nullptr)
      peer.emplace(*identity, keep);
    else
      peer.emplace(keep);
    auto c = client.connect(identity != nullptr ? wire::scheme::https : wire::scheme::http, peer->port());
    EXPECT_FALSE(c.why) << c.why.text;
    connection = std::move(c.connected);
    const auto what = name.empty() ? source::bytes("memory", bytes) : source::file(client.folder.write(name, bytes));
    EXPECT_EQ(body.open(what, name.empty() ? file_identity{} : look_at(what).identity).status, source_status::ok);
    asio::co_spawn(client.io, put_exchange(*connection, reader, head, body, doing),
                   [this](std::exception_ptr, put_result r) { result = std::move(r); });
  }

  bool arrived() {
    connection.reset();
    peer->stop();
    return received == head + bytes;
  }

  std::string bytes, received;
  std::string head = head_of(bytes.size());
  std::optional<fake_peer> peer;
  std::unique_ptr<stream> connection;
  answer_reader reader;
  file_source body;
  activity doing;
  std::optional<put_result> result;
};

struct cold_case {
  const char* name;
  std::size_t size;
  bool encrypted; ///< else a large file goes by sendfile
};

class cold_file : public testing::TestWithParam<cold_case> {};

// While a cold file waits for the disk, another file is sent and answered by the same thread; then it arrives whole.
TEST_P(cold_file, stalls_no_other) {
  const auto identity = tls_identity::make();
  net_client client{identity.pem};
  std::promise<void> disk_answers;
  const auto answered = disk_answers.get_future().share();
  std::optional<disk_double> disk(std::in_place, cold, [answered] { answered.wait_for(watchdog); });
  putting slow(client, GetParam().encrypted ? &identity : nullptr, noise(GetParam().size), "slow");
  ASSERT_TRUE(test::run_until(client.io, [&] { return disk->reads_that_wait() > 0; })) << "nobody waits for the disk";
  putting other(client, &identity, noise(1000), "");
  EXPECT_TRUE(test::run_until(client.io, [&] { return other.result.has_value(); }));
  EXPECT_FALSE(slow.result.has_value());
  disk_answers.set_value();
  ASSERT_TRUE(test::run_until(client.io, [&] { return slow.result.has_value(); }));
  EXPECT_FALSE(slow.result->why) << slow.result->why.text;
  EXPECT_TRUE(slow.result->reusable);
  EXPECT_TRUE(slow.arrived());
  EXPECT_TRUE(other.arrived());
}

INSTANTIATE_TEST_SUITE_P(all, cold_file,
                         testing::Values(cold_case{"small", 100, true}, cold_case{"large", 3'000'000, true},
                                         cold_case{"small_plain", 100, false},
                                         cold_case{"by_sendfile", 3'000'000, false}),
                         [](const auto& tested) { return std::string(tested.param.name); });

// Shut while its file waits for the disk, a PUT ends as what it was shut for.
TEST(cold_file_shut, ends_as_any_does) {
  net_client client;
  std::promise<void> disk_answers;
  const auto answered = disk_answers.get_future().share();
  const disk_double disk(cold, [answered] { answered.wait_for(watchdog); });
  putting slow(client, nullptr, noise(1000), "slow");
  ASSERT_TRUE(test::run_until(client.io, [&] { return disk.reads_that_wait() > 0; }));
  slow.connection->shut(asio::error::timed_out);
  disk_answers.set_value();
  ASSERT_TRUE(test::run_until(client.io, [&] { return slow.result.has_value(); }));
  EXPECT_EQ(slow.result->why.kind, failure_kind::timed_out) << slow.result->why.text;
}

std::ptrdiff_t open_descriptors() {
  return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {});
}

// Who was shut need not wait for the disk: when that answers, the loop may be gone, and is not touched.
TEST(cold_file_shut, regression_the_loop_may_be_gone_when_the_disk_answers) {
  const auto before = open_descriptors();
  std::promise<void> disk_answers;
  const auto answered = disk_answers.get_future().share();
  const disk_double disk(cold, [answered] { answered.wait_for(watchdog); });
  {
    net_client client;
    putting slow(client, nullptr, noise(1000), "slow");
    ASSERT_TRUE(test::run_until(client.io, [&] { return disk.reads_that_wait() > 0; }));
    slow.connection->shut(asio::error::timed_out);
    ASSERT_TRUE(test::run_until(client.io, [&] { return slow.result.has_value(); })) << "it waits for the disk";
  }
  disk_answers.set_value();
  const auto deadline = std::chrono::steady_clock::now() + watchdog;
  while (open_descriptors() > before && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  EXPECT_EQ(open_descriptors(), before) << "the disk's thread has not ended what it did";
}

// A small file in memory is read by one system call, as it would be by a thread that waits.
TEST(warm_file, is_read_by_one_call) {
  const disk_double disk(warm);
  net_client client;
  putting file(client, nullptr, noise(4096), "f");
  ASSERT_TRUE(test::run_until(client.io, [&] { return file.result.has_value(); }));
  EXPECT_EQ(disk.reads_at_once(), 1);
  EXPECT_EQ(disk.reads_that_wait(), 0);
  EXPECT_TRUE(file.arrived());
}

struct partly_case {
  const char* name;
  disk_double::answer at_once;
  int asked; ///< how often in two files
};

class partly_known : public testing::TestWithParam<partly_case> {};

// A file of which only the beginning is in memory arrives whole, and so does one on a file system that cannot say,
// which is not asked again.
TEST_P(partly_known, arrives_whole) {
  const test::temporary_folder folder;
  const std::string bytes = noise(10'000);
  const auto path = folder.write("f", bytes);
  const disk_double disk(GetParam().at_once);
  file_source body;
  for (int file = 0; file < 2; ++file) {
    ASSERT_EQ(body.open(source::file(path), look_at(source::file(path)).identity).status, source_status::ok);
    std::string all(bytes.size(), '\0');
    std::size_t n = 0;
    EXPECT_EQ(body.read(all, n), source_status::ok);
    if (body.is_cold()) {
      EXPECT_EQ(n, 0u);
      body.from_disk()();
      EXPECT_EQ(body.read(all, n), source_status::ok);
    }
    EXPECT_FALSE(body.is_cold());
    EXPECT_EQ(n, bytes.size());
    EXPECT_TRUE(all == bytes);
  }
  EXPECT_EQ(disk.reads_at_once(), GetParam().asked);
}

INSTANTIATE_TEST_SUITE_P(all, partly_known,
                         testing::Values(partly_case{"in_memory",
                                                     [](std::size_t, const auto& read) { return read(4096); }, 2},
                                         partly_case{"by_the_file_system",
                                                     [](std::size_t, const auto&) {
                                                       errno = EOPNOTSUPP;
                                                       return ssize_t{-1};
                                                     },
                                                     1}),
                         [](const auto& tested) { return std::string(tested.param.name); });

// What the kernel says of a file that it has just been made to forget: it is cold, and after the wait it is not.
TEST(forgotten_file, is_cold) {
  const auto path =
      std::filesystem::current_path() / ("cold-" + std::to_string(::getpid())); // not in memory, as /tmp may be
  const int made = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  const std::string bytes = noise(50'000);
  ASSERT_EQ(::write(made, bytes.data(), bytes.size()), 50'000);
  ::fsync(made);
  ::posix_fadvise(made, 0, 0, POSIX_FADV_DONTNEED);
  ::close(made);
  file_source body;
  const auto opened = body.open(source::file(path), look_at(source::file(path)).identity);
  ::unlink(path.c_str());
  ASSERT_EQ(opened.status, source_status::ok);
  std::string all(bytes.size(), '\0');
  std::size_t n = 0;
  ASSERT_EQ(body.read(all, n), source_status::ok);
  if (!body.is_cold()) GTEST_SKIP() << "this file system forgets nothing, or cannot say";
  body.from_disk()();
  EXPECT_EQ(body.read(all, n), source_status::ok);
  EXPECT_TRUE(all == bytes);
}

} // namespace
} // namespace hoist::net
