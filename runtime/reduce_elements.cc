#include "counterpoint/runtime/internal/reduce_elements.h"

#include <algorithm>
#include <cstring>
#include <type_traits>

namespace counterpoint::inline v1 {
namespace {

template <class T>
concept HalfFloat = std::is_same_v<T, Float16> || std::is_same_v<T, BFloat16>;

template <class T>
T sum_of(T a, T b) {
  if constexpr (HalfFloat<T>) {
    return T::from_float(a.to_float() + b.to_float());
  } else if constexpr (std::is_integral_v<T>) {
    using Unsigned = std::make_unsigned_t<T>;
    return static_cast<T>(static_cast<Unsigned>(a) + static_cast<Unsigned>(b));
  } else {
    return a + b;
  }
}

// True if `b` replaces `a`; equal values (-0 and 0 too) keep the lower rank's, a NaN always wins.
template <bool minimum, class T>
bool replaces(T a, T b) {
  if constexpr (HalfFloat<T>) {
    return replaces<minimum>(a.to_float(), b.to_float());
  } else {
    const bool better = minimum ? b < a : a < b;
    if constexpr (std::is_floating_point_v<T>) return better || b != b;
    return better;
  }
}

template <class T>
T mean_of(T sum, int row_count) {
  if constexpr (HalfFloat<T>) {
    return T::from_float(sum.to_float() / static_cast<float>(row_count));
  } else if constexpr (std::is_floating_point_v<T>) {
    return sum / static_cast<T>(row_count);
  } else {
    return sum;  // callers refuse the mean of integers
  }
}

// out[i] = op(so_far[i], values[i]); `out` may be `so_far`, which a compiler's test for overlap of
// three arrays would leave to scalar code.
template <class T, class Op>
void combine(const T* so_far, const T* values, std::size_t count, T* out, Op op) {
  if (so_far == out) {
    for (std::size_t i = 0; i < count; ++i) out[i] = op(out[i], values[i]);
  } else {
    for (std::size_t i = 0; i < count; ++i) out[i] = op(so_far[i], values[i]);
  }
}

template <class T>
void fold(Reduce reduce, const T* so_far, const T* values, std::size_t count, T* out) {
  switch (reduce) {
    case Reduce::sum:
    case Reduce::mean:
      return combine(so_far, values, count, out, [](T a, T b) { return sum_of(a, b); });
    case Reduce::min:
      return combine(so_far, values, count, out,
                     [](T a, T b) { return replaces<true>(a, b) ? b : a; });
    case Reduce::max:
      return combine(so_far, values, count, out,
                     [](T a, T b) { return replaces<false>(a, b) ? b : a; });
  }
}

template <class T>
void reduce_typed(Reduce reduce, const std::byte* rows, std::size_t row_bytes, int row_count,
                  std::size_t count, T* out) {
  constexpr std::size_t block = 16384 / sizeof(T);  // the output stays in the first-level cache
  for (std::size_t begin = 0; begin < count; begin += block) {
    const std::size_t length = std::min(block, count - begin);
    T* const block_out = out + begin;
    const auto row = [&](int r) {
      return reinterpret_cast<const T*>(rows + static_cast<std::size_t>(r) * row_bytes) + begin;
    };
    const T* so_far = row(0);
    for (int r = 1; r < row_count; ++r) {
      fold(reduce, so_far, row(r), length, block_out);
      so_far = block_out;
    }
    if (so_far != block_out) std::memcpy(block_out, so_far, length * sizeof(T));  // the only row
    if (reduce == Reduce::mean) {
      for (std::size_t i = 0; i < length; ++i) block_out[i] = mean_of(block_out[i], row_count);
    }
  }
}

}  // namespace

void reduce_rows(DType dtype, Reduce reduce, const std::byte* rows, std::size_t row_bytes,
                 int row_count, std::int64_t count, std::byte* out) {
  if (count == 0) return;
  visit_dtype(dtype, [&]<class T>(T) {
    reduce_typed(reduce, rows, row_bytes, row_count, static_cast<std::size_t>(count),
                 reinterpret_cast<T*>(out));
  });
}

}  // namespace counterpoint::inline v1
