// The keys of replicas 0 to 10,000,000 are distinct: every one is derived and compared.
//
// Right keys would meet with probability 10^14 / 2^65 = 2.7 in a million a primary key.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "counterpoint/kernels/stream_definition.h"

namespace counterpoint::statistics {
namespace {

constexpr std::uint64_t kReplicas = 10'000'001;

std::vector<std::uint64_t> keys_of_replicas(const kernels::StreamDefinition& stream,
                                            std::uint64_t primary_key) {
  std::vector<std::uint64_t> keys(kReplicas);
  for (std::uint64_t r = 0; r < kReplicas; ++r) keys[r] = stream.derive_key(primary_key, r);
  return keys;
}

// Whether two are equal: sorted in buckets of their upper 16 bits, each in the cache.
bool any_equal(const std::vector<std::uint64_t>& keys) {
  std::vector<std::size_t> begin((1 << 16) + 1);
  for (const std::uint64_t key : keys) ++begin[(key >> 48) + 1];
  for (std::size_t i = 1; i < begin.size(); ++i) begin[i] += begin[i - 1];
  std::vector<std::uint64_t> sorted(keys.size());
  std::vector<std::size_t> next(begin.begin(), begin.end() - 1);
  for (const std::uint64_t key : keys) sorted[next[key >> 48]++] = key;
  for (std::size_t i = 0; i + 1 < begin.size(); ++i) {
    const auto first = sorted.begin() + static_cast<std::ptrdiff_t>(begin[i]);
    const auto last = sorted.begin() + static_cast<std::ptrdiff_t>(begin[i + 1]);
    std::sort(first, last);
    if (std::adjacent_find(first, last) != last) return true;
  }
  return false;
}

class Keys : public testing::TestWithParam<std::uint64_t> {};

TEST_P(Keys, OfTenMillionReplicasAreDistinct) {
  for (const kernels::StreamDefinition* stream :
       {&kernels::philox_stream(), &kernels::threefry_stream()}) {
    std::vector<std::uint64_t> keys = keys_of_replicas(*stream, GetParam());
    EXPECT_FALSE(any_equal(keys)) << stream->name;
    // None is the primary key either, so no replica draws the primary stream.
    EXPECT_EQ(std::ranges::find(keys, GetParam()), keys.end()) << stream->name;
    // And one that is planted is found.
    keys[9'876'543] = keys[12];
    EXPECT_TRUE(any_equal(keys));
  }
}

// 0 is the key of every generator that was made from a small integer.
INSTANTIATE_TEST_SUITE_P(PrimaryKeys, Keys,
                         testing::Values(0u, 1u, 0x0123456789abcdefu, 0x8000000000000000u,
                                         ~std::uint64_t{0}));

}  // namespace
}  // namespace counterpoint::statistics
