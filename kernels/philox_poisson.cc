// Poisson: products of uniforms for rates below 10, transformed rejection from there on.
// Sources: Knuth, TAOCP 2, 3.4.1, for the products; Hormann, "The transformed rejection method for
// generating Poisson random variables" (1993), PTRS; docs/streams.md section 13.
#include <algorithm>
#include <cmath>

#include "counterpoint/kernels/internal/chunked_draw.h"
#include "counterpoint/kernels/internal/math.h"

namespace counterpoint::inline v1::kernels {
namespace {

constexpr double kSmallRate = 10;

// What the draws of one rate share; a rate of 0 and below, or infinity, draws nothing.
class PoissonRate {
 public:
  explicit PoissonRate(double rate) : rate_(rate) {
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

  bool is_small() const { return rate_ < kSmallRate; }

  double draw(PhiloxBlocks blocks, double largest) const {
    ReversedUniforms uniforms(blocks);
    return is_small() ? product(uniforms) : transformed(uniforms, largest);
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

  double transformed(ReversedUniforms& uniforms, double largest) const {
    while (true) {
      const double u = uniforms.next() - 0.5;
      const double v = uniforms.next();
      const double us = 0.5 - std::fabs(u);
      const double k = std::floor((2 * a_ / us + b_) * u + rate_ + 0.43);
      if (k > largest) continue;
      if (us >= 0.07 && v <= v_r_) return k;
      if (!(k >= 0) || (us < 0.013 && v > us)) continue;
      const double s = math::log(v * inverse_alpha_ / (a_ / (us * us) + b_));
      if (s <= -rate_ + k * log_rate_ - math::log_factorial(k)) return k;
    }
  }

  double rate_;
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

// The output of a rate that draws nothing.
template <class T>
bool is_certain(double rate, T* x) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (rate > 0 && rate != kInfinity) return false;
  *x = sample_cast<T>(rate > 0 && !std::is_integral_v<T> ? kInfinity : 0);
  return true;
}

template <class T>
void fill_scalar(const PoissonFill& fill) {
  const BatchedDraw& draw = fill.draw;
  T* const out = static_cast<T*>(draw.output);
  PoissonRate rate(0);
  std::uint64_t rate_of = draw.batch;  // none
  for_each_stream(draw, [&](std::uint64_t i, std::uint64_t b, std::uint64_t stream) {
    if (is_certain(fill.rates[b], &out[i])) return;
    if (b != rate_of) {
      rate = PoissonRate(fill.rates[b]);
      rate_of = b;
    }
    const PhiloxBlocks blocks(draw.counter + kBlocksPerStream * stream, draw.key);
    out[i] = sample_cast<T>(rate.draw(blocks, largest<T>()));
  });
}

template <class T, class Chunk>
const char* fill_alike(const PoissonFill& fill, const PoissonRate& rate, Chunk& chunk) {
  chunk.uniform = true;
  chunk.rate[0] = fill.rates[0];
  return draw_alike<T>(
      fill.draw, kBlocksPerStream, chunk,
      [&](std::uint64_t, PhiloxBlocks blocks) { return rate.draw(blocks, largest<T>()); },
      [](std::uint64_t, double x) { return sample_cast<T>(x); });
}

template <class T>
const char* fill_of_one_rate(const PoissonFill& fill) {
  const BatchedDraw& draw = fill.draw;
  T* const out = static_cast<T*>(draw.output);
  if (is_certain(fill.rates[0], out)) {
    std::fill_n(out, draw.count, *out);
    return "scalar";
  }
  const PoissonRate rate(fill.rates[0]);
  if (rate.is_small()) {
    PoissonProductChunk chunk(draw.key, draw.counter.high);
    return fill_alike<T>(fill, rate, chunk);
  }
  PoissonChunk chunk(draw.key, draw.counter.high);
  chunk.largest = largest<T>();
  return fill_alike<T>(fill, rate, chunk);
}

template <class T>
const char* fill_typed(const PoissonFill& fill) {
  const BatchedDraw& draw = fill.draw;
  if (!worth_chunks(draw)) {
    fill_scalar<T>(fill);
    return "scalar";
  }
  if (draw.batch == 1) return fill_of_one_rate<T>(fill);
  T* const out = static_cast<T*>(draw.output);
  OutputsOfAKind<PoissonProductChunk, T> small(draw, kBlocksPerStream);
  OutputsOfAKind<PoissonChunk, T> large(draw, kBlocksPerStream);
  large.chunk().largest = largest<T>();
  const auto redo = [&](std::uint64_t b, PhiloxBlocks blocks) {
    return PoissonRate(fill.rates[b]).draw(blocks, largest<T>());
  };
  const auto cast = [](std::uint64_t, double x) { return sample_cast<T>(x); };
  for_each_stream(draw, [&](std::uint64_t i, std::uint64_t b, std::uint64_t stream) {
    const double rate = fill.rates[b];
    if (is_certain(rate, &out[i])) return;
    const auto place = [rate](auto& chunk, std::uint64_t n) { chunk.rate[n] = rate; };
    if (rate < kSmallRate) {
      small.add(i, b, stream, place, redo, cast);
    } else {
      large.add(i, b, stream, place, redo, cast);
    }
  });
  small.flush(redo, cast);
  large.flush(redo, cast);
  if (small.target() != nullptr) return small.target();
  return large.target() != nullptr ? large.target() : "scalar";
}

}  // namespace

const char* fill_philox_poisson(const PoissonFill& fill) {
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

void fill_philox_poisson_scalar(const PoissonFill& fill) {
  switch (fill.dtype) {
    case DType::f16:
      return fill_scalar<Float16>(fill);
    case DType::f64:
      return fill_scalar<double>(fill);
    case DType::i32:
      return fill_scalar<std::int32_t>(fill);
    case DType::i64:
      return fill_scalar<std::int64_t>(fill);
    default:
      return fill_scalar<float>(fill);
  }
}

}  // namespace counterpoint::inline v1::kernels
