// The f64 functions against the C library's (in extended precision where it has one).
#include <gtest/gtest.h>

#include <cmath>

#include "counterpoint/kernels/internal/uniform.h"
#include "kernels/fills.h"

namespace counterpoint::kernels_test {
namespace {

namespace math = kernels::math;
constexpr int kSamples = 1 << 19;

// Error of `value` in ULP of the exact result, which `exact` is to 64 bits.
double ulp_error(double value, long double exact) {
  const double rounded = static_cast<double>(exact);
  const double ulp = std::abs(std::nextafter(rounded, 2 * rounded + 1) - rounded);
  return std::abs(static_cast<double>((static_cast<long double>(value) - exact) / ulp));
}

struct Errors {
  double worst = 0;
  int misrounded = 0;

  void add(double value, long double exact) {
    worst = std::max(worst, ulp_error(value, exact));
    misrounded += value != static_cast<double>(exact);
  }
};

std::vector<double> uniforms(std::uint64_t key) {
  return draw<double>(kernels::philox_stream(), {.distribution = Distribution::uniform, .key = key},
                      0, kSamples);
}

TEST(MathF64, LogIsWithinHalfAnUlpAndABit) {
  if (std::numeric_limits<long double>::digits < 64) GTEST_SKIP() << "no extended precision here";
  Errors errors;
  for (const double u : uniforms(1)) {
    for (const double x : {u, 1 - u * 0x1p-20, 1 + u * 0x1p-12, u * 0x1p-20, u * 1000}) {
      if (x > 0) errors.add(math::log(x), std::log(static_cast<long double>(x)));
    }
  }
  EXPECT_LT(errors.worst, 0.51);
  EXPECT_LT(errors.misrounded, 5 * kSamples / 1000);
}

TEST(MathF64, LogOfSpecialValues) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(math::log(0.0), -kInfinity);
  EXPECT_EQ(math::log(kInfinity), kInfinity);
  EXPECT_EQ(math::log(1.0), 0.0);
  EXPECT_TRUE(std::isnan(math::log(-1.0)));
  EXPECT_TRUE(std::isnan(math::log(std::numeric_limits<double>::quiet_NaN())));
  EXPECT_EQ(math::log(5e-324), std::log(5e-324));
  EXPECT_EQ(math::log(1.7976931348623157e308), std::log(1.7976931348623157e308));
}

TEST(MathF64, SineAndCosineAreWithinHalfAnUlpAndABit) {
  if (std::numeric_limits<long double>::digits < 64) GTEST_SKIP() << "no extended precision here";
  Errors sine;
  Errors cosine;
  const auto check = [&](double v) {
    const auto both = math::sincos_f64(v);
    sine.add(both.sin, std::sin(static_cast<long double>(v)));
    cosine.add(both.cos, std::cos(static_cast<long double>(v)));
  };
  for (const double u : uniforms(2)) {
    check(math::kTwoPi * u);
    check(u * 0x1p-10);
  }
  for (int n = 1; n <= 4; ++n) {  // around the multiples of pi / 2
    double v = n * 1.5707963267948966;
    for (int i = 0; i < 1000 && v < math::kTwoPi; ++i, v = std::nextafter(v, 7.0)) check(v);
    v = n * 1.5707963267948966;
    for (int i = 0; i < 1000; ++i, v = std::nextafter(v, 0.0)) check(v);
  }
  EXPECT_LT(sine.worst, 0.52);
  EXPECT_LT(cosine.worst, 0.52);
  EXPECT_LT(sine.misrounded + cosine.misrounded, 4 * kSamples / 1000);
}

TEST(MathF64, Log1pAndExp) {
  for (const double u : uniforms(3)) {
    ASSERT_LE(ulp_distance(math::log1p(-u), std::log1p(-u)), 2u) << u;
    ASSERT_LE(ulp_distance(math::log1p(-u * 0x1p-30), std::log1p(-u * 0x1p-30)), 2u) << u;
    ASSERT_LE(ulp_distance(math::log1p(u * 100), std::log1p(u * 100)), 2u) << u;
    ASSERT_LE(ulp_distance(math::exp(u), std::exp(u)), 1u) << u;
    ASSERT_LE(ulp_distance(math::exp(1400 * (u - 0.5)), std::exp(1400 * (u - 0.5))), 1u) << u;
  }
  EXPECT_EQ(math::exp(-1000.0), 0.0);
  EXPECT_EQ(math::exp(1000.0), std::numeric_limits<double>::infinity());
  EXPECT_EQ(math::exp(0.0), 1.0);
  EXPECT_EQ(math::log1p(-1.0), -std::numeric_limits<double>::infinity());
}

TEST(MathF64, NormalsAreWithinTwoUlpOfTheCLibrarys) {
  // What TensorFlow computes, step by step with the C library's functions.
  const auto u = uniforms(4);
  int different = 0;
  for (std::size_t i = 0; i + 1 < u.size(); i += 2) {
    const double radius = std::sqrt(-2.0 * std::log(std::max(u[i], 1.0e-7)));
    const double angle = math::kTwoPi * u[i + 1];
    const kernels::NormalPair<double> pair = kernels::box_muller_f64(u[i], u[i + 1]);
    ASSERT_LE(ulp_distance(pair.sine, std::sin(angle) * radius), 2u) << u[i] << " " << u[i + 1];
    ASSERT_LE(ulp_distance(pair.cosine, std::cos(angle) * radius), 2u) << u[i] << " " << u[i + 1];
    different += pair.sine != std::sin(angle) * radius;
  }
  EXPECT_LT(different, kSamples / 200);
}

TEST(MathF64, NormalsAreWithinTwoUlpWhereTwoStepsOfTheCLibraryRoundTheOtherWay) {
  // TensorFlow 2.21's f64 normals of key 6: found among 2^28 as those where every step rounded correctly
  // is 3 ULP away.
  struct Answer {
    std::uint64_t counter;
    double sine;
    double cosine;
  };
  constexpr Answer kAnswers[] = {
      {13561433, 0x1.90df8f8b2de49p-3, 0x1.5db71ef49f330p-1},
      {14085006, 0x1.f48df2c801910p-3, 0x1.c9bf0fd5fa9d9p-3},
      {22426725, -0x1.9931701d83f24p-2, 0x1.aeff896b00c4cp-5},
      {23948714, 0x1.086c55c7cb274p-1, -0x1.f45995e3ad9e4p-2},
      {30790241, 0x1.a12a9f5f9618bp-2, 0x1.e9a278e30d1f7p-2},
  };
  for (const Answer& answer : kAnswers) {
    const auto pair = kernels::box_muller_f64(kernels::philox_block({answer.counter, 0}, 6));
    EXPECT_LE(ulp_distance(pair.sine, answer.sine), 2u) << answer.counter;
    EXPECT_LE(ulp_distance(pair.cosine, answer.cosine), 2u) << answer.counter;
  }
}

}  // namespace
}  // namespace counterpoint::kernels_test
