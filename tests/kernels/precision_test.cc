// The errors that the headers of kernels/internal/ state, measured: f32 steps on every input that a
// draw has, f64 ones on samples against quad precision. A stated error is a bound and not far off.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#if COUNTERPOINT_QUAD
#include <quadmath.h>
#endif

#include "counterpoint/kernels/internal/math_xla.h"
#include "counterpoint/kernels/internal/uniform.h"
#include "kernels/fills.h"

namespace counterpoint::kernels_test {
namespace {

namespace math = kernels::math;
using kernels::philox_block;

// Error of `value` in units in the last place that the exact result has in T.
template <class T, class Exact>
double ulp_error(T value, Exact exact) {
  int exponent = 0;
  std::frexp(std::abs(static_cast<T>(exact)), &exponent);
  const T ulp = std::ldexp(T{1}, exponent - std::numeric_limits<T>::digits);
  return std::abs(
      static_cast<double>((static_cast<Exact>(value) - exact) / static_cast<Exact>(ulp)));
}

// The largest error of a function, to be compared with what its header says.
class Worst {
 public:
  template <class T, class Exact>
  void add(T value, Exact exact) {
    worst_ = std::max(worst_, ulp_error(value, exact));
  }
  // `complete`: every input was tried, so that the statement must be the error in two digits.
  void expect(double stated, bool complete, const std::string& what) const {
    EXPECT_LE(worst_, stated) << what;
    if (complete) {
      EXPECT_GT(worst_, stated - 0.011) << what << " is better than its header says";
    }
    EXPECT_GT(worst_, 0.49) << what << ": nothing was measured";
  }

 private:
  double worst_ = 0;
};

#ifdef __OPTIMIZE__
constexpr std::uint32_t kStep = 1;
#else
constexpr std::uint32_t kStep = 61;  // builds for debugging look at some of the inputs
#endif
constexpr bool kComplete = kStep == 1;

// The steps of a Box-Muller normal, by whoever's logarithm.
struct Steps {
  Worst log, radius, sine, cosine;

