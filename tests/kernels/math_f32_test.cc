// Every input that f32 Box-Muller can have, against digests of what glibc gives (docs/streams.md,
// 18).
#include <gtest/gtest.h>

#include <functional>

#include "counterpoint/kernels/internal/uniform.h"
#include "kernels/fills.h"

namespace counterpoint::kernels_test {
namespace {

std::string digest_over_all_mantissas(const std::function<float(float)>& function) {
  std::vector<float> values(std::size_t{1} << 23);
  for (std::uint32_t m = 0; m < values.size(); ++m) values[m] = function(kernels::unit_f32(m));
  return sha256(values);
}

float floored(float u) { return u < kernels::kSmallestUniform ? kernels::kSmallestUniform : u; }

TEST(MathF32, LogIsGlibcsOnEveryUniform) {
  EXPECT_EQ(digest_over_all_mantissas([](float u) { return kernels::math::log_f32(floored(u)); }),
            "207fef8ffa8c82caf82c478ee40c5bdbcc5d64d385cd8a1ce60d832fcf03b59b");
}

TEST(MathF32, RadiusOnEveryUniform) {
  EXPECT_EQ(digest_over_all_mantissas(kernels::box_muller_radius_f32),
            "fdc535262631687fa65a0f429714d6f986c52c0b2f94a3f83a3c700cb3adf356");
}

TEST(MathF32, AngleOnEveryUniform) {
  EXPECT_EQ(digest_over_all_mantissas(kernels::box_muller_angle_f32),
            "560dbe060112514e585dcf177867f71c2ee003b55e0cf1d0e4dd8c395a32e066");
}

TEST(MathF32, SineOnEveryAngle) {
  EXPECT_EQ(digest_over_all_mantissas([](float u) {
              return kernels::math::sincos_f32(kernels::box_muller_angle_f32(u)).sin;
            }),
            "c718616d24ba03d8eb34fe59f6febc3b383c7d947dec50bdf58c10fbf51946b5");
}

TEST(MathF32, CosineOnEveryAngle) {
  EXPECT_EQ(digest_over_all_mantissas([](float u) {
              return kernels::math::sincos_f32(kernels::box_muller_angle_f32(u)).cos;
            }),
            "b085eb29bc0360f27b736db7ccc9c80d33b0e35e0b810174d45e42383540001c");
}

}  // namespace
}  // namespace counterpoint::kernels_test
