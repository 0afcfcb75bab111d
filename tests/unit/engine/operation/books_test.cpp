// Which operations are under way, and whom a fatal end concerns.

#include "engine/operation/books.hpp"

#include <gtest/gtest.h>

#include <thread>

namespace hoist::engine {
namespace {

std::shared_ptr<run> one() {
  return std::make_shared<run>(detail::upload_callback{}, core::instant{});
}
std::shared_ptr<run> many() {
  return std::make_shared<run>(batch{}, detail::batch_callback{}, core::instant{});
}

diagnostics because(std::string text) {
  diagnostics d;
  d.message = std::move(text);
  return d;
}

// Who has entered and not left is under way.
TEST(books, who_is_in) {
  books tested;
  const auto a = one(), b = many(), c = one();
  for (const auto& r : {a, b, c}) EXPECT_TRUE(tested.enter(r));
  EXPECT_EQ(tested.running().size(), 3u);
  tested.leave(a);
  EXPECT_EQ(tested.running(), (std::vector{b, c}));
  int batches = 0;
  tested.for_each_batch([&](run& r) {
    EXPECT_EQ(&r, b.get());
    ++batches;
  });
  EXPECT_EQ(batches, 1);
  tested.leave(c);
  tested.leave(b);
  EXPECT_TRUE(tested.running().empty());
}

// A fatal end is that of every run that is in, told to each once. What is wrong with a host concerns no later one; what
// is wrong with the key or the ledger does.
TEST(books, a_fatal_end) {
  for (const auto& [cause, lasts] : {std::pair{errc::api_unreachable, false},
                                     {errc::tls_refused, false},
                                     {errc::storage_refused, false},
                                     {errc::private_storage, false},
                                     {errc::key_refused, true},
                                     {errc::ledger_failed, true}}) {
    books tested;
    const auto before = one(), both = many();
    ASSERT_TRUE(tested.enter(before));
    ASSERT_TRUE(tested.enter(both));
    EXPECT_EQ(tested.end_all(cause, because("first")).size(), 2u);
    EXPECT_TRUE(before->stopping());
    EXPECT_TRUE(both->stopping());
    EXPECT_TRUE(tested.end_all(cause, because("again")).empty()) << "it is no news";
    const auto later = one();
    EXPECT_EQ(tested.enter(later), !lasts) << name_of(cause);
    EXPECT_EQ(later->stopping(), lasts) << name_of(cause);
    EXPECT_EQ(tested.end_all(cause, because("later")).size(), lasts ? 0u : 1u) << name_of(cause);
  }
}

// Once closed nobody enters, and the wait ends with the last one that leaves.
TEST(books, are_closed) {
  books tested;
  const auto last = many(), late = one();
  ASSERT_TRUE(tested.enter(last));
  tested.close();
  EXPECT_FALSE(tested.enter(late));
  EXPECT_TRUE(late->stopping());
  std::thread leaving([&] { tested.leave(last); });
  tested.wait_until_empty();
  leaving.join();
  EXPECT_TRUE(tested.running().empty());
}

} // namespace
} // namespace hoist::engine
