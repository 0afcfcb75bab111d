#include "wire/delete_request.hpp"

#include <hoist/version.hpp>

#include <gtest/gtest.h>

namespace hoist::wire {
namespace {

// The whole request, byte for byte. What an id holds beyond letters and digits stays within its step of the path.
TEST(delete_request, whole) {
  url api;
  ASSERT_EQ(parse_url("https://API.example:8443", api), "");
  const delete_writer writer(api.where, "secret");
  const std::string rest = " HTTP/1.1\r\nHost: api.example:8443\r\nUser-Agent: hoist/" + version() +
                           "\r\nX-API-Key: secret\r\nAccept: application/json\r\n\r\n";
  struct {
    const char *id, *step;
  } const cases[] = {{"7f0c2c9e-0000-4000-8000-00000000000a", "7f0c2c9e-0000-4000-8000-00000000000a"},
                     {"a.b_c~d", "a.b_c~d"},
                     {"../v1/all?x#y", "..%2Fv1%2Fall%3Fx%23y"},
                     {"50%", "50%25"}};
  for (const auto& c : cases) {
    std::string out = "before";
    writer.append(out, c.id);
    EXPECT_EQ(out, "beforeDELETE /v1/files/" + std::string(c.step) + rest);
  }
}

// No text is sent as an id that could be none, or would be a step of its own.
TEST(delete_request, ids_that_are_none) {
  const std::string longest(256, 'x');
  EXPECT_EQ(refuse_id(longest), "");
  for (const std::string& id : {std::string(), std::string("."), std::string(".."), std::string("a b"),
                                std::string("a\r\nb"), std::string("a\0b", 3), std::string("\xC3\xA4"), longest + "x"})
    EXPECT_NE(refuse_id(id), "") << id;
}

} // namespace
} // namespace hoist::wire
