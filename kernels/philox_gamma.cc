// Gamma by squeezed rejection from a cubed normal; shapes below 1 by a power of a uniform.
// Sources: Marsaglia and Tsang, "A simple method for generating gamma variables" (2000);
// docs/streams.md section 12.
#include <algorithm>
#include <cmath>

#include "counterpoint/kernels/internal/chunked_draw.h"
#include "counterpoint/kernels/internal/math.h"

namespace counterpoint::inline v1::kernels {
namespace {

// What the draws of one alpha share.
class GammaSampler {
 public:
  explicit GammaSampler(double alpha)
      : alpha_(alpha),
        d_(alpha + (alpha < 1 ? 2.0 / 3 : -1.0 / 3)),
        c_(1.0 / 3 / std::sqrt(d_)),
        power_(1 / alpha) {}

  double draw(PhiloxBlocks blocks) const {
    ReversedUniforms uniforms(blocks);
    if (alpha_ == 1) return -math::log1p(-uniforms.next());
    ReversedNormals normals(blocks);
    while (true) {
      const double z = normals.next();
      double v = 1 + c_ * z;
      if (v <= 0) continue;
      v = v * v * v;
      const double u = uniforms.next();
      if (u < 1 - 0.0331 * (z * z) * (z * z) ||
          math::log(u) < 0.5 * z * z + d_ * (1 - v + math::log(v))) {
        const double x = d_ * v;
        return alpha_ < 1 ? x * math::pow_of_unit(uniforms.next(), power_) : x;
      }
    }
  }

 private:
  double alpha_;
  double d_;
  double c_;
  double power_;
};

template <class T>
double widened(T x) {
  if constexpr (std::is_same_v<T, Float16>) {
    return x.to_float();
  } else {
    return x;
  }
}

// sample_cast rounds to f32 first where T is f16.
template <class T>
inline constexpr bool kToF32 = !std::is_same_v<T, double>;

// x / beta in T, and no less than the smallest normal of T.
template <class T>
T scaled(double x, T beta) {
  const T value = sample_cast<T>(x);
  if constexpr (std::is_same_v<T, Float16>) {
    constexpr float kSmallest = 0x1p-14f;
    const float quotient = Float16::from_float(value.to_float() / beta.to_float()).to_float();
    return Float16::from_float(quotient > kSmallest ? quotient : kSmallest);
  } else {
    constexpr T kSmallest = std::numeric_limits<T>::min();
    const T quotient = beta == 1 ? value : value / beta;  // 1 is common, and division slow
    return quotient > kSmallest ? quotient : kSmallest;
  }
}

template <class T>
void fill_scalar(const GammaFill& fill) {
  const BatchedDraw& draw = fill.draw;
  T* const out = static_cast<T*>(draw.output);
  const T* const alpha = static_cast<const T*>(fill.alpha);
  const T* const beta = static_cast<const T*>(fill.beta);
  GammaSampler sampler(1);
  std::uint64_t sampler_of = draw.batch;  // none
  for_each_stream(draw, [&](std::uint64_t i, std::uint64_t b, std::uint64_t stream) {
    if (b != sampler_of) {
      sampler = GammaSampler(widened(alpha[b]));
      sampler_of = b;
    }
    const double x = sampler.draw({draw.counter + kBlocksPerStream * stream, draw.key});
    out[i] = scaled<T>(x, beta[b]);
  });
}

template <class T>
const char* fill_typed(const GammaFill& fill) {
  const BatchedDraw& draw = fill.draw;
  if (!worth_chunks(draw)) {
    fill_scalar<T>(fill);
    return "scalar";
  }
  const T* const alpha = static_cast<const T*>(fill.alpha);
  const T* const beta = static_cast<const T*>(fill.beta);
  const auto redo = [&](std::uint64_t b, PhiloxBlocks blocks) {
    return GammaSampler(widened(alpha[b])).draw(blocks);
  };
  if (draw.batch == 1) {
    GammaChunk chunk(draw.key, draw.counter.high);
    chunk.uniform = true;
    chunk.to_f32 = kToF32<T>;
    chunk.alpha[0] = widened(alpha[0]);
    const T one_beta = beta[0];
    return put_alike<T>(draw, kBlocksPerStream, chunk, redo, [&](const GammaChunk& drawn, T* out) {
      if constexpr (std::is_same_v<T, Float16>) {
        for (std::uint64_t i = 0; i < drawn.count; ++i) {
          out[i] = scaled<T>(drawn.out[i], one_beta);
        }
      } else {
        scale_gammas(GammaOutputs<T>{drawn.out, out, drawn.count, one_beta});
      }
    });
  }
  OutputsOfAKind<GammaChunk, T> outputs(draw, kBlocksPerStream);
  outputs.chunk().to_f32 = kToF32<T>;
  const auto cast = [&](std::uint64_t b, double x) { return scaled<T>(x, beta[b]); };
  for_each_stream(draw, [&](std::uint64_t i, std::uint64_t b, std::uint64_t stream) {
    const auto place = [&](GammaChunk& chunk, std::uint64_t n) {
      chunk.alpha[n] = widened(alpha[b]);
    };
    outputs.add(i, b, stream, place, redo, cast);
  });
  outputs.flush(redo, cast);
  return outputs.target();
}

}  // namespace

const char* fill_philox_gamma(const GammaFill& fill) {
  switch (fill.dtype) {
    case DType::f16:
      return fill_typed<Float16>(fill);
    case DType::f64:
      return fill_typed<double>(fill);
    default:
      return fill_typed<float>(fill);
  }
}

void fill_philox_gamma_scalar(const GammaFill& fill) {
  switch (fill.dtype) {
    case DType::f16:
      return fill_scalar<Float16>(fill);
    case DType::f64:
      return fill_scalar<double>(fill);
    default:
      return fill_scalar<float>(fill);
  }
}

}  // namespace counterpoint::inline v1::kernels
