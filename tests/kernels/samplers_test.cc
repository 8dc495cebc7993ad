// What the samplers stand on: powers and factorials against the C library's 80-bit functions, and
// that slices of their draws are the whole.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "counterpoint/kernels/internal/math.h"
#include "counterpoint/kernels/stream_definition.h"

namespace counterpoint::kernels_test {
namespace {

using kernels::philox_stream;

double ulps(double got, long double exact) {
  const double rounded = static_cast<double>(exact);
  const double ulp = std::nextafter(std::fabs(rounded), INFINITY) - std::fabs(rounded);
  return static_cast<double>(std::fabs(got - exact)) / ulp;
}

TEST(SamplerMath, PowersAreWithinAnUlpAndAHalf) {
  std::mt19937_64 bits(1);
  int checked = 0;
  for (int i = 0; i < 300000; ++i) {
    const double x = static_cast<double>((bits() >> 12) | 1) * 0x1p-52;
    const double y = std::pow(10.0, static_cast<double>(bits() % 4000) / 1000.0);
    const long double exact = powl(x, y);
    if (exact < 1e-300L) {
      EXPECT_LT(kernels::math::pow_of_unit(x, y), 1.1e-300) << x << ' ' << y;
      continue;
    }
    ++checked;
    ASSERT_LT(ulps(kernels::math::pow_of_unit(x, y), exact), 1.5) << x << ' ' << y;
  }
  EXPECT_GT(checked, 100000);
  EXPECT_EQ(kernels::math::pow_of_unit(0, 0.5), 0);
  EXPECT_EQ(kernels::math::pow_of_unit(0.5, INFINITY), 0);
  EXPECT_EQ(kernels::math::pow_of_unit(0.5, 1e308), 0);
}

TEST(SamplerMath, LogFactorialsAreWithinThreeUlp) {
  for (int k = 2; k < 100000; k += 1 + k / 64) {
    ASSERT_LT(ulps(kernels::math::log_factorial(k), lgammal(k + 1.0L)), 3) << k;
  }
  for (double k = 1e5; k < 1e18; k = std::floor(k * 1.7)) {
    ASSERT_LT(ulps(kernels::math::log_factorial(k), lgammal(static_cast<long double>(k) + 1)), 3)
        << k;
  }
  EXPECT_EQ(kernels::math::log_factorial(0), 0);
  EXPECT_EQ(kernels::math::log_factorial(1), 0);
}

constexpr std::uint64_t kBatch = 3;
constexpr std::uint64_t kSamples = 5;
constexpr std::uint64_t kCount = kBatch * kSamples;

// `fill` writes elements [first, first + count) to `out`.
template <class T, class FillSlice>
void expect_slices_are_the_whole(std::uint64_t count, FillSlice fill) {
  std::vector<T> whole(count);
  fill(0, count, whole.data());
  for (std::uint64_t first = 0; first < count; ++first) {
    for (std::uint64_t length = 0; first + length <= count; ++length) {
      std::vector<T> slice(length);
      fill(first, length, slice.data());
      EXPECT_TRUE(std::equal(slice.begin(), slice.end(), whole.begin() + static_cast<int>(first)))
          << first << ' ' << length;
    }
  }
}

kernels::BatchedDraw batched(std::uint64_t first, std::uint64_t count, void* output) {
  return {.batch = kBatch,
          .samples = kSamples,
          .key = 77,
          .counter = {.low = ~std::uint64_t{0} - 300, .high = 5},
          .output = output,
          .first_element = first,
          .count = count};
}

TEST(Samplers, SlicesAreTheWhole) {
  const std::vector<double> alpha = {0.3, 1, 7};
  const std::vector<double> beta = {1, 2, 0.5};
  expect_slices_are_the_whole<double>(kCount, [&](auto first, auto count, double* out) {
    philox_stream().samplers.gamma({.draw = batched(first, count, out),
                                    .dtype = DType::f64,
                                    .alpha = alpha.data(),
                                    .beta = beta.data()});
  });
  const std::vector<double> rates = {0.5, 12, 1e6};
  expect_slices_are_the_whole<std::int64_t>(kCount, [&](auto first, auto count, auto* out) {
    philox_stream().samplers.poisson(
        {.draw = batched(first, count, out), .dtype = DType::i64, .rates = rates.data()});
  });
  constexpr std::uint64_t kRows = 4;
  constexpr std::uint64_t kRowSamples = 3;  // odd: rows share blocks
  std::vector<float> logits(kRows * 6);
  for (std::size_t i = 0; i < logits.size(); ++i) logits[i] = static_cast<float>(i % 5);
  std::vector<double> sums(6);
  const auto categorical = [&](std::uint64_t first_row, std::uint64_t rows) {
    std::vector<std::int32_t> out(rows * kRowSamples);
    philox_stream().samplers.categorical({.dtype = DType::i32,
                                          .logits_dtype = DType::f32,
                                          .logits = logits.data(),
                                          .classes = 6,
                                          .samples = kRowSamples,
                                          .key = 1,
                                          .counter = {7, 7},
                                          .output = out.data(),
                                          .first_row = first_row,
                                          .row_count = rows,
                                          .sums = sums.data()});
    return out;
  };
  const auto whole = categorical(0, kRows);
  for (std::uint64_t row = 0; row < kRows; ++row) {
    const auto slice = categorical(row, 1);
    EXPECT_TRUE(std::equal(slice.begin(), slice.end(),
                           whole.begin() + static_cast<int>(row * kRowSamples)));
  }
}

TEST(Samplers, AlgorithmsWithoutThemHaveNullPointers) {
  const kernels::Samplers& samplers = kernels::threefry_stream().samplers;
  EXPECT_EQ(samplers.gamma, nullptr);
  EXPECT_EQ(samplers.poisson, nullptr);
  EXPECT_EQ(samplers.categorical, nullptr);
  EXPECT_EQ(samplers.bounded_normal, nullptr);
}

}  // namespace
}  // namespace counterpoint::kernels_test
