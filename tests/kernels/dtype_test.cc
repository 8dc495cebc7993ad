// f16 and bf16 conversions, over every bit pattern.
#include "counterpoint/kernels/dtype.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace counterpoint {
namespace {

template <class T>
struct Format;
template <>
struct Format<Float16> {
  static constexpr int kMantissaBits = 10, kBias = 15, kInfinity = 0x7c00;
};
template <>
struct Format<BFloat16> {
  static constexpr int kMantissaBits = 7, kBias = 127, kInfinity = 0x7f80;
};

// The value of a pattern by the definition of the format.
template <class T>
double value_of(std::uint16_t bits) {
  using F = Format<T>;
  const int magnitude = bits & 0x7fff;
  const int exponent = magnitude >> F::kMantissaBits;
  const int mantissa = magnitude & ((1 << F::kMantissaBits) - 1);
  const double value = exponent == 0 ? std::ldexp(mantissa, 1 - F::kBias - F::kMantissaBits)
                                     : std::ldexp(mantissa + (1 << F::kMantissaBits),
                                                  exponent - F::kBias - F::kMantissaBits);
  return (bits & 0x8000) != 0 ? -value : value;
}

template <class T>
class HalfFormats : public testing::Test {};
using Formats = testing::Types<Float16, BFloat16>;
TYPED_TEST_SUITE(HalfFormats, Formats);

TYPED_TEST(HalfFormats, EveryPatternWidensExactlyAndComesBack) {
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    const TypeParam x{static_cast<std::uint16_t>(bits)};
    const std::uint32_t magnitude = bits & 0x7fff;
    if (magnitude > Format<TypeParam>::kInfinity) {
      ASSERT_TRUE(std::isnan(x.to_float())) << bits;
      ASSERT_TRUE(std::isnan(TypeParam::from_float(x.to_float()).to_float())) << bits;
      continue;
    }
    if (magnitude == Format<TypeParam>::kInfinity) {
      ASSERT_TRUE(std::isinf(x.to_float())) << bits;
    } else {
      ASSERT_EQ(x.to_float(), value_of<TypeParam>(x.bits)) << bits;
    }
    ASSERT_EQ(TypeParam::from_float(x.to_float()).bits, bits);
  }
}

TYPED_TEST(HalfFormats, EveryFloatIsRoundedToTheNearestTiesToEven) {
  using F = Format<TypeParam>;
#ifdef __OPTIMIZE__
  constexpr std::uint32_t kStep = 1;
#else
  constexpr std::uint32_t kStep = 61;
#endif
  // Walks the positive floats upwards beside the pattern that is nearest. A pattern's upper limit
  // is the midpoint to the next one, which belongs to the even of the two.
  std::uint32_t pattern = 0;
  const auto upper_limit = [](std::uint32_t p) {
    const double midpoint = (value_of<TypeParam>(static_cast<std::uint16_t>(p)) +
                             value_of<TypeParam>(static_cast<std::uint16_t>(p + 1))) /
                            2;
    return midpoint;
  };
  double limit = upper_limit(0);
  for (std::uint64_t bits = 0; bits <= 0x7f800000u; bits += kStep) {
    const float x = std::bit_cast<float>(static_cast<std::uint32_t>(bits));
    while (pattern < F::kInfinity && (x > limit || (x == limit && (pattern & 1) != 0))) {
      ++pattern;
      limit = upper_limit(pattern);
    }
    if (TypeParam::from_float(x).bits != pattern ||
        TypeParam::from_float(-x).bits != (pattern | 0x8000)) {
      FAIL() << "float bits " << bits << ": " << TypeParam::from_float(x).bits << ", not "
             << pattern;
    }
  }
  EXPECT_EQ(pattern, static_cast<std::uint32_t>(F::kInfinity));
}

TYPED_TEST(HalfFormats, EveryNanStaysOne) {
  for (std::uint64_t bits = 0x7f800001u; bits <= 0x7fffffffu; bits += 4099) {
    const float x = std::bit_cast<float>(static_cast<std::uint32_t>(bits));
    ASSERT_TRUE(std::isnan(TypeParam::from_float(x).to_float())) << bits;
    ASSERT_TRUE(std::isnan(TypeParam::from_float(-x).to_float())) << bits;
  }
}

TEST(DType, NamesAndSizes) {
  EXPECT_EQ(dtype_name(DType::bf16), "bf16");
  EXPECT_EQ(dtype_name(DType::u64), "u64");
  for (int i = 0; i < 8; ++i) {
    const auto dtype = static_cast<DType>(i);
    EXPECT_EQ(dtype_size(dtype), visit_dtype(dtype, [](auto x) { return sizeof x; }));
    EXPECT_EQ(dtype, visit_dtype(dtype, [](auto x) { return dtype_of<decltype(x)>; }));
  }
}

}  // namespace
}  // namespace counterpoint
