// Every kernel that this machine can run, and the lanes above them, against RFC 1321 and against OpenSSL.

#include "md5_hex.hpp"

#include "digest/company_wait.hpp"
#include "digest/md5_lanes.hpp"

#include "core/base/random.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <string>
#include <vector>

namespace hoist::digest {
namespace {

using test::md5_hex;

std::size_t below(core::random& r, std::size_t bound) {
  return r.next() % bound;
}

std::string noise(std::size_t size, std::uint64_t seed) {
  core::random r(seed);
  std::string bytes(size, '\0');
  for (char& c : bytes) c = static_cast<char>(below(r, 256));
  return bytes;
}

std::string hex(const std::array<unsigned char, 16>& digest) {
  std::string text;
  for (const unsigned char b : digest) text.append(1, "0123456789abcdef"[b >> 4]).append(1, "0123456789abcdef"[b & 15]);
  return text;
}

class md5_lanes_of : public testing::TestWithParam<const md5_kernels*> {};

INSTANTIATE_TEST_SUITE_P(all, md5_lanes_of, testing::ValuesIn(md5_kernels_here().begin(), md5_kernels_here().end()),
                         [](const auto& tested) { return std::string(tested.param->instructions); });

// The digests of RFC 1321's own test suite, each in the company of the others.
TEST_P(md5_lanes_of, rfc_1321) {
  const std::pair<const char*, const char*> suite[] = {
      {"", "d41d8cd98f00b204e9800998ecf8427e"},
      {"a", "0cc175b9c0f1b6a831c399e269772661"},
      {"abc", "900150983cd24fb0d6963f7d28e17f72"},
      {"message digest", "f96b697d7cb7938d525a2f31aaf161d0"},
      {"abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b"},
      {"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", "d174ab98d277d9f5a5611c2c9f419d9f"},
      {"12345678901234567890123456789012345678901234567890123456789012345678901234567890",
       "57edf4a22be3c955ac49da2e2107b67a"}};
  md5_lanes lanes(*GetParam());
  std::deque<md5> digests;
  for (const auto& [text, expected] : suite) digests.emplace_back(lanes).finish(std::string_view(text));
  for (std::size_t i = 0; i < std::size(suite); ++i)
    EXPECT_EQ(hex(digests[i].value()), suite[i].second) << suite[i].first;
}

// Every length around the block's boundaries, in any number of lanes from one to more than there are, is what OpenSSL
// says.
TEST_P(md5_lanes_of, every_length_in_every_number_of_lanes) {
  const std::string bytes = noise(1100 + 20, 1);
  std::vector<std::string> expected;
  for (std::size_t length = 0; length <= 1100; ++length)
    expected.push_back(md5_hex(std::string_view(bytes).substr(0, length)));
  for (std::size_t together = 1; together <= 20; ++together) {
    md5_lanes lanes(*GetParam());
    std::deque<md5> digests;
    for (std::size_t i = 0; i < together; ++i) digests.emplace_back(lanes);
    for (std::size_t length = 0; length <= 1100; length += together) {
      const auto length_of = [&](std::size_t i) { return std::min<std::size_t>(length + i, 1100); };
      for (std::size_t i = 0; i < together; ++i) digests[i].finish(std::span(bytes).first(length_of(i)));
      for (std::size_t i = 0; i < together; ++i) {
        ASSERT_EQ(hex(digests[i].value()), expected[length_of(i)]) << length_of(i) << " of " << together;
        digests[i].restart();
      }
    }
  }
}

// Lanes are independent of each other and of what lies beside: each kernel, each lane, different messages at odd
// addresses.
TEST_P(md5_lanes_of, a_kernel_keeps_its_lanes_apart) {
  for (const auto& kernel : GetParam()->by_lanes) {
    std::vector<std::string> messages;
    std::vector<const unsigned char*> at;
    for (std::size_t lane = 0; lane < kernel.lanes; ++lane)
      messages.push_back(noise(1 + lane + 3 * md5_block_bytes, lane));
    for (std::size_t lane = 0; lane < kernel.lanes; ++lane)
      at.push_back(reinterpret_cast<const unsigned char*>(messages[lane].data()) + 1 + lane);
    std::vector<std::uint32_t> together(4 * kernel.lanes);
    for (std::size_t i = 0; i < together.size(); ++i) together[i] = static_cast<std::uint32_t>(i * 0x9e3779b9u);
    const auto before = together;
    kernel.run(together.data(), at.data(), 3);
    for (std::size_t lane = 0; lane < kernel.lanes; ++lane) {
      std::array<std::uint32_t, 4> alone;
      for (std::size_t w = 0; w < 4; ++w) alone[w] = before[w * kernel.lanes + lane];
      md5_one_lane(alone.data(), &at[lane], 3);
      for (std::size_t w = 0; w < 4; ++w) EXPECT_EQ(together[w * kernel.lanes + lane], alone[w]) << lane;
    }
  }
}

/// Many messages under way in any order: pieces of any size, ends, values asked for at any time, messages given up.
class crowd {
 public:
  crowd(const md5_kernels& with, std::uint64_t seed) : lanes_(with), random_(seed) {
    for (int i = 0; i < 40; ++i) members_.emplace_back(lanes_);
  }

