// x mod a range that is the same for a whole fill, by one multiplication with its reciprocal.
//
//   Remainder64 die(6, /*low=*/1);
//   std::uint64_t side = die(x);          // 1 + x % 6
//   std::uint32_t m = reciprocal32(6);    // for vectors
//   // q = (x * m) >> 32 is x / 6 or one less, so x - 6 q or 6 less is the remainder
//
// With m = floor(2^w / range) the quotient's estimate falls short of x / range by less than
// x / 2^w < 1. Internal. Thread-safety: values.
#pragma once

#include <algorithm>
#include <cstdint>

namespace counterpoint::inline v1::kernels {

// floor(2^32 / range), or 2^32 - 1 for range 1 (short by one part in 2^32, which the bound allows).
constexpr std::uint32_t reciprocal32(std::uint32_t range) {
  if (range == 1) return 0xffffffffu;
  return static_cast<std::uint32_t>((std::uint64_t{1} << 32) / range);
}

class Remainder64 {
 public:
  constexpr Remainder64(std::uint64_t range, std::uint64_t low)
      : range_(range), low_(low), reciprocal_(reciprocal(range)) {}

  // low + x mod range, wrapping.
  constexpr std::uint64_t operator()(std::uint64_t x) const {
    __extension__ using Wide = unsigned __int128;
    const auto quotient = static_cast<std::uint64_t>((Wide{x} * reciprocal_) >> 64);
    const std::uint64_t rest = x - quotient * range_;
    return low_ +
           std::min(rest, rest - range_);  // rest - range wraps to a large number if rest < range
  }

 private:
  static constexpr std::uint64_t reciprocal(std::uint64_t range) {
    const std::uint64_t all_ones = ~std::uint64_t{0};
    // floor((2^64 - 1) / range) is floor(2^64 / range) unless range divides 2^64.
    const bool power_of_two = (range & (range - 1)) == 0;
    return all_ones / range + (power_of_two && range != 1 ? 1 : 0);
  }

  std::uint64_t range_;
  std::uint64_t low_;
  std::uint64_t reciprocal_;
};

}  // namespace counterpoint::inline v1::kernels
