// TensorFlow's binomial sampler: inversion for small means, BTRS for large ones.
// Sources: Kachitvichyanukul and Schmeiser, CACM 31 (1988), for inversion by geometric steps;
// Hormann, "The generation of binomial random variates" (1993), for BTRS; docs/streams.md
// section 11.
#include <cmath>
#include <limits>
#include <type_traits>

#include "counterpoint/kernels/internal/math.h"
#include "counterpoint/kernels/internal/philox_readers.h"
#include "counterpoint/kernels/internal/philox_samplers.h"
#include "counterpoint/kernels/internal/philox_scalar.h"

namespace counterpoint::inline v1::kernels {
namespace {

double inversion(double count, double probability, ReversedUniforms& uniforms) {
  const double log_of_failure = math::log1p(-probability);
  double sum = 0;
  double successes = 0;
  while (true) {
    sum += std::ceil(math::log(uniforms.next()) / log_of_failure);
    if (sum > count) return successes;
    successes += 1;
  }
}

// log(k!) less Stirling's approximation of it.
double stirling_tail(double k) {
  static constexpr double kTails[] = {
      0.0810614667953272,  0.0413406959554092,  0.0276779256849983, 0.02079067210376509,
      0.0166446911898211,  0.0138761288230707,  0.0118967099458917, 0.0104112652619720,
      0.00925546218271273, 0.00833056343336287,
  };
  if (k <= 9) return kTails[static_cast<int>(k)];
  const double square = (k + 1) * (k + 1);
  return (1.0 / 12 - (1.0 / 360 - 1.0 / 1260 / square) / square) / (k + 1);
}

double btrs(double n, double p, ReversedUniforms& uniforms) {
  const double deviation = std::sqrt(n * p * (1 - p));
  const double b = 1.15 + 2.53 * deviation;
  const double a = -0.0873 + 0.0248 * b + 0.01 * p;
  const double c = n * p + 0.5;
  const double v_r = 0.92 - 4.2 / b;
  const double r = p / (1 - p);
  const double alpha = (2.83 + 5.1 / b) * deviation;
  const double m = std::floor((n + 1) * p);
  while (true) {
    const double u = uniforms.next() - 0.5;
    double v = uniforms.next();
    const double us = 0.5 - std::fabs(u);
    const double k = std::floor((2 * a / us + b) * u + c);
    if (us >= 0.07 && v <= v_r) return k;
    if (!(k >= 0 && k <= n)) continue;
    v = math::log(v * alpha / (a / (us * us) + b));
    const double bound = (m + 0.5) * math::log((m + 1) / (r * (n - m + 1))) +
                         (n + 1) * math::log((n - m + 1) / (n - k + 1)) +
                         (k + 0.5) * math::log(r * (n - k + 1) / (k + 1)) + stirling_tail(m) +
                         stirling_tail(n - m) - stirling_tail(k) - stirling_tail(n - k);
    if (v <= bound) return k;
  }
}

float as_parameter(Float16 x) { return x.to_float(); }
float as_parameter(float x) { return x; }
double as_parameter(double x) { return x; }

// Parameter arithmetic is in P: f16 is rounded after each operation.
template <class P, class V>
V rounded(V x) {
  if constexpr (std::is_same_v<P, Float16>) return Float16::from_float(x).to_float();
  return x;
}

template <class P>
double sample(P count_bits, P probability_bits, const BinomialFill& fill, std::uint64_t stream) {
  const auto count = as_parameter(count_bits);
  const auto probability = as_parameter(probability_bits);
  using V = std::remove_const_t<decltype(count)>;
  if (std::isnan(count) || std::isnan(probability)) return std::numeric_limits<double>::quiet_NaN();
  if (count <= 0 || probability <= 0) return 0;
  if (probability >= 1) return count;
  const bool flipped = probability > V(0.5);
  const V p = flipped ? rounded<P, V>(V(1) - probability) : probability;
  const bool large = rounded<P, V>(count * p) >= V(10);
  PhiloxBlocks blocks(fill.counter + (large ? 256 : 42) * stream, fill.key);
  ReversedUniforms uniforms(blocks);
  const double x = large ? btrs(count, p, uniforms) : inversion(count, p, uniforms);
  return flipped ? count - x : x;
}

template <class T, class P>
void fill_typed(const BinomialFill& fill) {
  T* out = static_cast<T*>(fill.output);
  const P* counts = static_cast<const P*>(fill.counts);
  const P* probabilities = static_cast<const P*>(fill.probabilities);
  for (std::uint64_t i = 0; i < fill.count; ++i) {
    const std::uint64_t offset = fill.first_element + i;
    const std::uint64_t b = offset % fill.batch;
    const std::uint64_t stream = b * fill.samples + offset / fill.batch;
    out[i] = sample_cast<T>(sample(counts[b], probabilities[b], fill, stream));
  }
}

template <class T>
void fill_output(const BinomialFill& fill) {
  if (fill.parameter_dtype == DType::f16) return fill_typed<T, Float16>(fill);
  if (fill.parameter_dtype == DType::f64) return fill_typed<T, double>(fill);
  fill_typed<T, float>(fill);
}

}  // namespace

void fill_philox_binomial(const BinomialFill& fill) {
  switch (fill.dtype) {
    case DType::f16:
      return fill_output<Float16>(fill);
    case DType::f64:
      return fill_output<double>(fill);
    case DType::i32:
      return fill_output<std::int32_t>(fill);
    case DType::i64:
      return fill_output<std::int64_t>(fill);
    default:
      return fill_output<float>(fill);
  }
}

}  // namespace counterpoint::inline v1::kernels
