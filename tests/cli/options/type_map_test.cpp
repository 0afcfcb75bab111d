#include "cli/options/type_map.hpp"

#include "cli/base/usage_error.hpp"

#include <gtest/gtest.h>

namespace hoist::cli {
namespace {

// Extensions are compared without case, the longest first; a dot that hides a file begins no extension.
TEST(type_map, look_up) {
  const auto map = type_map::parse(
      "# ours\nglb model/gltf-binary\n.tar.gz application/x-gtar # joined\n\ngz\tapplication/gzip\r\n", "FILE");
  EXPECT_EQ(map.type_of("a/b.GLB"), "model/gltf-binary");
  EXPECT_EQ(map.type_of("a.b/x.tar.gz"), "application/x-gtar");
  EXPECT_EQ(map.type_of("x.1.gz"), "application/gzip");
  EXPECT_EQ(map.type_of(".gz"), "");
  EXPECT_EQ(map.type_of("a.glb/x"), "");
  EXPECT_EQ(map.type_of("x"), "");
}

// A line that cannot be meant is refused by its number.
TEST(type_map, refusals) {
  for (const auto* text : {"ok a/b\nglb\n", "ok a/b\nglb model\n", "ok a/b\nglb model/x y\n", "ok a/b\n. a/b\n"}) {
    try {
      type_map::parse(text, "FILE");
      ADD_FAILURE() << text;
    } catch (const usage_error& wrong) {
      EXPECT_NE(std::string(wrong.what()).find("line 2"), std::string::npos) << wrong.what();
    }
  }
}

} // namespace
} // namespace hoist::cli
