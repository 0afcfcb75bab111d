#include "cli/rows/row_writer.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/resource.h>

#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdio>
#include <memory>
#include <string>

namespace hoist::cli {
namespace {

std::array<unique_fd, 2> make_pipe() {
  std::array<int, 2> fds{};
  EXPECT_EQ(::pipe(fds.data()), 0);
  return {unique_fd(fds[0]), unique_fd(fds[1])};
}

// A row is out as soon as it is written.
TEST(row_writer, rows_are_flushed) {
  stop_sign abandon;
  auto [read_end, write_end] = make_pipe();
  row_writer writer(std::move(write_end), abandon, [](row_writer::failure, int) { FAIL(); });
  writer.write("row\n");
  std::array<char, 16> buffer{};
  EXPECT_EQ(::read(read_end.get(), buffer.data(), buffer.size()), 4);
}

// Collected rows go out together when they are flushed, before a row that is written, and before they are too many.
TEST(row_writer, collected_rows_go_together) {
  stop_sign abandon;
  auto [read_end, write_end] = make_pipe();
  ASSERT_EQ(::fcntl(read_end.get(), F_SETFL, O_NONBLOCK), 0);
  ASSERT_GE(::fcntl(write_end.get(), F_SETPIPE_SZ, 1 << 20), 1 << 20);
  row_writer writer(std::move(write_end), abandon, [](row_writer::failure, int) { FAIL(); });
  std::array<char, 100'000> buffer{};
  const auto arrived = [&] {
    const auto n = ::read(read_end.get(), buffer.data(), buffer.size());
    return std::string(buffer.data(), n > 0 ? static_cast<std::size_t>(n) : 0);
  };
  writer.collect("a\n");
  writer.collect("b\n");
  EXPECT_EQ(arrived(), "");
  writer.flush();
  EXPECT_EQ(arrived(), "a\nb\n");
  writer.collect("c\n");
  writer.write("d\n");
  EXPECT_EQ(arrived(), "c\nd\n");
  std::string all;
  while (all.empty()) {
    writer.collect(std::string(999, 'e') + "\n");
    all = arrived();
  }
  EXPECT_LE(all.size(), 66'000u);
}

// What a pipe takes at once ends with a line, so that rows of another writer to it come between rows.
TEST(row_writer, a_pipe_gets_whole_lines) {
  stop_sign abandon;
  auto [read_end, write_end] = make_pipe();
  // Each write is a packet of its own.
  ASSERT_EQ(::fcntl(write_end.get(), F_SETFL, O_DIRECT), 0);
  row_writer writer(std::move(write_end), abandon, [](row_writer::failure, int) { FAIL(); });
  std::string all;
  for (int i = 0; i < 30; ++i) all += std::string(700, static_cast<char>('a' + i % 26)) + "\n";
  writer.write(all);
  std::string seen;
  for (std::array<char, PIPE_BUF> packet{}; seen.size() < all.size();) {
    const auto n = ::read(read_end.get(), packet.data(), packet.size());
    ASSERT_GT(n, 0);
    EXPECT_EQ(packet[static_cast<std::size_t>(n) - 1], '\n');
    seen.append(packet.data(), static_cast<std::size_t>(n));
  }
  EXPECT_EQ(seen, all);
}

// A reader that is gone is told of once, and nothing is written any more.
TEST(row_writer, a_closed_pipe_is_reported_once) {
  std::signal(SIGPIPE, SIG_IGN);
  stop_sign abandon;
  auto [read_end, write_end] = make_pipe();
  int reports = 0;
  row_writer writer(std::move(write_end), abandon, [&](row_writer::failure kind, int) {
    EXPECT_EQ(kind, row_writer::failure::closed);
    ++reports;
  });
  read_end.reset();
  writer.write("a\n");
  writer.write("b\n");
  EXPECT_EQ(reports, 1);
  EXPECT_EQ(writer.state(), row_writer::failure::closed);
}

// A full disk is another failure than a reader who left.
TEST(row_writer, a_full_disk_is_reported) {
  unique_fd full(::open("/dev/full", O_WRONLY));
  if (!full) GTEST_SKIP() << "no /dev/full here";
  stop_sign abandon;
  auto kind = row_writer::failure::none;
  row_writer writer(std::move(full), abandon, [&](row_writer::failure k, int) { kind = k; });
  writer.write("a\n");
  EXPECT_EQ(kind, row_writer::failure::system);
}

/// A file that may not grow beyond `bytes`, for as long as this lives.
class small_file {
 public:
  explicit small_file(rlim_t bytes) {
    std::signal(SIGXFSZ, SIG_IGN);
    EXPECT_EQ(::getrlimit(RLIMIT_FSIZE, &before_), 0);
    rlimit limit = before_;
    limit.rlim_cur = bytes;
    EXPECT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
  }
  ~small_file() { ::setrlimit(RLIMIT_FSIZE, &before_); }
  small_file(const small_file&) = delete;
  small_file& operator=(const small_file&) = delete;

  unique_fd writer() { return copy_of(::fileno(file_.get())); }
  std::string text() {
    std::string all(1 << 16, '\0');
    const auto n = ::pread(::fileno(file_.get()), all.data(), all.size(), 0);
    all.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
    return all;
  }

 private:
  struct close_file {
    void operator()(std::FILE* f) const { std::fclose(f); }
  };
  std::unique_ptr<std::FILE, close_file> file_{std::tmpfile()};
  rlimit before_{};
};

// A file that may not grow gets whole rows, is reported as a full disk is, and has room for the summary.
TEST(row_writer, a_limited_file_ends_with_its_summary) {
  small_file file(8192);
  stop_sign abandon;
  int why = 0;
  row_writer writer(file.writer(), abandon, [&](row_writer::failure, int error) { why = error; });
  std::string rows;
  for (int i = 0; i < 100; ++i) rows += std::string(199, static_cast<char>('a' + i % 26)) + "\n";
  writer.write(rows);
  EXPECT_EQ(why, EFBIG);
  EXPECT_EQ(writer.state(), row_writer::failure::system);
  writer.write_last("summary\n");
  writer.write("late\n");
  const auto text = file.text();
  EXPECT_TRUE(text.ends_with("\nsummary\n"));
  EXPECT_EQ((text.size() - 8) % 200, 0u) << "whole rows";
  EXPECT_GT(text.size(), 5000u);
}

// What comes behind the last row is dropped.
TEST(row_writer, the_last_row_is_the_last) {
  stop_sign abandon;
  auto [read_end, write_end] = make_pipe();
  row_writer writer(std::move(write_end), abandon, [](row_writer::failure, int) { FAIL(); });
  writer.collect("row\n");
  writer.write_last("last\n");
  writer.collect("late\n");
  writer.flush();
  std::array<char, 32> buffer{};
  const auto n = ::read(read_end.get(), buffer.data(), buffer.size());
  EXPECT_EQ(std::string(buffer.data(), static_cast<std::size_t>(n)), "row\nlast\n");
}

// Rows that could not be written make a run that ended well end with that; what ended badly keeps its reason.
TEST(row_writer, what_becomes_of_the_exit_status) {
  using enum row_writer::failure;
  for (const int well : {0, 1}) {
    EXPECT_EQ(status_after_output(well, none), well);
    EXPECT_EQ(status_after_output(well, closed), 141);
    EXPECT_EQ(status_after_output(well, system), 4);
  }
  for (const int badly : {4, 5, 130, 143})
    for (const auto rows : {none, closed, system}) EXPECT_EQ(status_after_output(badly, rows), badly);
}

// Once abandoned, a reader who does not read is not waited for.
TEST(row_writer, an_abandoned_writer_does_not_wait) {
  stop_sign abandon;
  auto [read_end, write_end] = make_pipe();
  row_writer writer(std::move(write_end), abandon, [](row_writer::failure, int) { FAIL(); });
  abandon.raise();
  writer.write(std::string(1U << 20U, 'x') + "\n");
  SUCCEED();
}

} // namespace
} // namespace hoist::cli
