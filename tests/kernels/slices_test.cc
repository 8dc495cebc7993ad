// A slice of a draw is the slice of the whole draw: every length, every offset, long fills cut
// anywhere.
#include <gtest/gtest.h>

#include "kernels/fills.h"

namespace counterpoint::kernels_test {
namespace {

using kernels::philox_stream;

std::vector<std::byte> part(const std::vector<std::byte>& whole, std::uint64_t first,
                            std::uint64_t count, std::size_t size) {
  return {whole.begin() + static_cast<std::ptrdiff_t>(first * size),
          whole.begin() + static_cast<std::ptrdiff_t>((first + count) * size)};
}

TEST(Slices, EveryLengthIsAPrefix) {
  const auto kinds = every_kind(philox_stream());
  ASSERT_EQ(kinds.size(), 4u + 4 * 3 + 3 * 4 * 2);
  for (Fill fill : kinds) {
    const auto whole = draw_bytes(philox_stream(), fill, 0, 300);
    for (std::uint64_t count = 0; count <= 300; ++count) {
      fill.count = count;
      ASSERT_EQ(draw_bytes(philox_stream(), fill, 0, count),
                part(whole, 0, count, dtype_size(fill.dtype)))
          << describe(fill);
    }
  }
}

TEST(Slices, EveryOffset) {
  for (Fill fill : every_kind(philox_stream())) {
    const auto whole = draw_bytes(philox_stream(), fill, 0, 600);
    for (std::uint64_t first = 0; first <= 300; ++first) {
      for (const std::uint64_t count : {1u, 2u, 7u, 64u, 133u, 300u}) {
        fill.first_element = first;
        fill.count = count;
        ASSERT_EQ(draw_bytes(philox_stream(), fill, first, count),
                  part(whole, first, count, dtype_size(fill.dtype)))
            << describe(fill);
      }
    }
  }
}

TEST(Slices, NothingBeyondTheCountIsWritten) {
  for (Fill fill : every_kind(philox_stream())) {
    const std::size_t size = dtype_size(fill.dtype);
    for (const std::uint64_t count : {0u, 1u, 5u, 31u, 64u, 127u, 1000u, 4099u}) {
      std::vector<std::byte> out((count + 64) * size, std::byte{0xa5});
      fill.output = out.data() + 32 * size;
      fill.count = count;
      fill.first_element = 3;
      philox_stream().fill(fill);
      for (std::size_t i = 0; i < 32 * size; ++i) {
        ASSERT_EQ(out[i], std::byte{0xa5}) << describe(fill);
        ASSERT_EQ(out[(32 + count) * size + i], std::byte{0xa5}) << describe(fill);
      }
    }
  }
}

TEST(Slices, ALongFillCutAnywhereIsTheFill) {
  constexpr std::uint64_t kCount = 50'021;
  for (Fill fill : every_kind(philox_stream())) {
    const std::size_t size = dtype_size(fill.dtype);
    const auto whole = draw_bytes(philox_stream(), fill, 0, kCount);
    for (const std::uint64_t piece : {997u, 4096u, 12'345u, 33'333u}) {
      std::vector<std::byte> joined(whole.size());
      for (std::uint64_t first = 0; first < kCount; first += piece) {
        fill.first_element = first;
        fill.count = std::min(piece, kCount - first);
        fill.output = joined.data() + first * size;
        philox_stream().fill(fill);
      }
      ASSERT_EQ(joined, whole) << describe(fill) << " in pieces of " << piece;
    }
  }
}

TEST(Slices, ElementsFarOutFollowTheirBlocks) {
  // An element's block is counter + first / per block, whatever its distance.
  const std::uint64_t far = (std::uint64_t{1} << 61) + 5;
  for (Fill fill : every_kind(philox_stream())) {
    if (fill.distribution == Distribution::truncated_normal) continue;
    const std::uint64_t per_block = dtype_size(fill.dtype) == 8 ? 2 : 4;
    Fill moved = fill;
    moved.counter = fill.counter + far / per_block;
    EXPECT_EQ(draw_bytes(philox_stream(), fill, far, 101),
              draw_bytes(philox_stream(), moved, far % per_block, 101))
        << describe(fill);
  }
}

}  // namespace
}  // namespace counterpoint::kernels_test
