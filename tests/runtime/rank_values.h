// Values that every rank brings to a collective and any other can compute, and what reductions of them
// are by definition.
//
//   std::vector<float> values = values_of<float>(ranks.rank(), 1000);
//   ranks.all_reduce(std::span(values), Reduce::sum);
//   EXPECT_EQ(values[7], reduced<float>({value_of<float>(0, 7), value_of<float>(1, 7)}, Reduce::sum));
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <string>
#include <type_traits>
#include <vector>

#include "counterpoint/runtime/communicator.h"

namespace counterpoint {

// Magnitudes differ, so that the order of adding shows.
template <Element T>
T value_of(int rank, std::size_t index) {
  std::uint64_t x =
      index * 0x9e3779b97f4a7c15u + static_cast<std::uint64_t>(rank + 1) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 31)) * 0x94d049bb133111ebu;
  x ^= x >> 29;
  const double real =
      (static_cast<double>(x >> 11) * 0x1p-53 - 0.5) * std::exp2(static_cast<double>(x % 9));
  if constexpr (std::is_same_v<T, Float16> || std::is_same_v<T, BFloat16>) {
    return T::from_float(static_cast<float>(real));
  } else if constexpr (std::is_floating_point_v<T>) {
    return static_cast<T>(real);
  } else {
    return static_cast<T>(x);
  }
}

template <Element T>
std::vector<T> values_of(int rank, std::size_t count) {
  std::vector<T> values(count);
  for (std::size_t i = 0; i < count; ++i) values[i] = value_of<T>(rank, i);
  return values;
}

// The definition, one element after the other.
template <Element T>
T reduced(const std::vector<T>& by_rank, Reduce reduce) {
  const auto real = [](T x) {
    if constexpr (requires { x.to_float(); }) {
      return x.to_float();
    } else {
      return x;
    }
  };
  const auto rounded = [](auto x) {
    if constexpr (requires { T::from_float(x); }) {
      return T::from_float(x);
    } else {
      return static_cast<T>(x);
    }
  };
  T result = by_rank[0];
  for (std::size_t rank = 1; rank < by_rank.size(); ++rank) {
    const T next = by_rank[rank];
    switch (reduce) {
      case Reduce::sum:
      case Reduce::mean:
        if constexpr (std::is_integral_v<T>) {
          using Unsigned = std::make_unsigned_t<T>;
          result = static_cast<T>(static_cast<Unsigned>(result) + static_cast<Unsigned>(next));
        } else {
          result = rounded(real(result) + real(next));
        }
        break;
      case Reduce::min:
        if (real(next) < real(result)) result = next;
        break;
      case Reduce::max:
        if (real(next) > real(result)) result = next;
        break;
    }
  }
  if constexpr (is_floating(dtype_of<T>)) {
    if (reduce == Reduce::mean) {
      using Real = decltype(real(result));
      result = rounded(real(result) / static_cast<Real>(by_rank.size()));
    }
  }
  return result;
}

template <Element T>
void expect_same_bits(const std::vector<T>& got, const std::vector<T>& wanted,
                      const std::string& what) {
  ASSERT_EQ(got.size(), wanted.size()) << what;
  for (std::size_t i = 0; i < got.size(); ++i) {
    ASSERT_EQ(std::memcmp(&got[i], &wanted[i], sizeof(T)), 0) << what << " at element " << i;
  }
}

}  // namespace counterpoint
