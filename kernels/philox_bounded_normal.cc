// Normals between bounds, TensorFlow's parameterized truncated normal: by rejection from normals,
// from uniforms, or from exponentials where the bounds lie in a tail.
// Sources: Robert, "Simulation of truncated normal variables" (1995); docs/streams.md section 15.
#include <array>
#include <cmath>
#include <compare>
#include <limits>
#include <utility>

#include "counterpoint/kernels/internal/math.h"
#include "counterpoint/kernels/internal/philox_readers.h"
#include "counterpoint/kernels/internal/philox_samplers.h"

namespace counterpoint::inline v1::kernels {
namespace {

// f16 arithmetic: in f32, rounded after each operation.
class Half {
 public:
  Half() = default;
  explicit Half(double x) : value_(rounded(static_cast<float>(x))) {}
  explicit Half(Float16 x) : value_(x.to_float()) {}

  float value() const { return value_; }
  Float16 bits() const { return Float16::from_float(value_); }

  Half operator-() const { return exactly(-value_); }
  friend Half operator+(Half a, Half b) { return exactly(rounded(a.value_ + b.value_)); }
  friend Half operator-(Half a, Half b) { return exactly(rounded(a.value_ - b.value_)); }
  friend Half operator*(Half a, Half b) { return exactly(rounded(a.value_ * b.value_)); }
  friend Half operator/(Half a, Half b) { return exactly(rounded(a.value_ / b.value_)); }
  friend auto operator<=>(Half a, Half b) { return a.value_ <=> b.value_; }
  friend bool operator==(Half a, Half b) { return a.value_ == b.value_; }

 private:
  static float rounded(float x) { return Float16::from_float(x).to_float(); }
  static Half exactly(float x) {
    Half half;
    half.value_ = x;
    return half;
  }

  float value_ = 0;
};

float square_root(float x) { return std::sqrt(x); }
double square_root(double x) { return std::sqrt(x); }
Half square_root(Half x) { return Half(std::sqrt(x.value())); }

template <class V>
bool is_negative_infinity(V x) {
  return x == V(-std::numeric_limits<float>::infinity());
}

template <class V>
inline constexpr double kBound = 1.3;
template <>
inline constexpr float kBound<float> = 1.3f;

// For 0 < x <= 1 and infinite at 0.
float log_of_unit(float x) {
  return x > 0 ? math::log_f32(x) : -std::numeric_limits<float>::infinity();
}
double log_of_unit(double x) { return math::log(x); }
Half log_of_unit(Half x) { return Half(log_of_unit(x.value())); }

// f32 by way of f64: only comparisons depend on it, so that a last bit that the C library has
// otherwise is one chance in 2^40 for another answer.
float exponential(float x) { return static_cast<float>(math::exp(x)); }
double exponential(double x) { return math::exp(x); }
Half exponential(Half x) { return Half(exponential(x.value())); }

template <class V>
using Candidates = std::array<V, std::is_same_v<V, double> ? 2 : 4>;  // of a block

template <class V>
Candidates<V> uniforms_of(const PhiloxWords& w) {
  if constexpr (std::is_same_v<V, double>) {
    return {unit_f64(w[0], w[1]), unit_f64(w[2], w[3])};
  } else if constexpr (std::is_same_v<V, float>) {
    return {unit_f32(w[0]), unit_f32(w[1]), unit_f32(w[2]), unit_f32(w[3])};
  } else {
    return {Half(unit_f16(w[0])), Half(unit_f16(w[1])), Half(unit_f16(w[2])), Half(unit_f16(w[3]))};
  }
}

template <class V>
Candidates<V> normals_of(const PhiloxWords& w) {
  if constexpr (std::is_same_v<V, double>) {
    const NormalPair<double> pair = box_muller_f64(w);
    return {pair.sine, pair.cosine};
  } else {
    const NormalPair<float> a = box_muller_f32(w[0], w[1]);
    const NormalPair<float> b = box_muller_f32(w[2], w[3]);
    return {V(a.sine), V(a.cosine), V(b.sine), V(b.cosine)};
  }
}

// The samples of one set of parameters, taken from the one stream of all sets.
template <class V, class Put>
class BoundedNormal {
 public:
  BoundedNormal(PhiloxBlocks& blocks, std::uint64_t samples, Put put)
      : blocks_(blocks), left_(samples), put_(put) {}

