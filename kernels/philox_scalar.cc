#include "counterpoint/kernels/internal/philox_scalar.h"

#include <algorithm>
#include <array>
#include <type_traits>

#include "counterpoint/kernels/internal/scale.h"
#include "counterpoint/kernels/internal/uniform.h"
#include "counterpoint/kernels/philox.h"

namespace counterpoint::inline v1::kernels {
namespace {

// Writes elements [first_element, first_element + count) of a draw whose elements come in groups of
// kSize: group(g) returns elements g * kSize and on.
template <class T, std::uint64_t kSize, class Group>
void fill_groups(const Fill& fill, Group group) {
  T* out = static_cast<T*>(fill.output);
  const std::uint64_t end = fill.first_element + fill.count;
  for (std::uint64_t at = fill.first_element; at < end;) {
    const std::uint64_t g = at / kSize;
    const std::array<T, kSize> values = group(g);
    // A fixed number of steps: a copy of so few elements is no call.
    for (std::uint64_t i = 0; i < kSize; ++i) {
      if (i < at % kSize || g * kSize + i >= end) continue;
      *out++ = values[i];
    }
    at = (g + 1) * kSize;
  }
}

// Groups of one block each.
template <class T, std::uint64_t kSize, class Transform>
void fill_blocks(const Fill& fill, Transform transform) {
  fill_groups<T, kSize>(fill, [&](std::uint64_t g) -> std::array<T, kSize> {
    return transform(philox_block(fill.counter + g, fill.key));
  });
}

template <class T>
void fill_integers(const Fill& fill) {
  using U = std::make_unsigned_t<T>;
  const bool ranged = fill.distribution == Distribution::uniform_int;
  const U range = static_cast<U>(fill.range);
  const U low = static_cast<U>(fill.low);
  const auto finish = [=](U x) -> T {
    return static_cast<T>(ranged ? static_cast<U>(low + x % range) : x);
  };
  if constexpr (sizeof(T) == 4) {
    fill_blocks<T, 4>(fill, [=](const PhiloxWords& w) {
      return std::array{finish(w[0]), finish(w[1]), finish(w[2]), finish(w[3])};
    });
  } else {
    fill_blocks<T, 2>(fill, [=](const PhiloxWords& w) {
      return std::array{finish(join_words(w[0], w[1])), finish(join_words(w[2], w[3]))};
    });
  }
}

template <class T, class Unit>
void fill_uniform_words(const Fill& fill, Unit unit) {
  const ScaleInType<T> scale(fill);
  fill_blocks<T, 4>(fill, [=](const PhiloxWords& w) {
    return std::array{scale(unit(w[0])), scale(unit(w[1])), scale(unit(w[2])), scale(unit(w[3]))};
  });
}

void fill_uniform_f64(const Fill& fill) {
  const ScaleInType<double> scale(fill);
  fill_blocks<double, 2>(fill, [=](const PhiloxWords& w) {
    return std::array{scale(unit_f64(w[0], w[1])), scale(unit_f64(w[2], w[3]))};
  });
}

template <class T>
T round_to(float x) {
  if constexpr (sizeof(T) == 2) {
    return T::from_float(x);
  } else {
    return static_cast<T>(x);
  }
}

// T is float, Float16 or BFloat16. By pairs, so that one value costs one pair.
template <class T>
void fill_normal(const Fill& fill) {
  const ScaleInType<T> scale(fill);
  T* out = static_cast<T*>(fill.output);
  const std::uint64_t end = fill.first_element + fill.count;
  std::uint64_t at = fill.first_element;
  while (at < end) {
    const PhiloxWords w = philox_block(fill.counter + at / 4, fill.key);
    do {
      const NormalPair<float> z =
          at % 4 < 2 ? box_muller_f32(w[0], w[1]) : box_muller_f32(w[2], w[3]);
      if (at % 2 == 0) {
        *out++ = scale(round_to<T>(z.sine));
        if (++at == end) return;
      }
      *out++ = scale(round_to<T>(z.cosine));
      ++at;
    } while (at < end && at % 4 != 0);
  }
}

void fill_normal_f64(const Fill& fill) {
  const ScaleInType<double> scale(fill);
  fill_blocks<double, 2>(fill, [=](const PhiloxWords& w) {
    const NormalPair<double> z = box_muller_f64(w);
    return std::array{scale(z.sine), scale(z.cosine)};
  });
}

// Keeps the first kSize candidates of magnitude below 2.
template <class T, std::uint64_t kSize>
class Keeper {
 public:
  explicit Keeper(const ScaleInType<T>& scale) : scale_(scale) {}

