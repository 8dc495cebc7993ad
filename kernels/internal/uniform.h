// From random words to floats: the unit uniforms and Box-Muller pairs of TensorFlow's Philox
// kernels.
//
//   float u = unit_f32(word);                                 // [0, 1), steps of 2^-23
//   double d = unit_f64(words[0], words[1]);                  // steps of 2^-52
//   NormalPair<float> z = box_muller_f32(words[0], words[1]); // {sine part, cosine part}
//   NormalPair<double> y = box_muller_f64(words);             // of one block
//
// Internal, as math.h. Thread-safety: pure. Determinism: fixed IEEE sequences. f32 is TensorFlow's
// to the bit; f64 is within 2 ULP of it, and of every step rounded correctly (three values in a thousand
// differ). Uniforms are exact. Worst errors in ULP against exact Box-Muller of the same uniform and
// angle: f32 radius 0.95 (of all there are), normal 2.5; f64 normal 2.5 (of samples;
// tests/kernels/precision_test.cc). f16 and bf16 are the f32 value, rounded. Source: docs/streams.md
// sections 7 and 8.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

#include "counterpoint/kernels/dtype.h"
#include "counterpoint/kernels/internal/math.h"
#include "counterpoint/kernels/philox.h"

namespace counterpoint::inline v1::kernels {

inline constexpr std::uint32_t kMantissaF32 = 0x7fffffu;

// The float 1.mantissa, less one.
inline float unit_f32(std::uint32_t word) {
  return std::bit_cast<float>((word & kMantissaF32) | 0x3f800000u) - 1.0f;
}

inline double unit_f64(std::uint32_t high, std::uint32_t low) {
  const std::uint64_t mantissa = join_words(low, high & 0xfffffu);
  return std::bit_cast<double>(mantissa | 0x3ff0000000000000u) - 1.0;
}

inline Float16 unit_f16(std::uint32_t word) {
  return Float16::from_float(static_cast<float>(word & 0x3ffu) * 0x1p-10f);
}

inline BFloat16 unit_bf16(std::uint32_t word) {
  return BFloat16::from_float(static_cast<float>(word & 0x7fu) * 0x1p-7f);
}

template <class T>
struct NormalPair {
  T sine;
  T cosine;
};

inline constexpr float kSmallestUniform = 1.0e-7f;

inline float box_muller_radius_f32(float u) {
  if (u < kSmallestUniform) u = kSmallestUniform;
  return std::sqrt(-2.0f * math::log_f32(u));
}

inline float box_muller_angle_f32(float u) {
  return static_cast<float>(math::kTwoPi * static_cast<double>(u));
}

inline NormalPair<float> box_muller_f32(std::uint32_t first, std::uint32_t second) {
  const float radius = box_muller_radius_f32(unit_f32(first));
  const math::SinCos<float> direction = math::sincos_f32(box_muller_angle_f32(unit_f32(second)));
  return {direction.sin * radius, direction.cos * radius};
}

inline NormalPair<double> box_muller_f64(double u, double v) {
  if (u < 1.0e-7) u = 1.0e-7;
  const math::SinCos<double> pair = math::box_muller_f64(u, math::kTwoPi * v);
  return {pair.sin, pair.cos};
}

inline NormalPair<double> box_muller_f64(const PhiloxWords& words) {
  return box_muller_f64(unit_f64(words[0], words[1]), unit_f64(words[2], words[3]));
}

}  // namespace counterpoint::inline v1::kernels
