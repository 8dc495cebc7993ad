// Philox blocks, seeds, keys and the way counters move, against the numbers of docs/streams.md.
#include "counterpoint/kernels/philox.h"

#include <gtest/gtest.h>

#include "kernels/fills.h"

namespace counterpoint::kernels_test {
namespace {

using kernels::advance_as_tensorflow;
using kernels::Counter;
using kernels::philox_block;
using kernels::philox_stream;
using kernels::PhiloxWords;

TEST(Philox, BlocksAreTheSpecifications) {
  EXPECT_EQ(philox_block({}, 0), (PhiloxWords{0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u}));
  EXPECT_EQ(philox_block({1, 0}, 0),
            (PhiloxWords{0xf8e4cca4u, 0x5cb200dbu, 0xb1a574ebu, 0x097eff67u}));
  EXPECT_EQ(philox_block({0x0000000200000001u, 0x0000000400000003u}, 0x0000000600000005u),
            (PhiloxWords{0xc0c839bcu, 0x889c87c5u, 0x61986739u, 0x2d4623d0u}));
}

TEST(Philox, SeedsAreScrambledAsTensorFlowDoes) {
  std::uint64_t key = 0;
  Counter counter;
  const std::int64_t one_two[2] = {1, 2};
  philox_stream().scramble_seed(one_two, &key, &counter);
  EXPECT_EQ(key, 0x908502c96d2f7fbau);
  EXPECT_EQ(counter, (Counter{0, 0xf7734320619cb60bu}));
  const std::int64_t negative[2] = {-1, 5};
  philox_stream().scramble_seed(negative, &key, &counter);
  EXPECT_EQ(key, 0xce61931c039442c8u);
  EXPECT_EQ(counter, (Counter{0, 0xb48f290fd65507acu}));
}

TEST(Philox, ReplicaKeys) {
  const auto derive = philox_stream().derive_key;
  EXPECT_EQ(derive(0, 0), 0xe169c58d6627e8d5u);
  EXPECT_EQ(derive(0, 1), 0x5cb200dbf8e4cca4u);
  EXPECT_EQ(derive(0, 2), 0x51c732a604faa329u);
}

TEST(Philox, CountersMoveAsTensorFlows) {
  const auto all_ones = static_cast<std::uint64_t>(-1);
  const auto skip = [](Counter counter, std::int64_t elements) {
    return advance_as_tensorflow(counter, static_cast<std::uint64_t>(elements) * 256);
  };
  EXPECT_EQ(skip({1, 0}, 3), (Counter{769, 0}));
  EXPECT_EQ(skip({all_ones, 0}, 1), (Counter{255, 1}));
  EXPECT_EQ(skip({all_ones, all_ones}, 1), (Counter{255, 0}));
  EXPECT_EQ(skip({7, 3}, std::int64_t{1} << 56), (Counter{7, 3}));
  EXPECT_EQ(skip({1000, 0}, -3), (Counter{232, 0}));
  const std::uint64_t five = std::uint64_t{5} << 32;
  EXPECT_EQ(skip({five, 0}, -3), (Counter{five - 768, 1}));
}

TEST(Philox, SkippingInPiecesIsSkippingAtOnce) {
  const std::uint64_t steps[] = {0, 1, 255, 256, 0xffffffffu, 0x100000000u, 0x7fffffffffffff00u};
  const Counter starts[] = {
      {0, 0}, {0xffffff00u, 1}, {~std::uint64_t{0}, 9}, {~std::uint64_t{0}, ~std::uint64_t{0}}};
  for (const Counter start : starts) {
    for (const std::uint64_t a : steps) {
      for (const std::uint64_t b : steps) {
        EXPECT_EQ(start + a + b, start + b + a);
        // No carry is lost below 2^64 - 2^32, where the sum of two steps stays.
        if (a + b < 0xffffffff00000000u && a + b >= a) {
          EXPECT_EQ(advance_as_tensorflow(advance_as_tensorflow(start, a), b),
                    advance_as_tensorflow(start, a + b));
          EXPECT_EQ(advance_as_tensorflow(start, a), start + a);
        }
      }
    }
  }
}

TEST(Philox, BlocksRunOnAcrossCarries) {
  // A fill over the wrap of c0 and of the low 64 bits is the fill of its blocks one by one.
  for (const Counter start : {Counter{0xfffffff0u, 5}, Counter{~std::uint64_t{0} - 40, 5},
                              Counter{~std::uint64_t{0} - 40, ~std::uint64_t{0}}}) {
    Fill fill{.distribution = Distribution::uniform_full_int, .key = 77, .counter = start};
    const auto words = draw<std::uint32_t>(philox_stream(), fill, 0, 4096);
    for (std::size_t i = 0; i < words.size(); ++i) {
      ASSERT_EQ(words[i], philox_block(start + i / 4, 77)[i % 4]) << i;
    }
  }
}

}  // namespace
}  // namespace counterpoint::kernels_test