  void live(int steps) {
    for (int i = 0; i < steps; ++i) step(members_[below(random_, members_.size())]);
    for (auto& m : members_) end(m);
  }

 private:
  struct member {
    explicit member(md5_lanes& lanes) : digest(lanes) {}
    md5 digest;
    std::string sent;
  };

  void step(member& m) {
    const auto what = below(random_, 100);
    if (what < 3) {
      m.digest.restart();
      m.sent.clear();
    } else if (what < 20) {
      end(m);
    } else {
      const std::string piece = next_piece();
      m.digest.update(piece);
      m.sent += piece;
    }
  }

  void end(member& m) {
    const std::string last = below(random_, 3) == 0 ? std::string() : next_piece();
    m.digest.finish(last);
    m.sent += last;
    if (below(random_, 2) == 0) m.digest.finish(); // which changes nothing
    ASSERT_EQ(hex(m.digest.value()), md5_hex(m.sent)) << m.sent.size();
    ASSERT_EQ(hex(m.digest.value()), md5_hex(m.sent)) << "asked for again";
    ASSERT_FALSE(m.digest.waits());
    m.digest.restart();
    m.sent.clear();
  }

  /// Mostly small; now and then more than a slot holds.
  std::string next_piece() {
    const std::size_t most[] = {64, 300, 5000, 65'536, 300'000};
    return noise(below(random_, most[std::min<std::size_t>(below(random_, 12), 4)] + 1), below(random_, 1000));
  }

