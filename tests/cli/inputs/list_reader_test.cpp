#include "cli/inputs/list_reader.hpp"

#include <gtest/gtest.h>

#include <array>
#include <thread>
#include <vector>

namespace hoist::cli {
namespace {

struct pipe_ends {
  unique_fd read, write;
};

pipe_ends make_pipe() {
  std::array<int, 2> fds{};
  EXPECT_EQ(::pipe(fds.data()), 0);
  return {unique_fd(fds[0]), unique_fd(fds[1])};
}

void put(const unique_fd& fd, std::string_view text) {
  ASSERT_EQ(::write(fd.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
}

std::vector<std::string> entries_of(std::string_view text, char separator) {
  stop_sign stop;
  auto ends = make_pipe();
  put(ends.write, text);
  ends.write.reset();
  list_reader reader(std::move(ends.read), separator, stop);
  std::vector<std::string> entries;
  while (auto entry = reader.next()) entries.push_back(*std::move(entry));
  return entries;
}

// Entries end at the separator; empty ones are nothing, and the last needs no end.
TEST(list_reader, entries) {
  using strings = std::vector<std::string>;
  EXPECT_EQ(entries_of("a\nb\n", '\n'), (strings{"a", "b"}));
  EXPECT_EQ(entries_of("\n\na\n\nb", '\n'), (strings{"a", "b"}));
  EXPECT_EQ(entries_of(std::string_view("a\nb\0c\0", 6), '\0'), (strings{"a\nb", "c"}));
  EXPECT_EQ(entries_of("", '\n'), strings{});
  EXPECT_EQ(entries_of(" a \r\n", '\n'), (strings{" a \r"}));
}

// The first entry is handed on before the second is written.
TEST(list_reader, streams) {
  stop_sign stop;
  auto ends = make_pipe();
  list_reader reader(std::move(ends.read), '\n', stop);
  put(ends.write, "a\nb");
  EXPECT_EQ(reader.next(), "a");
  put(ends.write, "c\n");
  EXPECT_EQ(reader.next(), "bc");
}

// A reader that waits is released by the stop sign.
TEST(list_reader, stop_releases_a_waiting_reader) {
  stop_sign stop;
  const auto ends = make_pipe();
  list_reader reader(unique_fd(::dup(ends.read.get())), '\n', stop);
  std::thread waiting([&] { EXPECT_EQ(reader.next(), std::nullopt); });
  stop.raise();
  waiting.join();
}

// What is too long for a path hints at the other separator.
TEST(list_reader, entries_that_are_too_long) {
  stop_sign stop;
  auto ends = make_pipe();
  list_reader reader(std::move(ends.read), '\n', stop);
  std::thread writer([&] {
    const std::string piece(4096, '\0');
    for (int i = 0; i < 20; ++i) put(ends.write, piece);
    ends.write.reset();
  });
  EXPECT_EQ(reader.next(), std::nullopt);
  EXPECT_NE(reader.error().find("add -0"), std::string::npos);
  writer.join();
}

} // namespace
} // namespace hoist::cli