  // `log_of_u` and `radius_of_u` are of `u`, which is not 0; `v` is the angle.
  void add(float u, float log_of_u, float radius_of_u, float v) {
    const double exact_log = std::log(static_cast<double>(u));
    log.add(log_of_u, exact_log);
    radius.add(radius_of_u, std::sqrt(-2 * exact_log));
    const math::SinCos<float> both = math::sincos_f32(v);
    sine.add(both.sin, std::sin(static_cast<double>(v)));
    cosine.add(both.cos, std::cos(static_cast<double>(v)));
  }
  void expect(double log_ulp, double radius_ulp, const std::string& whose) const {
    log.expect(log_ulp, kComplete, whose + " log_f32");
    radius.expect(radius_ulp, kComplete, whose + " radius");
    sine.expect(0.57, kComplete, "sincos_f32's sine");
    cosine.expect(0.57, kComplete, "sincos_f32's cosine");
  }
};

TEST(Precision, StepsOfF32NormalsOnEveryInput) {
  Steps steps;
  for (std::uint32_t m = 0; m < (1u << 23); m += kStep) {
    const float u = kernels::unit_f32(m);
    const float floored = std::max(u, kernels::kSmallestUniform);
    steps.add(floored, math::log_f32(floored), kernels::box_muller_radius_f32(u),
              kernels::box_muller_angle_f32(u));
  }
  steps.expect(0.79, 0.95, "TensorFlow's");
}

TEST(Precision, StepsOfXlasNormalsOnEveryInput) {
  Steps steps;
  for (std::uint32_t m = 0; m < (1u << 23); m += kStep) {
    const float u = static_cast<float>(m) * 0x1p-23f;
    const float floored = std::max(u, kernels::kSmallestUniform);
    const float log = math::xla_log_f32(floored);
    steps.add(floored, log, std::sqrt(-2.0f * log), static_cast<float>(math::kTwoPi) * u);
  }
  steps.expect(1.19, 1.20, "XLA's");
}

TEST(Precision, F32Normals) {
  Worst normal;
  for (std::uint64_t i = 0; i < (1 << 20); ++i) {
    const kernels::PhiloxWords w = philox_block({i, 0}, 9);
    const kernels::NormalPair<float> z = kernels::box_muller_f32(w[0], w[1]);
    const double u = std::max(kernels::unit_f32(w[0]), kernels::kSmallestUniform);
    const double v = kernels::box_muller_angle_f32(kernels::unit_f32(w[1]));
    const double radius = std::sqrt(-2 * std::log(u));
    normal.add(z.sine, radius * std::sin(v));
    normal.add(z.cosine, radius * std::cos(v));
  }
  normal.expect(2.5, false, "box_muller_f32");
}

#if COUNTERPOINT_QUAD

using Quad = __float128;

TEST(Precision, F64Functions) {
  Worst log, sine, cosine, log1p, exp;
  for (std::uint64_t i = 0; i < (1 << 17); ++i) {
    const kernels::PhiloxWords w = philox_block({i, 0}, 9);
    const double u = std::max(kernels::unit_f64(w[0], w[1]), 1.0e-7);
    const double x = kernels::unit_f64(w[2], w[3]);
    const double v = math::kTwoPi * x;
    log.add(math::log(u), logq(u));
    Quad s, c;
    sincosq(v, &s, &c);
    const math::SinCos<double> both = math::sincos_f64(v);
    sine.add(both.sin, s);
    cosine.add(both.cos, c);
    for (const double y : {-x, -x * 0x1p-20, x * 100}) log1p.add(math::log1p(y), log1pq(y));
    for (const double y : {x, 1400 * (x - 0.5)}) exp.add(math::exp(y), expq(y));
  }
  log.expect(0.51, false, "log");
  sine.expect(0.52, false, "sincos_f64's sine");
  cosine.expect(0.52, false, "sincos_f64's cosine");
  log1p.expect(1.1, false, "log1p");
  exp.expect(0.9, false, "exp");
}

TEST(Precision, F64NormalsAreWithinTwoUlpOfTheCorrectlyRounded) {
  // Each step of the specification rounded correctly: what the best C library would give.
  Worst normal;
  std::uint64_t different = 0;
  constexpr std::uint64_t kPairs = 1 << 17;
  for (std::uint64_t i = 0; i < kPairs; ++i) {
    const kernels::PhiloxWords w = philox_block({i, 0}, 11);
    const kernels::NormalPair<double> z = kernels::box_muller_f64(w);
    const double u = std::max(kernels::unit_f64(w[0], w[1]), 1.0e-7);
    const double v = math::kTwoPi * kernels::unit_f64(w[2], w[3]);
    const Quad log = logq(u);
    Quad s, c;
    sincosq(v, &s, &c);
    const double radius = std::sqrt(-2.0 * static_cast<double>(log));
    const double sine = static_cast<double>(s) * radius;
    const double cosine = static_cast<double>(c) * radius;
    ASSERT_LE(ulp_distance(z.sine, sine), 2u) << i;
    ASSERT_LE(ulp_distance(z.cosine, cosine), 2u) << i;
    different += z.sine != sine ? 1 : 0;
    different += z.cosine != cosine ? 1 : 0;
    const Quad exact_radius = sqrtq(-2 * log);
    normal.add(z.sine, exact_radius * s);
    normal.add(z.cosine, exact_radius * c);
  }
  EXPECT_LT(different, 2 * kPairs / 1000 * 4);  // three values in a thousand
  normal.expect(2.5, false, "box_muller_f64");
}

TEST(Precision, XlasTruncatedNormals) {
  // Against the exact quantile, by Newton's method.
  double worst = 0;
  const Quad root = sqrtq(2);
  const Quad lowest = erfcq(root) / 2;
  for (std::uint32_t m = 1; m < (1u << 23); m += 1'009) {
    const float u = static_cast<float>(m) * 0x1p-23f;
    const float z = math::xla_truncated_normal_f32(u);
    const Quad p = lowest + (1 - 2 * lowest) * u;
    Quad exact = z;
    for (int i = 0; i < 3; ++i) {
      const Quad density = expq(-exact * exact / 2) / sqrtq(2 * M_PIq);
      exact -= (erfcq(-exact / root) / 2 - p) / density;
    }
    worst = std::max(worst, std::abs(static_cast<double>(z - exact)));
  }
  EXPECT_LT(worst, 1e-6);
  EXPECT_GT(worst, 1e-7);
}

#else
TEST(Precision, F64AgainstQuadPrecision) { GTEST_SKIP() << "this compiler has no libquadmath"; }
#endif

}  // namespace
}  // namespace counterpoint::kernels_test
