// Seeds become states as in TensorFlow (docs/streams.md section 3, its table).
#include "counterpoint/runtime/seed.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "counterpoint/runtime/generator.h"
#include "runtime/expect_error.h"

namespace counterpoint {
namespace {

std::vector<std::int64_t> philox_state(const Seed& seed) {
  const std::vector<std::uint64_t> words = seed.state_words(3);
  return {words.begin(), words.end()};
}
using Words = std::vector<std::int64_t>;

TEST(Seed, IntegersLandInTheCounterOfAnySize) {
  EXPECT_EQ(philox_state(1), (Words{1, 0, 0}));
  EXPECT_EQ(philox_state(-1), (Words{-1, -1, -1}));
  EXPECT_EQ(philox_state(std::int8_t{-2}), (Words{-2, -1, -1}));
  EXPECT_EQ(philox_state(~std::uint64_t{0}), (Words{-1, 0, 0}));
  EXPECT_EQ(philox_state(true), (Words{1, 0, 0}));
  EXPECT_EQ(philox_state(Seed::integer("18446744073709551623")), (Words{7, 1, 0}));  // 2^64 + 7
  EXPECT_EQ(philox_state(Seed::integer("0x1000000000000000000000000000000000000000000000005")),
            (Words{5, 0, 0}));                                                          // 2^192 + 5
  EXPECT_EQ(philox_state(Seed::integer("-18446744073709551616")), (Words{0, -1, -1}));  // -2^64
  EXPECT_EQ(philox_state(Seed::integer("-0")), (Words{0, 0, 0}));
  EXPECT_EQ(philox_state(Seed::integer("+12")), (Words{12, 0, 0}));
  EXPECT_EQ(philox_state(Seed::integer("-0xff")), (Words{-255, -1, -1}));
}

TEST(Seed, VectorsArePaddedOnTheLeftAndCut) {
  EXPECT_EQ(philox_state({1, 2}), (Words{0, 1, 2}));
  EXPECT_EQ(philox_state({1, 2, 3, 4}), (Words{1, 2, 3}));
  EXPECT_EQ(philox_state({7}), (Words{0, 0, 7}));
  EXPECT_EQ(philox_state(std::vector<std::int64_t>{}), (Words{0, 0, 0}));
}

TEST(Seed, TwoWordStatesAsThreeFrys) {
  EXPECT_EQ(Seed::integer("18446744073709551621").state_words(2),
            (std::vector<std::uint64_t>{5, 1}));
  EXPECT_EQ(Seed({9}).state_words(2), (std::vector<std::uint64_t>{0, 9}));
  EXPECT_EQ(Seed({1, 2, 3}).state_words(2), (std::vector<std::uint64_t>{1, 2}));
}

TEST(Seed, WhatIsNoIntegerIsRefused) {
  for (const char* text : {"", "-", "0x", "12a", "1.5", " 1", "--1", "0xg"}) {
    expect_error(ErrorCode::invalid_argument, {"integer"}, [&] { Seed::integer(text); });
  }
}

TEST(Algorithm, NamesNumbersAndEnumsMeanTheSame) {
  for (const char* name : {"philox", "Philox", " PHI-LOX_ ", "auto_select", "AutoSelect"}) {
    EXPECT_EQ(stream_definition(name).name, "philox") << name;
  }
  EXPECT_EQ(stream_definition(1).name, "philox");
  EXPECT_EQ(stream_definition(3).name, "philox");
  EXPECT_EQ(stream_definition(Algorithm::auto_select).name, "philox");
}

TEST(Algorithm, UnknownOnesAreRefusedAndTheKnownNamed) {
  expect_error(ErrorCode::invalid_argument, {"mt19937", "philox"},
               [] { stream_definition("mt19937"); });
  expect_error(ErrorCode::invalid_argument, {"17"}, [] { stream_definition(17); });
  expect_error(ErrorCode::invalid_argument, {"nope"}, [] { Generator::from_seed(1, "nope"); });
}

}  // namespace
}  // namespace counterpoint
