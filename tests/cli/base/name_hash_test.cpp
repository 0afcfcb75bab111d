#include "cli/base/name_hash.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <numeric>
#include <set>

namespace hoist::cli {
namespace {

// It is the beginning of SHA-256 of the key and the name, each name by itself. (Made with sha256sum.)
TEST(name_hash, known_answer) {
  name_hash::key key;
  std::iota(key.begin(), key.end(), 0);
  const name_hash hash(key);
  const unsigned char expected[] = {0xfa, 0x70, 0xb7, 0x37, 0xa9, 0xc5, 0xdc, 0xd4};
  for (int i = 0; i < 2; ++i) {
    const auto value = hash("shots/cat.png");
    EXPECT_EQ(std::memcmp(&value, expected, sizeof value), 0);
    EXPECT_NE(hash("shots/dog.png"), value);
  }
}

// Each has a key of its own: nobody can know beforehand which names it takes for one.
TEST(name_hash, keys_are_drawn) {
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 10; ++i) seen.insert(name_hash()("shots/cat.png"));
  EXPECT_EQ(seen.size(), 10U);
}

} // namespace
} // namespace hoist::cli
