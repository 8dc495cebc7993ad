// Poisson: products of uniforms for rates below 10, transformed rejection from there on.
// Sources: Knuth, TAOCP 2, 3.4.1, for the products; Hormann, "The transformed rejection method for
// generating Poisson random variables" (1993), PTRS; docs/streams.md section 13.
#include <cmath>

#include "counterpoint/kernels/internal/math.h"
#include "counterpoint/kernels/internal/philox_readers.h"
#include "counterpoint/kernels/internal/philox_samplers.h"

namespace counterpoint::inline v1::kernels {
namespace {

constexpr double kSmallRate = 10;

// What the draws of one rate share.
class PoissonSampler {
 public:
  PoissonSampler(double rate, double largest) : rate_(rate), largest_(largest) {
    if (rate < kSmallRate) {
      limit_ = math::exp(-rate);
      return;
    }
    log_rate_ = math::log(rate);
    b_ = 0.931 + 2.53 * std::sqrt(rate);
    a_ = -0.059 + 0.02483 * b_;
    inverse_alpha_ = 1.1239 + 1.1328 / (b_ - 3.4);
    v_r_ = 0.9277 - 3.6224 / (b_ - 2);
  }

  double draw(PhiloxBlocks blocks) const {
    ReversedUniforms uniforms(blocks);
    return rate_ < kSmallRate ? product(uniforms) : transformed(uniforms);
  }

 private:
  double product(ReversedUniforms& uniforms) const {
    double product = 1;
    double x = 0;
    while (true) {
      product *= uniforms.next();
      if (product <= limit_) return x;
      x += 1;
    }
  }

  double transformed(ReversedUniforms& uniforms) const {
    while (true) {
      const double u = uniforms.next() - 0.5;
      const double v = uniforms.next();
      const double us = 0.5 - std::fabs(u);
      const double k = std::floor((2 * a_ / us + b_) * u + rate_ + 0.43);
      if (k > largest_) continue;
      if (us >= 0.07 && v <= v_r_) return k;
      if (!(k >= 0) || (us < 0.013 && v > us)) continue;
      const double s = math::log(v * inverse_alpha_ / (a_ / (us * us) + b_));
      if (s <= -rate_ + k * log_rate_ - math::log_factorial(k)) return k;
    }
  }

  double rate_;
  double largest_;
  double limit_ = 1;
  double log_rate_ = 0;
  double a_ = 0;
  double b_ = 0;
  double inverse_alpha_ = 0;
  double v_r_ = 0;
};

template <class T>
constexpr double largest() {
  if constexpr (std::is_same_v<T, Float16>) {
    return 65504;
  } else if constexpr (std::is_same_v<T, std::int64_t>) {
    return 0x1p63 - 1024;  // the largest double that a cast keeps
  } else {
    return static_cast<double>(std::numeric_limits<T>::max());
  }
}

template <class T>
void fill_typed(const PoissonFill& fill) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const BatchedDraw& draw = fill.draw;
  T* const out = static_cast<T*>(draw.output);
  PoissonSampler sampler(0, largest<T>());
  std::uint64_t sampler_of = draw.batch;  // none
  for_each_stream(draw, [&](std::uint64_t i, std::uint64_t b, std::uint64_t stream) {
    const double rate = fill.rates[b];
    if (rate <= 0 || rate == kInfinity) {
      out[i] = sample_cast<T>(rate > 0 && !std::is_integral_v<T> ? kInfinity : 0);
      return;
    }
    if (b != sampler_of) {
      sampler = PoissonSampler(rate, largest<T>());
      sampler_of = b;
    }
    out[i] = sample_cast<T>(sampler.draw({draw.counter + kBlocksPerStream * stream, draw.key}));
  });
}

}  // namespace

void fill_philox_poisson(const PoissonFill& fill) {
  switch (fill.dtype) {
    case DType::f16:
      return fill_typed<Float16>(fill);
    case DType::f64:
      return fill_typed<double>(fill);
    case DType::i32:
      return fill_typed<std::int32_t>(fill);
    case DType::i64:
      return fill_typed<std::int64_t>(fill);
    default:
      return fill_typed<float>(fill);
  }
}

}  // namespace counterpoint::inline v1::kernels
