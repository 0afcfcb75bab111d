#include "server/http/byte_range.hpp"

#include <gtest/gtest.h>

namespace hoist::server {
namespace {

// One range is served, what lies outside is 416, and everything else is as if it were not there (RFC 9110 §14.2).
TEST(choose_range, table) {
  using enum range_answer;
  const struct {
    const char* header;
    std::uint64_t size;
    range_choice expected;
  } cases[] = {
      {"", 10, {whole, {0, 10}}},
      {"bytes=0-", 10, {part, {0, 10}}},
      {"bytes=0-0", 10, {part, {0, 1}}},
      {"bytes=3-5", 10, {part, {3, 3}}},
      {"bytes=3-99", 10, {part, {3, 7}}},
      {"bytes=9-9", 10, {part, {9, 1}}},
      {"bytes=-4", 10, {part, {6, 4}}},
      {"bytes=-99", 10, {part, {0, 10}}},
      {"bytes=10-", 10, {not_satisfiable, {}}},
      {"bytes=-0", 10, {not_satisfiable, {}}},
      {"bytes=0-", 0, {not_satisfiable, {}}},
      {"bytes=-1", 0, {not_satisfiable, {}}},
      {"bytes=5-3", 10, {whole, {0, 10}}},
      {"bytes=1-2,4-5", 10, {whole, {0, 10}}},
      {"bytes=a-b", 10, {whole, {0, 10}}},
      {"bytes=", 10, {whole, {0, 10}}},
      {"bytes=-", 10, {whole, {0, 10}}},
      {"lines=1-2", 10, {whole, {0, 10}}},
      {"bytes=99999999999999999999-", 10, {whole, {0, 10}}},
  };
  for (const auto& [header, size, expected] : cases) EXPECT_EQ(choose_range(header, size), expected) << header;
}

} // namespace
} // namespace hoist::server
