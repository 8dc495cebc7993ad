#include "counterpoint/kernels/internal/threefry_scalar.h"

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "counterpoint/kernels/internal/math_xla.h"
#include "counterpoint/kernels/internal/uniform.h"
#include "counterpoint/kernels/threefry.h"

namespace counterpoint::inline v1::kernels {
namespace {

// The random bits of the draw's elements, and of the uniforms behind its normals.
class Bits {
 public:
  explicit Bits(const Fill& fill)
      : layout_(fill.shape), counter_(fill.counter.low), key_(fill.key) {}

  ThreefryWords block(std::uint64_t steps) const { return threefry_block(counter_ + steps, key_); }

  std::uint32_t word32(std::uint64_t element) const {
    const auto [steps, word] = layout_.place(element);
    return block(steps)[word];
  }
  std::uint64_t word64(std::uint64_t element) const {
    const ThreefryWords w = block(element);
    return join_words(w[0], w[1]);
  }

  // A normal's pair on the split axis: bits of its radius and of its angle, and which part it is.
  template <class Word>
  struct Pair {
    Word radius;
    Word angle;
    bool cosine;
  };

  // XLA draws uniforms of the shape with the split axis replaced by (half, 2), laid out by the rule
  // for that shape: it is split along the pairs if half is even, else within them.
  Pair<std::uint32_t> pair32(std::uint64_t element) const {
    const auto p = layout_.position(element);
    const std::uint64_t pair = p.along / 2;
    const bool cosine = p.along % 2 != 0;
    if (layout_.half % 2 == 0) {
      const std::uint64_t row = p.outer * (layout_.half / 2) + pair / 2;
      const std::uint64_t steps = row * 2 * layout_.inner + p.inner;
      return {block(steps)[pair % 2], block(steps + layout_.inner)[pair % 2], cosine};
    }
    const ThreefryWords w = block((p.outer * layout_.half + pair) * layout_.inner + p.inner);
    return {w[0], w[1], cosine};
  }

  Pair<std::uint64_t> pair64(std::uint64_t element) const {
    const auto p = layout_.position(element);
    const std::uint64_t first =
        (p.outer * layout_.half + p.along / 2) * 2 * layout_.inner + p.inner;
    return {word64(first), word64(first + layout_.inner), p.along % 2 != 0};
  }

 private:
  ThreefryLayout layout_;
  std::uint64_t counter_;
  std::uint64_t key_;
};

float unit(std::uint32_t word) { return static_cast<float>(word >> 9) * 0x1p-23f; }
double unit(std::uint64_t word) { return static_cast<double>(word >> 12) * 0x1p-52; }

float normal_f32(const Bits& bits, std::uint64_t element) {
  const auto pair = bits.pair32(element);
  const float u = std::max(unit(pair.radius), kSmallestUniform);
  const float radius = std::sqrt(-2.0f * math::xla_log_f32(u));
  const float angle = static_cast<float>(math::kTwoPi) * unit(pair.angle);
  return math::sin_or_cos_f32(angle, pair.cosine) * radius;
}

double normal_f64(const Bits& bits, std::uint64_t element) {
  const auto pair = bits.pair64(element);
  const double u = std::max(unit(pair.radius), static_cast<double>(kSmallestUniform));
  const auto normals = math::box_muller_f64(u, math::kTwoPi * unit(pair.angle));
  return pair.cosine ? normals.cos : normals.sin;
}

// Every operation in f32 and rounded to f16.
Float16 normal_f16(const Bits& bits, std::uint64_t element) {
  const auto rounded = [](float x) { return Float16::from_float(x).to_float(); };
  const auto pair = bits.pair32(element);
  const float u = std::max(unit_f16(pair.radius).to_float(), rounded(kSmallestUniform));
  const float radius = rounded(std::sqrt(rounded(-2.0f * rounded(math::xla_log_f32(u)))));
  const float angle =
      rounded(rounded(static_cast<float>(math::kTwoPi)) * unit_f16(pair.angle).to_float());
  const auto direction = math::sincos_f32(angle);
  return Float16::from_float(rounded(pair.cosine ? direction.cos : direction.sin) * radius);
}

// An f32 with its low 16 bits cleared.
BFloat16 truncated_to_bf16(float x) {
  return BFloat16{static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(x) >> 16)};
}

float fused(float x, const Fill& fill) {
  return math::fused_f32(x, static_cast<float>(fill.scale), static_cast<float>(fill.offset));
}

template <class T>
T scaled(T x, const Fill& fill) {
  if (!fill.scaled) return x;
  if constexpr (std::is_same_v<T, double>) {
    return math::fused_f64(x, fill.scale, fill.offset);
  } else if constexpr (std::is_same_v<T, float>) {
    return fused(x, fill);
  } else {
    return T::from_float(fused(x.to_float(), fill));
  }
}

template <class T>
T uniform(const Bits& bits, std::uint64_t element) {
  if constexpr (std::is_same_v<T, double>) {
    return unit(bits.word64(element));
  } else if constexpr (std::is_same_v<T, float>) {
    return unit(bits.word32(element));
  } else if constexpr (std::is_same_v<T, Float16>) {
    return unit_f16(bits.word32(element));
  } else {
    return truncated_to_bf16(unit(bits.word32(element)));
  }
}

template <class T>
T normal(const Bits& bits, std::uint64_t element) {
  if constexpr (std::is_same_v<T, double>) {
    return normal_f64(bits, element);
  } else if constexpr (std::is_same_v<T, float>) {
    return normal_f32(bits, element);
  } else if constexpr (std::is_same_v<T, Float16>) {
    return normal_f16(bits, element);
  } else {
    return truncated_to_bf16(normal_f32(bits, element));
  }
}

template <class T>
T element_of(const Fill& fill, const Bits& bits, std::uint64_t element) {
  if constexpr (std::is_integral_v<T>) {
    using U = std::make_unsigned_t<T>;
    U x;
    if constexpr (sizeof(T) == 8) {
      x = bits.word64(element);
    } else {
      x = bits.word32(element);
    }
    if (fill.distribution == Distribution::uniform_full_int) return static_cast<T>(x);
    return static_cast<T>(static_cast<U>(fill.low) + x % static_cast<U>(fill.range));
  } else if (fill.distribution == Distribution::uniform) {
    return scaled(uniform<T>(bits, element), fill);
  } else if (fill.distribution == Distribution::truncated_normal) {
    const float z = math::xla_truncated_normal_f32(unit(bits.word32(element)));
    if constexpr (std::is_same_v<T, float>) return scaled(z, fill);
    return T{};  // not supported
  } else {
    return scaled(normal<T>(bits, element), fill);
  }
}

}  // namespace

void fill_threefry_scalar(const Fill& fill) {
  const Bits bits(fill);
  visit_dtype(fill.dtype, [&](auto zero) {
    using T = decltype(zero);
    T* out = static_cast<T*>(fill.output);
    for (std::uint64_t i = 0; i < fill.count; ++i) {
      out[i] = element_of<T>(fill, bits, fill.first_element + i);
    }
  });
}

}  // namespace counterpoint::inline v1::kernels