  // False after too many rejections in a row.
  bool draw(V mean, V stddev, V minval, V maxval) {
    if (is_negative_infinity(minval) || maxval < mean) {
      std::swap(minval, maxval);
      stddev = -stddev;
    }
    mean_ = mean;
    stddev_ = stddev;
    low_ = (minval - mean) / stddev;
    high_ = (maxval - mean) / stddev;
    if (left_ == 0) return true;

    const V root = square_root(low_ * low_ + V(4));
    const V cut = V(2) * exponential(V(0.5) + (low_ * (low_ - root)) / V(4)) / (low_ + root);
    const V bound(kBound<V>);
    if ((low_ < -bound && high_ >= V(0)) || (high_ > bound && low_ <= V(0))) return from_normals();
    if (high_ - low_ < cut) return from_uniforms();
    return from_exponentials((low_ + root) / V(2));
  }

 private:
  bool from_normals() {
    while (true) {
      for (const V z : normals_of<V>(blocks_.next())) {
        if (settle(z, z >= low_ && z <= high_)) return left_ == 0;
      }
    }
  }

  bool from_uniforms() {
    const V width = high_ - low_;
    const V plus = low_ < V(0) ? V(0) : low_ * low_;
    while (true) {
      Candidates<V> z = uniforms_of<V>(blocks_.next());
      const Candidates<V> u = uniforms_of<V>(blocks_.next());
      for (std::size_t i = 0; i < z.size(); ++i) {
        z[i] = z[i] * width + low_;
        if (settle(z[i], u[i] <= exponential((plus - z[i] * z[i]) / V(2)))) return left_ == 0;
      }
    }
  }

  bool from_exponentials(V alpha) {
    while (true) {
      const Candidates<V> u = uniforms_of<V>(blocks_.next());
      for (std::size_t i = 0; i < u.size(); i += 2) {
        const V z = -log_of_unit(u[i]) / alpha + low_;
        const V x = low_ < alpha ? alpha - z : low_ - alpha;
        const V accepted = exponential(-x * x / V(2));
        if (settle(z, u[i + 1] <= accepted && z < high_)) return left_ == 0;
      }
    }
  }

  // Puts an accepted z. True when all is done, or too many were rejected.
  bool settle(V z, bool accepted) {
    if (!accepted) return ++rejections_ > kMostRejections;
    rejections_ = 0;
    put_(z * stddev_ + mean_);
    return --left_ == 0;
  }

  PhiloxBlocks& blocks_;
  std::uint64_t left_;
  Put put_;
  int rejections_ = 0;
  V mean_{};
  V stddev_{};
  V low_{};
  V high_{};
};

Float16 stored(Half x) { return x.bits(); }
float stored(float x) { return x; }
double stored(double x) { return x; }

template <class T, class V>
bool fill_typed(const BoundedNormalFill& fill, std::uint64_t* failed_batch) {
  const auto parameter = [](const void* values, std::uint64_t b) {
    return V(static_cast<const T*>(values)[b]);
  };
  PhiloxBlocks blocks(fill.counter, fill.key);
  for (std::uint64_t b = 0; b < fill.batch; ++b) {
    T* out = static_cast<T*>(fill.output) + b;
    const auto put = [&out, &fill](V x) {
      *out = stored(x);
      out += fill.batch;
    };
    BoundedNormal<V, decltype(put)> sampler(blocks, fill.samples, put);
    if (!sampler.draw(parameter(fill.mean, b), parameter(fill.stddev, b), parameter(fill.minval, b),
                      parameter(fill.maxval, b))) {
      *failed_batch = b;
      return false;
    }
  }
  return true;
}

}  // namespace

bool fill_philox_bounded_normal(const BoundedNormalFill& fill, std::uint64_t* failed_batch) {
  switch (fill.dtype) {
    case DType::f16:
      return fill_typed<Float16, Half>(fill, failed_batch);
    case DType::f64:
      return fill_typed<double, double>(fill, failed_batch);
    default:
      return fill_typed<float, float>(fill, failed_batch);
  }
}

}  // namespace counterpoint::inline v1::kernels
