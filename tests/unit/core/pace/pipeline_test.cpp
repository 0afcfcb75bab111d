// How many presigns may wait in line on one connection: found out by trying, and given up for good at the first sign
// that the API cannot take it.

#include "core/pace/pipeline.hpp"

#include <gtest/gtest.h>

#include <deque>

namespace hoist::core {
namespace {

using namespace std::chrono_literals;
using line = pipeline::line;
using loss = pipeline::loss;

constexpr instant dawn{1h};

/// An API whose answers take `alone`, and come `apart` from each other on one connection.
struct api {
  instant::duration alone, apart;
  instant now = dawn;

  /// Fills `l` as far as it may be, and has all of that answered; how many these were.
  int round(pipeline& p, line& l) {
    const instant sent = now;
    int n = 0;
    for (; p.room(l) > 0; ++n) ++l.asked;
    now += alone;
    for (int i = 0; i < n; ++i, now += apart) p.answered(l, sent, now, true);
    return n;
  }
};

constexpr api quick{200us, 20us}, slow_in_line{20ms, 20ms}, far_away{100ms, 5ms};

// One at a time to begin with; doubled while answers come, up to the most.
TEST(pipeline, grows_while_answers_come) {
  pipeline p;
  api a = quick;
  line l;
  std::vector<int> depths;
  for (int i = 0; i < 60; ++i)
    if (const int n = a.round(p, l); depths.empty() || n != depths.back()) depths.push_back(n);
  EXPECT_EQ(depths, (std::vector{1, 2, 4, 8, 16}));
  EXPECT_FALSE(p.given_up());
}

// An API that answers a connection's requests one by one is asked one at a time, but for an attempt now and then.
TEST(pipeline, no_line_where_waiting_in_it_is_long) {
  pipeline p;
  api a = slow_in_line;
  line l;
  int asked = 0, rounds = 0;
  for (; asked < 10'000; ++rounds) asked += a.round(p, l);
  EXPECT_LE(asked - rounds, 10) << "requests that waited behind another";
  a.apart = 10us;
  for (int i = 0; i < 20'000; ++i) a.round(p, l);
  EXPECT_EQ(p.depth(), 16) << "what has become quick is found out";
}

/// A line whose next request goes out `gap` after the last one, as far as it may; `answered_at` says when, of what was
/// sent at which instant behind an answer at which. How many of `count` were asked behind another.
template <class Answer>
int asked_behind(pipeline& p, int count, instant::duration gap, Answer answered_at) {
  line l;
  std::deque<std::pair<instant, instant>> unanswered; // sent, answered
  instant now = dawn, last = dawn;
  int behind = 0;
  const auto answer_first = [&] {
    const auto [sent, at] = unanswered.front();
    unanswered.pop_front();
    p.answered(l, sent, at, true);
  };
  for (int i = 0; i < count; now += gap) {
    while (!unanswered.empty() && unanswered.front().second <= now) answer_first();
    if (p.room(l) <= 0) continue;
    behind += l.unanswered() > 0 ? 1 : 0;
    ++l.asked;
    ++i;
    last = answered_at(now, last);
    unanswered.emplace_back(now, last);
  }
  return behind;
}

// Who asks later is answered later, and has not waited for those before it: however far apart requests go out, it is
// the API that tells how long a line may be.
TEST(pipeline, regression_requests_that_go_out_one_by_one_do_not_wait_for_each_other) {
  for (const auto gap : {5ms, 20ms, 45ms}) {
    pipeline p;
    const int behind = asked_behind(p, 1000, gap, [](instant sent, instant) { return sent + 50ms; });
    EXPECT_EQ(p.depth(), 16) << gap.count();
    EXPECT_GE(behind, 900) << gap.count();
  }
}

// Nor does going out one by one hide an API that answers a connection's requests one after the other.
TEST(pipeline, no_line_where_waiting_is_long_however_it_is_joined) {
  for (const auto gap : {1ms, 5ms, 19ms}) {
    pipeline p;
    const int behind =
        asked_behind(p, 1000, gap, [](instant sent, instant last) { return std::max(sent, last) + 20ms; });
    EXPECT_LE(behind, 50) << gap.count();
  }
}

// The last in line waits a quarter longer than if it were alone, at most.
TEST(pipeline, a_line_is_as_long_as_is_worth_it) {
  pipeline p;
  api a = far_away;
  line l;
  for (int i = 0; i < 500; ++i) a.round(p, l);
  EXPECT_EQ(p.depth(), 1 + 25 / 5);
}

// A depth that was given is kept from the first request on, whatever answers take.
TEST(pipeline, a_given_depth_is_kept) {
  pipeline p({4, 4});
  api a = slow_in_line;
  line l;
  for (int i = 0; i < 100; ++i) ASSERT_EQ(a.round(p, l), 4);
}

struct loss_case {
  const char* name;
  loss how;
  std::uint32_t asked, answered; ///< of that connection, at depth 4
  bool gives_up;
};

class pipeline_loss : public testing::TestWithParam<loss_case> {};

// Silence, garbage, and a close before one full pipeline was answered mean that pipelining is not understood: one at a
// time from then on. A close after that, an announced one, and what befalls a request that waits alone mean nothing.
TEST_P(pipeline_loss, tells_whether_pipelining_is_understood) {
  const auto& c = GetParam();
  pipeline p({4, 4});
  p.lost({c.asked, c.answered, dawn}, c.how);
  EXPECT_EQ(p.given_up(), c.gives_up);
  EXPECT_EQ(p.depth(), c.gives_up ? 1 : 4);

  pipeline found_out;
  api a = quick;
  line l;
  while (found_out.depth() < 4) a.round(found_out, l);
  found_out.lost({c.asked, c.answered, a.now}, c.how);
  line next;
  for (int i = 0; i < 1000; ++i) a.round(found_out, next);
  EXPECT_EQ(found_out.depth(), c.gives_up ? 1 : 16);
}

INSTANTIATE_TEST_SUITE_P(all, pipeline_loss,
                         testing::Values(loss_case{"silent", loss::silent, 40, 36, true},
                                         loss_case{"garbled", loss::garbled, 40, 38, true},
                                         loss_case{"closed_on_the_first_pipeline", loss::closed, 4, 1, true},
                                         loss_case{"closed_before_any", loss::closed, 4, 0, true},
                                         loss_case{"closed_later", loss::closed, 8, 4, false},
                                         loss_case{"announced", loss::announced, 4, 1, false},
                                         loss_case{"silent_alone", loss::silent, 37, 36, false},
                                         loss_case{"closed_alone", loss::closed, 1, 0, false},
                                         loss_case{"ours", loss::ours, 4, 0, false}),
                         [](const auto& tested) { return std::string(tested.param.name); });

// An API that closes its connections after so many answers is asked no more than that on each: nothing is asked twice.
TEST(pipeline, learns_after_how_many_answers_a_connection_ends) {
  pipeline p({4, 4});
  const auto connection = [&](std::uint32_t ends_after) {
    line l;
    instant now = dawn;
    while (p.room(l) > 0) {
      while (p.room(l) > 0) ++l.asked;
      for (const instant sent = now; l.unanswered() > 0;) {
        p.answered(l, sent, now += 1ms, l.answered + 1 < ends_after);
        if (l.answered == ends_after) return l;
      }
    }
    return l;
  };
  EXPECT_EQ(connection(6).unanswered(), 2);
  EXPECT_EQ(connection(6).unanswered(), 0);
  EXPECT_EQ(connection(6).answered, 6u);
  EXPECT_EQ(connection(50).answered, 50u) << "what lives longer than it was expected to is used for longer";
}

} // namespace
} // namespace hoist::core
