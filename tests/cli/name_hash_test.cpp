#include "cli/name_hash.hpp"

#include <gtest/gtest.h>

#include <numeric>
#include <set>
#include <string>

namespace hoist::cli {
namespace {

// It is SipHash-2-4: the example of its authors, and their vector for nothing.
TEST(name_hash, is_siphash) {
  name_hash::key key;
  std::iota(key.begin(), key.end(), 0);
  const name_hash hash(key);
  std::string name(15, '\0');
  std::iota(name.begin(), name.end(), 0);
  EXPECT_EQ(hash(name), 0xa129ca6149be45e5U);
  EXPECT_EQ(hash(""), 0x726fdb47dd0e0e31U);
  EXPECT_EQ(hash(name), 0xa129ca6149be45e5U) << "each name by itself";
}

// Each has a key of its own: nobody can know beforehand which names it takes for one.
TEST(name_hash, keys_are_drawn) {
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 10; ++i) seen.insert(name_hash()("shots/cat.png"));
  EXPECT_EQ(seen.size(), 10U);
}

} // namespace
} // namespace hoist::cli
