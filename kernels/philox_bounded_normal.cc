// Normals between bounds, TensorFlow's parameterized truncated normal: by rejection from normals,
// from uniforms, or from exponentials where the bounds lie in a tail. Where it may fail half-way, it is
// drawn twice: once to see that all can be drawn, once to write.
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

// One set of parameters, turned so that the bounds of the standard normal, low and high, have their
// larger part above 0.
template <class V>
struct Bounds {
  explicit Bounds(const BoundedNormalParameters& set)
      : mean(V(set.mean)), stddev(V(set.stddev)), low(V(set.minval)), high(V(set.maxval)) {
    if (is_negative_infinity(low) || high < mean) {
      std::swap(low, high);
      stddev = -stddev;
    }
    low = (low - mean) / stddev;
    high = (high - mean) / stddev;
  }

  bool want_normals() const {
    const V bound(kBound<V>);
    return (low < -bound && high >= V(0)) || (high > bound && low <= V(0));
  }
  // Of each candidate's chance, 0.4 or more here: normals are taken for bounds that 0.4 of them lie
  // between, and the other ways accept 0.6 where rounding does not matter. kMostRejections in a row,
  // one chance in 2^737, do not happen at any of the 2^192 places of the streams.
  bool cannot_fail() const {
    return want_normals() || (!std::is_same_v<V, Half> && low <= V(64) && high >= low);
  }

  V mean;
  V stddev;
  V low;
  V high;
};

// The samples of one set of parameters, taken from the one stream of all sets.
template <class V, class Put>
class BoundedNormal {
 public:
  BoundedNormal(PhiloxBlocks& blocks, const Bounds<V>& bounds, std::uint64_t samples, Put put)
      : blocks_(blocks), bounds_(bounds), left_(samples), put_(put) {}

  // False after too many rejections in a row.
  bool draw() {
    if (left_ == 0) return true;
    const V low = bounds_.low;
    const V root = square_root(low * low + V(4));
    const V cut = V(2) * exponential(V(0.5) + (low * (low - root)) / V(4)) / (low + root);
    if (bounds_.want_normals()) return from_normals();
    if (bounds_.high - low < cut) return from_uniforms();
    return from_exponentials((low + root) / V(2));
  }

 private:
  bool from_normals() {
    while (true) {
      for (const V z : normals_of<V>(blocks_.next())) {
        if (settle(z, z >= bounds_.low && z <= bounds_.high)) return left_ == 0;
      }
    }
  }

  bool from_uniforms() {
    const V low = bounds_.low;
    const V width = bounds_.high - low;
    const V plus = low < V(0) ? V(0) : low * low;
    while (true) {
      Candidates<V> z = uniforms_of<V>(blocks_.next());
      const Candidates<V> u = uniforms_of<V>(blocks_.next());
      for (std::size_t i = 0; i < z.size(); ++i) {
        z[i] = z[i] * width + low;
        if (settle(z[i], u[i] <= exponential((plus - z[i] * z[i]) / V(2)))) return left_ == 0;
      }
    }
  }

  bool from_exponentials(V alpha) {
    const V low = bounds_.low;
    while (true) {
      const Candidates<V> u = uniforms_of<V>(blocks_.next());
      for (std::size_t i = 0; i < u.size(); i += 2) {
        const V z = -log_of_unit(u[i]) / alpha + low;
        const V x = low < alpha ? alpha - z : low - alpha;
        const V accepted = exponential(-x * x / V(2));
        if (settle(z, u[i + 1] <= accepted && z < bounds_.high)) return left_ == 0;
      }
    }
  }

  // Puts an accepted z. True when all is done, or too many were rejected.
  bool settle(V z, bool accepted) {
    if (!accepted) return ++rejections_ > kMostRejections;
    rejections_ = 0;
    put_(z * bounds_.stddev + bounds_.mean);
    return --left_ == 0;
  }

  PhiloxBlocks& blocks_;
  const Bounds<V> bounds_;
  std::uint64_t left_;
  Put put_;
  int rejections_ = 0;
};

Float16 stored(Half x) { return x.bits(); }
float stored(float x) { return x; }
double stored(double x) { return x; }

// Calls `put(offset, x)` for each output. False after too many rejections in a row.
template <class V, class Put>
bool draw_all(const BoundedNormalFill& fill, const Put& put, std::uint64_t* failed_batch) {
  PhiloxBlocks blocks(fill.counter, fill.key);
  for (std::uint64_t b = 0; b < fill.batch; ++b) {
    const Bounds<V> bounds(fill.parameters(fill.context, b));
    auto put_next = [offset = b, &put, &fill](V x) mutable {
      put(offset, x);
      offset += fill.batch;
    };
    BoundedNormal<V, decltype(put_next)> sampler(blocks, bounds, fill.samples, put_next);
    if (!sampler.draw()) {
      *failed_batch = b;
      return false;
    }
  }
  return true;
}

template <class T, class V>
bool fill_typed(const BoundedNormalFill& fill, std::uint64_t* failed_batch) {
  bool certain = true;
  for (std::uint64_t b = 0; b < fill.batch && certain; ++b) {
    certain = Bounds<V>(fill.parameters(fill.context, b)).cannot_fail();
  }
  if (!certain && !draw_all<V>(
                      fill, [](std::uint64_t, V) {}, failed_batch))
    return false;
  T* const out = static_cast<T*>(fill.output);
  return draw_all<V>(
      fill, [out](std::uint64_t offset, V x) { out[offset] = stored(x); }, failed_batch);
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