  md5_lanes lanes_;
  core::random random_;
  std::deque<member> members_;
};

// However the pieces of many messages come in between each other, each digest is that of its message.
TEST_P(md5_lanes_of, any_interleaving) {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    SCOPED_TRACE(seed);
    crowd(*GetParam(), seed).live(400);
  }
}

// As many large messages as there are lanes, piece by piece in turns, fill every lane.
TEST_P(md5_lanes_of, equal_messages_in_turns_fill_the_lanes) {
  md5_lanes lanes(*GetParam());
  std::deque<md5> digests;
  const std::string piece = noise(65'536, 1);
  for (std::size_t i = 0; i < GetParam()->by_lanes.back().lanes; ++i) digests.emplace_back(lanes);
  for (int round = 0; round < 10; ++round)
    for (auto& d : digests) d.update(piece);
  EXPECT_GT(lanes.counted().blocks, 9 * digests.size() * (piece.size() / md5_block_bytes));
  EXPECT_EQ(lanes.counted().blocks, lanes.counted().rooms);
}

// Small messages, each in one piece, wait for as many others as there are lanes, and are then digested together.
TEST_P(md5_lanes_of, small_messages_meet) {
  md5_lanes lanes(*GetParam());
  std::deque<md5> digests;
  const std::size_t width = GetParam()->by_lanes.back().lanes;
  for (std::size_t i = 0; i + 1 < width; ++i) digests.emplace_back(lanes).finish(noise(4096, i));
  EXPECT_EQ(lanes.counted().blocks, 0u);
  digests.emplace_back(lanes).finish(noise(4096, 99));
  EXPECT_EQ(lanes.counted().blocks, width * (4096 / md5_block_bytes + 1));
  EXPECT_EQ(lanes.counted().blocks, lanes.counted().rooms);
  for (auto& d : digests) EXPECT_FALSE(d.waits());
}

// Uploads of which only one is under way at a time, because the peer is the slow one: those that are over still wait
// for their answers, and the pieces of the next ones join them.
TEST_P(md5_lanes_of, regression_the_only_one_under_way_waits_for_those_to_come) {
  md5_lanes lanes(*GetParam());
  std::deque<md5> digests;
  const std::size_t width = GetParam()->by_lanes.back().lanes;
  digests.emplace_back(lanes).finish(noise(80'000, 0));
  for (std::size_t i = 1; i < width; ++i) {
    EXPECT_EQ(lanes.counted().blocks, 0u) << i;
    md5& next = digests.emplace_back(lanes);
    next.update(noise(40'000, i));
    next.finish(noise(40'000, i));
  }
  for (auto& d : digests) d.value();
  EXPECT_GT(lanes.counted().blocks, lanes.counted().rooms * 95 / 100);
}

// Whose next piece would set off lanes of which a quarter is empty lacks company, until enough of those under way have
// brought something. It is not held up by that: the piece is taken all the same.
TEST_P(md5_lanes_of, company_is_three_quarters_of_those_under_way) {
  md5_lanes lanes(*GetParam());
  std::deque<md5> digests;
  for (int i = 0; i < 6; ++i) digests.emplace_back(lanes).update(std::string_view("begun"));
  const std::string piece = noise(65'536, 1);
  digests[0].update(piece);
  EXPECT_FALSE(digests[0].lacks_company(piece.size())) << "there is room for another one";
  digests[0].update(piece);
  EXPECT_TRUE(digests[0].lacks_company(piece.size()));
  for (std::size_t i = 1; i < 5; ++i) {
    EXPECT_TRUE(digests[0].lacks_company(piece.size())) << i;
    digests[i].update(piece);
  }
  EXPECT_FALSE(digests[0].lacks_company(piece.size()));
  EXPECT_FALSE(digests[5].lacks_company(piece.size())) << "who has brought nothing need not wait";
  digests[0].update(piece);
  EXPECT_EQ(hex(digests[0].value()), md5_hex("begun" + piece + piece + piece));
}

// Who waits in vain lets 1, 2, 4 … 64 pieces go before it waits again; who was joined waits before the next one.
TEST(company_wait, comes_less_often_where_nobody_comes) {
  company_wait company;
  const auto pieces_until_due = [&] {
    int n = 0;
    while (!company.is_due()) ++n;
    return n;
  };
  EXPECT_EQ(pieces_until_due(), 0);
  for (const int pieces : {1, 2, 4, 8, 16, 32, 64, 64}) {
    company.waited(true);
    EXPECT_EQ(pieces_until_due(), pieces);
  }
  company.waited(false);
  EXPECT_EQ(pieces_until_due(), 0);
}

// A message that is alone never waits: there is nobody to wait for.
TEST_P(md5_lanes_of, alone_nothing_waits) {
  md5_lanes lanes(*GetParam());
  md5 one(lanes), idle(lanes);
  for (int i = 0; i < 5; ++i) {
    one.update(noise(1000, 1));
    EXPECT_FALSE(one.waits());
  }
}

// One that has begun and brings nothing more does not hold the others up, and they do not pile up without bound.
TEST_P(md5_lanes_of, an_idle_one_holds_nobody_up) {
  md5_lanes lanes(*GetParam());
  md5 idle(lanes), busy(lanes);
  idle.update(std::string_view("begun"));
  const std::string piece = noise(50'000, 1);
  std::string all;
  for (int i = 0; i < 20; ++i) {
    busy.update(piece);
    all += piece;
  }
  EXPECT_GE(lanes.counted().blocks, (all.size() - 150'000) / md5_block_bytes);
  EXPECT_EQ(hex(busy.value()), md5_hex(all));
  EXPECT_EQ(hex(idle.value()), md5_hex("begun"));
}

// Whoever is given up in the middle leaves its lane to others, and its end is no loss to those who waited with it.
TEST_P(md5_lanes_of, one_that_is_given_up_leaves) {
  md5_lanes lanes(*GetParam());
  const std::string piece = noise(10'000, 1);
  md5 first(lanes), second(lanes);
  for (int i = 0; i < 100; ++i) {
    md5 given_up(lanes);
    first.update(piece);
    given_up.update(piece);
    second.update(piece);
  }
  std::string all;
  for (int i = 0; i < 100; ++i) all += piece;
  EXPECT_EQ(hex(first.value()), md5_hex(all));
  EXPECT_EQ(hex(second.value()), md5_hex(all));
}

} // namespace
} // namespace hoist::digest
