// Call logs find the first call in which two replicas differ, as far back as they remember.
#include "counterpoint/strategy/internal/call_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

namespace counterpoint {
namespace {

CallRecord draw(const std::vector<std::int64_t>& shape, Operation operation = Operation::normal) {
  return {.operation = operation,
          .dtype = DType::f32,
          .shape = shape,
          .location = std::source_location::current()};
}

TEST(CallLog, EqualCallsAreInStep) {
  CallLog a;
  CallLog b;
  for (int i = 0; i < 3000; ++i) {
    a.record(1, draw({i, 2}));
    b.record(1, draw({i, 2}));
  }
  EXPECT_EQ(a.digest(), b.digest());
  EXPECT_EQ(first_difference(a, b), std::nullopt);
}

TEST(CallLog, NamesTheFirstDifference) {
  CallLog a;
  CallLog b;
  for (int i = 0; i < 10; ++i) {
    a.record(1, draw({2}));
    b.record(1, draw({2}, i == 6 ? Operation::uniform : Operation::normal));
  }
  ASSERT_EQ(first_difference(a, b), 6u);
  EXPECT_THAT(a.describe(6),
              testing::HasSubstr("call 6: normal f32 [2] of stream #1 at call_log_test.cc:"));
  EXPECT_THAT(b.describe(6), testing::HasSubstr("call 6: uniform f32 [2]"));
}

TEST(CallLog, AnotherStreamIsAnotherCall) {
  CallLog a;
  CallLog b;
  a.record(1, draw({2}));
  b.record(2, draw({2}));
  EXPECT_EQ(first_difference(a, b), 0u);
}

// What was called before a log went on from another's mark is compared with nothing.
TEST(CallLog, ComparesFromTheMarkThatItAdopted) {
  CallLog a;
  CallLog b;
  for (int i = 0; i < 5; ++i) a.record(1, draw({2}));
  for (int i = 0; i < 9; ++i) b.record(1, draw({3}));
  b.adopt(a.mark());
  EXPECT_EQ(first_difference(a, b), std::nullopt);
  EXPECT_EQ(b.first_remembered(), 5U);
  EXPECT_EQ(b.call(4), nullptr);
  EXPECT_EQ(b.mark_before_last(), b.mark());
  a.record(1, draw({4}));
  b.record(1, draw({5}));
  EXPECT_EQ(b.mark_before_last(), a.mark_before_last());
  EXPECT_EQ(first_difference(a, b), 5U);
  EXPECT_FALSE(b.may_differ_before(5)) << "it was alike there";
}

TEST(CallLog, KnowsWhereItWasBeforeTheLastCall) {
  CallLog log;
  EXPECT_EQ(log.mark_before_last(), log.mark());
  for (std::size_t i = 0; i < 2 * CallLog::kRemembered; ++i) {
    const CallLog::Mark before = log.mark();
    log.record(1, draw({2}));
    ASSERT_EQ(log.mark_before_last(), before);
  }
}

TEST(CallLog, OneCallMoreIsNamed) {
  CallLog a;
  CallLog b;
  a.record(1, draw({2}));
  b.record(1, draw({2}));
  b.record(1, draw({}));
  ASSERT_EQ(first_difference(a, b), 1u);
  EXPECT_THAT(a.describe(1),
              testing::StartsWith("made only 1 calls, the last at call_log_test.cc:"));
  EXPECT_EQ(CallLog().describe(0), "made only 0 calls");
  EXPECT_THAT(b.describe(1), testing::HasSubstr("normal f32 []"));
}

TEST(CallLog, ALineAndItsColumnAreNotTakenForTheirSum) {
  const auto log_of = [](const std::source_location& location) {
    CallLog log;
    log.record(1, {.location = location});
    return log;
  };
  using Location = std::source_location;
  // clang-format off
#line 900
  const std::array row = {Location::current(), Location::current()};
#line 921
  const std::array next = {Location::current(), Location::current()};
  // clang-format on
  for (const Location& a : row) {
    for (const Location& b : next) {
      EXPECT_NE(log_of(a).place(0), log_of(b).place(0)) << a.column() << " and " << b.column();
    }
  }
  EXPECT_EQ(row[0].line() + row[1].column(), next[0].line() + row[0].column());
}

TEST(CallLog, WhatHasLeftTheRingIsSaid) {
  CallLog a;
  CallLog b;
  b.record(1, draw({9}));
  a.record(1, draw({8}));
  for (std::size_t i = 0; i < 2 * CallLog::kRemembered; ++i) {
    a.record(1, draw({2}));
    b.record(1, draw({2}));
  }
  const auto number = first_difference(a, b);
  ASSERT_TRUE(number.has_value());
  EXPECT_EQ(*number, a.first_remembered()) << "all that are remembered differ";
  EXPECT_THAT(a.describe(0), testing::HasSubstr("no longer remembered"));
}

}  // namespace
}  // namespace counterpoint