  template <class Candidate>
  void offer(const NormalPair<Candidate>& pair) {
    offer(pair.sine);
    offer(pair.cosine);
  }
  bool full() const { return kept_ == kSize; }
  const std::array<T, kSize>& values() const { return values_; }

 private:
  void offer(float candidate) {
    if (!full() && candidate > -2 && candidate < 2) {
      values_[kept_++] = scale_(round_to<T>(candidate));
    }
  }
  void offer(double candidate) {
    if (!full() && candidate > -2 && candidate < 2) values_[kept_++] = scale_(candidate);
  }

  const ScaleInType<T>& scale_;
  std::array<T, kSize> values_{};
  std::uint64_t kept_ = 0;
};

// Group g of kSize outputs reads words in order from block 64 * kSize * g on.
template <class T>
void fill_truncated(const Fill& fill) {
  constexpr bool kDouble = std::is_same_v<T, double>;
  constexpr std::uint64_t kSize = kDouble ? 2 : 4;
  const ScaleInType<T> scale(fill);
  fill_groups<T, kSize>(fill, [&](std::uint64_t g) {
    Keeper<T, kSize> keeper(scale);
    Counter counter = truncated_group_counter(fill.counter, g, kSize);
    while (!keeper.full()) {
      const PhiloxWords w = philox_block(counter, fill.key);
      if constexpr (kDouble) {
        keeper.offer(box_muller_f64(w));
      } else {
        keeper.offer(box_muller_f32(w[0], w[1]));
        keeper.offer(box_muller_f32(w[2], w[3]));
      }
      counter = counter + 1;
    }
    return keeper.values();
  });
}

}  // namespace

void fill_philox_one_normal(const Fill& fill) {
  const std::uint64_t at = fill.first_element;
  const PhiloxWords w = philox_block(fill.counter + at / 4, fill.key);
  const bool second_pair = (at & 2) != 0;
  const float u = unit_f32(second_pair ? w[2] : w[0]);
  const float v = unit_f32(second_pair ? w[3] : w[1]);
  const float part = math::sin_or_cos_f32(box_muller_angle_f32(v), (at & 1) != 0);
  *static_cast<float*>(fill.output) = ScaleInType<float>(fill)(part * box_muller_radius_f32(u));
}

void fill_philox_scalar(const Fill& fill) {
  const DType dtype = fill.dtype;
  switch (fill.distribution) {
    case Distribution::uniform_full_int:
    case Distribution::uniform_int:
      if (dtype == DType::i32) return fill_integers<std::int32_t>(fill);
      if (dtype == DType::u32) return fill_integers<std::uint32_t>(fill);
      if (dtype == DType::i64) return fill_integers<std::int64_t>(fill);
      return fill_integers<std::uint64_t>(fill);
    case Distribution::uniform:
      if (dtype == DType::f16) return fill_uniform_words<Float16>(fill, unit_f16);
      if (dtype == DType::bf16) return fill_uniform_words<BFloat16>(fill, unit_bf16);
      if (dtype == DType::f32) return fill_uniform_words<float>(fill, unit_f32);
      return fill_uniform_f64(fill);
    case Distribution::normal:
      if (dtype == DType::f16) return fill_normal<Float16>(fill);
      if (dtype == DType::bf16) return fill_normal<BFloat16>(fill);
      if (dtype == DType::f32) return fill_normal<float>(fill);
      return fill_normal_f64(fill);
    case Distribution::truncated_normal:
      if (dtype == DType::f16) return fill_truncated<Float16>(fill);
      if (dtype == DType::bf16) return fill_truncated<BFloat16>(fill);
      if (dtype == DType::f32) return fill_truncated<float>(fill);
      return fill_truncated<double>(fill);
  }
}

}  // namespace counterpoint::inline v1::kernels
