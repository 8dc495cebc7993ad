// log(k!) less Stirling's approximation of it, as TensorFlow's binomial has it.
//
//   double t = stirling_tail(3);   // 0.0207906...
//
// Internal. Thread-safety: pure. Source: docs/streams.md section 11.
#pragma once

namespace counterpoint::inline v1::kernels {

// Of 0 to 9; vector look-ups have four bits.
inline constexpr double kStirlingTails[16] = {
    0.0810614667953272,  0.0413406959554092,  0.0276779256849983, 0.02079067210376509,
    0.0166446911898211,  0.0138761288230707,  0.0118967099458917, 0.0104112652619720,
    0.00925546218271273, 0.00833056343336287,
};

// k >= 0.
inline double stirling_tail(double k) {
  if (k <= 9) return kStirlingTails[static_cast<int>(k)];
  const double square = (k + 1) * (k + 1);
  return (1.0 / 12 - (1.0 / 360 - 1.0 / 1260 / square) / square) / (k + 1);
}

}  // namespace counterpoint::inline v1::kernels
