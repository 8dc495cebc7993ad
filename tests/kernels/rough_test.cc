// The rough functions of the vector kernels on every instruction set: what decides by them counts on
// their bounds, which are those that rough_f64-inl.h states.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "counterpoint/kernels/philox.h"
#include "counterpoint/kernels/simd/probe.h"
#include "counterpoint/kernels/targets.h"

namespace counterpoint::kernels_test {
namespace {

using kernels::RoughStep;

constexpr std::size_t kPairs = 1 << 20;

class RoughTargets : public testing::TestWithParam<std::string> {
 protected:
  const kernels::ForcedTarget forced_{GetParam()};
};
INSTANTIATE_TEST_SUITE_P(Every, RoughTargets, testing::ValuesIn(kernels::available_targets()),
                         [](const auto& target) { return target.param; });

struct Pairs {
  std::vector<double> u = std::vector<double>(kPairs);
  std::vector<double> v = std::vector<double>(kPairs);
};

// Uniforms of 52 bits; the first ones next to 0, to 1, and to the eighths of a turn.
Pairs uniforms() {
  Pairs pairs;
  for (std::size_t i = 0; i < kPairs; ++i) {
    const auto words = kernels::philox_block({i, 0}, 99);
    const auto unit = [&](std::uint64_t high, std::uint64_t low) {
      return static_cast<double>(((high & 0xfffff) << 32) | low) * 0x1p-52;
    };
    pairs.u[i] = unit(words[0], words[1]);
    pairs.v[i] = unit(words[2], words[3]);
    if (i < 4096) {
      const double near = static_cast<double>(i / 16 + 1) * 0x1p-52;
      pairs.u[i] = i % 2 == 0 ? near : 1 - near;
      pairs.v[i] = std::clamp(static_cast<double>(i % 9) / 8 + (i % 2 == 0 ? near : -near), 0.0,
                              1 - 0x1p-52);
    }
  }
  return pairs;
}

std::vector<double> probed(RoughStep step, const Pairs& pairs) {
  std::vector<double> out(kPairs);
  kernels::probe_rough({step, pairs.u.data(), pairs.v.data(), out.data(), kPairs});
  return out;
}

TEST_P(RoughTargets, LogIsWithin2ToTheMinus48OfItself) {
  const Pairs pairs = uniforms();
  const std::vector<double> out = probed(RoughStep::log, pairs);
  long double worst = 0;
  for (std::size_t i = 0; i < kPairs; ++i) {
    if (pairs.u[i] == 0) continue;
    const long double exact = std::log(static_cast<long double>(pairs.u[i]));
    worst = std::max(worst, std::fabs((out[i] - exact) / exact));
  }
  EXPECT_LT(worst, 0x1p-48L);
  EXPECT_GT(worst, 0);
}

TEST_P(RoughTargets, NormalIsWithin2ToTheMinus44) {
  const Pairs pairs = uniforms();
  const std::vector<double> out = probed(RoughStep::normal, pairs);
  const long double turn = 2 * std::acos(-1.0L);
  long double worst = 0;
  for (std::size_t i = 0; i < kPairs; ++i) {
    const long double u = std::max(pairs.u[i], 1e-7);
    const long double exact = std::sqrt(-2 * std::log(u)) * std::cos(turn * pairs.v[i]);
    worst = std::max(worst, std::fabs(out[i] - exact));
  }
  EXPECT_LT(worst, 0x1p-45L);  // half of it: NormalsF64 is off the exact value, too
  EXPECT_GT(worst, 0);
}

TEST_P(RoughTargets, PowerIsWithin2ToTheMinus40OfItself) {
  Pairs pairs = uniforms();
  for (std::size_t i = 0; i < kPairs; ++i) {
    pairs.v[i] = std::exp(16 * pairs.v[i]);  // 1 / alpha from 1 to 9e6
  }
  const std::vector<double> out = probed(RoughStep::power, pairs);
  long double worst = 0;
  std::size_t large = 0;
  for (std::size_t i = 0; i < kPairs; ++i) {
    const long double exact = std::pow(static_cast<long double>(pairs.u[i]), pairs.v[i]);
    if (exact < 0x1p-160L) {
      ASSERT_LT(out[i], 0x1p-159) << pairs.u[i] << ' ' << pairs.v[i];
      ASSERT_GE(out[i], 0);
      continue;
    }
    ++large;
    worst = std::max(worst, std::fabs((out[i] - exact) / exact));
  }
  EXPECT_GT(large, kPairs / 10);
  EXPECT_LT(worst, 0x1p-40L);
  EXPECT_GT(worst, 0);
}

}  // namespace
}  // namespace counterpoint::kernels_test
