// Every distribution of both algorithms: moments, Kolmogorov-Smirnov, chi-square, bits, and serial
// correlation, each of 2^19 numbers. That every number is TensorFlow's is shown elsewhere; here they
// are shown to be what their names say.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include "counterpoint/runtime/generator.h"
#include "statistics/p_values.h"

namespace counterpoint::statistics {
namespace {

constexpr std::size_t kValues = std::size_t{1} << 19;
constexpr Algorithm kAlgorithms[] = {Algorithm::philox, Algorithm::threefry};

template <class T>
double to_double(T value) {
  if constexpr (std::is_arithmetic_v<T>) {
    return static_cast<double>(value);
  } else {
    return value.to_float();
  }
}

template <class T>
std::vector<double> doubles(const std::vector<T>& values) {
  std::vector<double> result;
  for (const T value : values) result.push_back(to_double(value));
  return result;
}

std::string place(Algorithm algorithm, DType dtype) {
  return std::string(algorithm == Algorithm::philox ? "philox " : "threefry ") +
         std::string(dtype_name(dtype));
}

Generator generator(Algorithm algorithm, DType dtype) {
  return Generator::from_seed({2026, static_cast<std::int64_t>(dtype)}, algorithm);
}

// Calls test(algorithm, T{}) for all of both.
template <class... T, class Test>
void for_each(Test test) {
  for (const Algorithm algorithm : kAlgorithms) {
    (
        [&] {
          SCOPED_TRACE(place(algorithm, dtype_of<T>));
          test(algorithm, T{});
        }(),
        ...);
  }
}

// The moments around `center`: E (x - center)^n for n = 1 to 8.
using Moments = std::array<double, 9>;

void expect_moments(const std::vector<double>& values, double center, const Moments& moments) {
  for (std::size_t order = 1; order <= 4; ++order) {
    std::vector<double> powers;
    for (const double x : values) {
      powers.push_back(std::pow(x - center, static_cast<double>(order)));
    }
    const double mean = moments[order];
    EXPECT_TRUE(plausible(mean_test(powers, mean, moments[2 * order] - mean * mean)))
        << "moment " << order;
  }
}

void expect_no_serial_correlation(const std::vector<double>& values, double mean, double variance) {
  for (const std::size_t lag :
       {1u, 2u, 3u, 4u, 5u, 7u, 8u, 16u, 31u, 32u, 64u, 256u, 1024u, 4096u}) {
    EXPECT_TRUE(plausible(serial_correlation(values, mean, variance, lag))) << "lag " << lag;
  }
}

// Bins of equal probability, for distributions that are continuous in T's eyes.
template <class Cdf>
void expect_equal_bins(const std::vector<double>& values, Cdf cdf) {
  std::vector<std::uint64_t> counts(1024);
  for (const double x : values) {
    ++counts[std::min<std::size_t>(static_cast<std::size_t>(cdf(x) * 1024), 1023)];
  }
  EXPECT_TRUE(plausible(chi_square(counts)));
}

// How a half-width float is made from a wider one.
enum class Narrowing { to_nearest, toward_zero };

// Bins whose edges lie where narrowing leaves one value for the next, so that it moves nothing.
template <class T, class Cdf>
void expect_narrowed_bins(const std::vector<double>& values, Narrowing narrowing, Cdf cdf) {
  std::vector<double> edges;
  for (double x = -2.5; x <= 2.5; x += 0.11) {
    const T nearer = T::from_float(static_cast<float>(x));
    const double farther = to_double(T{static_cast<std::uint16_t>(nearer.bits + 1)});  // from 0
    edges.push_back(narrowing == Narrowing::toward_zero ? farther
                                                        : (to_double(nearer) + farther) / 2);
  }
  std::vector<double> probabilities;
  std::vector<double> upper;
  double last = 0;
  for (const double edge : edges) {
    if (cdf(edge) - last < 1e-4) continue;
    if (1 - cdf(edge) < 1e-4) break;
    probabilities.push_back(cdf(edge) - last);
    upper.push_back(edge);
    last = cdf(edge);
  }
  probabilities.push_back(1 - last);
  std::vector<std::uint64_t> counts(probabilities.size());
  for (const double x : values) {
    // What is narrowed toward zero has left its edge for the value on the edge's inner side.
    const auto bin = x >= 0 || narrowing == Narrowing::to_nearest
                         ? std::ranges::upper_bound(upper, x)
                         : std::ranges::lower_bound(upper, x);
    ++counts[static_cast<std::size_t>(bin - upper.begin())];
  }
  EXPECT_GE(counts.size(), 9u);
  EXPECT_TRUE(plausible(chi_square(counts, probabilities)));
}

template <class T, class Cdf>
void expect_distribution(const std::vector<double>& values, Cdf cdf,
                         Narrowing narrowing = Narrowing::to_nearest) {
  if constexpr (std::is_arithmetic_v<T>) {
    EXPECT_TRUE(plausible(kolmogorov_smirnov(values, cdf)));
    expect_equal_bins(values, cdf);
  } else {
    expect_narrowed_bins<T>(values, narrowing, cdf);
  }
}

TEST(Distributions, FullIntegers) {
  for_each<std::int32_t, std::int64_t, std::uint32_t, std::uint64_t>(
      [](Algorithm algorithm, auto type) {
        using T = decltype(type);
        std::vector<T> values(kValues);
        generator(algorithm, dtype_of<T>).fill_uniform_full_int(values);
        for (unsigned byte = 0; byte < sizeof(T); ++byte) {
          std::vector<std::uint64_t> counts(256);
          for (const T x : values) ++counts[static_cast<std::uint64_t>(x) >> (8 * byte) & 255];
          EXPECT_TRUE(plausible(chi_square(counts))) << "byte " << byte;
        }
        std::vector<std::uint32_t> words;
        std::vector<double> unit;
        for (const T x : values) {
          const auto bits = static_cast<std::make_unsigned_t<T>>(x);
          unit.push_back(std::ldexp(static_cast<double>(bits), -8 * static_cast<int>(sizeof(T))));
          words.push_back(static_cast<std::uint32_t>(bits));
          if (sizeof(T) == 8)
            words.push_back(static_cast<std::uint32_t>(std::uint64_t{bits} >> 32));
        }
        EXPECT_TRUE(plausible(bit_test(words)));
        EXPECT_TRUE(plausible(kolmogorov_smirnov_uniform(unit)));
        expect_no_serial_correlation(unit, 0.5, 1.0 / 12);
      });
}

TEST(Distributions, IntegersOfARange) {
  for_each<std::int32_t, std::int64_t, std::uint32_t, std::uint64_t>(
      [](Algorithm algorithm, auto type) {
        using T = decltype(type);
        std::vector<T> values(kValues);
        generator(algorithm, dtype_of<T>).fill_uniform(values, 5, 1005);
        std::vector<std::uint64_t> counts(1000);
        for (const T x : values) {
          ASSERT_TRUE(x >= 5 && x < 1005);
          ++counts[static_cast<std::size_t>(x - 5)];
        }
        EXPECT_TRUE(plausible(chi_square(counts)));
        expect_no_serial_correlation(doubles(values), 504.5, (1000.0 * 1000 - 1) / 12);
      });
}

// XLA's bf16 is an f32 without its lower half: ThreeFry's numbers lean toward zero by half a step.
template <class T>
Narrowing narrowing_of(Algorithm algorithm) {
  return algorithm == Algorithm::threefry && std::is_same_v<T, BFloat16> ? Narrowing::toward_zero
                                                                         : Narrowing::to_nearest;
}

// Moments of the multiples of 1 / steps below 1, around their mean.
Moments moments_of_steps(std::size_t steps) {
  Moments moments{};
  const auto n = static_cast<double>(steps);
  for (std::size_t k = 0; k < steps; ++k) {
    const double x = (static_cast<double>(k) + 0.5) / n - 0.5;
    for (std::size_t order = 0; order <= 8; ++order) {
      moments[order] += std::pow(x, static_cast<double>(order)) / n;
    }
  }
  return moments;
}

Moments moments_of_uniforms() {
  Moments moments = {1};
  for (std::size_t n = 2; n <= 8; n += 2) {
    moments[n] = std::pow(0.5, static_cast<double>(n)) / static_cast<double>(n + 1);
  }
  return moments;
}

// Half-width uniforms that are counted one by one.
void expect_steps(const std::vector<double>& values, std::size_t steps) {
  std::vector<std::uint64_t> counts(steps);
  for (const double x : values) {
    const double step = x * static_cast<double>(steps);
    ASSERT_EQ(step, std::floor(step));
    ++counts[static_cast<std::size_t>(step)];
  }
  EXPECT_TRUE(plausible(chi_square(counts)));
  expect_moments(values, 0.5 - 0.5 / static_cast<double>(steps), moments_of_steps(steps));
}

TEST(Distributions, Uniform) {
  for_each<Float16, BFloat16, float, double>([](Algorithm algorithm, auto type) {
    using T = decltype(type);
    std::vector<T> drawn(kValues);
    generator(algorithm, dtype_of<T>).fill_uniform(drawn);
    const std::vector<double> values = doubles(drawn);
    for (const double x : values) ASSERT_TRUE(x >= 0 && x < 1);
    const Narrowing narrowing = narrowing_of<T>(algorithm);
    if (std::is_same_v<T, Float16>) {
      expect_steps(values, 1 << 10);
    } else if (std::is_same_v<T, BFloat16> && narrowing == Narrowing::to_nearest) {
      expect_steps(values, 1 << 7);
    } else {
      expect_distribution<T>(
          values, [](double x) { return std::clamp(x, 0.0, 1.0); }, narrowing);
      if (std::is_arithmetic_v<T>) expect_moments(values, 0.5, moments_of_uniforms());
    }
    const double mean = std::accumulate(values.begin(), values.end(), 0.0) / kValues;
    expect_no_serial_correlation(values, mean, 1.0 / 12);
  });
}

// Box-Muller's moments, where the radius is of a uniform with so many values, 0 replaced.
Moments moments_of_radii(std::size_t steps, double smallest) {
  Moments moments{};
  for (std::size_t k = 0; k < steps; ++k) {
    const double u = std::max(static_cast<double>(k) / static_cast<double>(steps), smallest);
    const double radius = std::sqrt(-2 * std::log(u));
    // The mean of cos^n, n even: (n - 1)!! / n!!.
    double cosine = 1;
    for (std::size_t n = 0; n <= 8; n += 2) {
      if (n > 0) cosine *= static_cast<double>(n - 1) / static_cast<double>(n);
      moments[n] += cosine * std::pow(radius, static_cast<double>(n)) / static_cast<double>(steps);
    }
  }
  return moments;
}

TEST(Distributions, Normal) {
  for_each<Float16, BFloat16, float, double>([&](Algorithm algorithm, auto type) {
    using T = decltype(type);
    std::vector<T> drawn(kValues);
    generator(algorithm, dtype_of<T>).fill_normal(drawn);
    const std::vector<double> values = doubles(drawn);
    expect_distribution<T>(values, normal_cdf, narrowing_of<T>(algorithm));
    expect_no_serial_correlation(values, 0, 1);
    // XLA's f16 normals have 1,024 radii, one of them for 0: the fourth moment is 3.3, not 3.
    if (algorithm == Algorithm::threefry && std::is_same_v<T, Float16>) {
      expect_moments(values, 0, moments_of_radii(1 << 10, to_double(Float16::from_float(1e-7f))));
      return;
    }
    if (narrowing_of<T>(algorithm) == Narrowing::to_nearest) {
      expect_moments(values, 0, {1, 0, 1, 0, 3, 0, 15, 0, 105});
    }
    // The two of a Box-Muller pair are uncorrelated, and so are their squares.
    std::vector<double> squares;
    for (const double x : values) squares.push_back(x * x);
    EXPECT_TRUE(plausible(serial_correlation(squares, 1, 2, 1)));
  });
}

TEST(Distributions, TruncatedNormal) {
  const double mass = normal_cdf(2) - normal_cdf(-2);
  const double density = std::exp(-2.0) / std::sqrt(2 * std::acos(-1.0)) / mass;
  // E x^n = (n - 1) E x^(n - 2) - 2 * 2^(n - 1) * density, by parts.
  Moments moments = {1};
  for (std::size_t n = 2; n <= 8; n += 2) {
    moments[n] = static_cast<double>(n - 1) * moments[n - 2] -
                 std::pow(2.0, static_cast<double>(n)) * density;
  }
  const auto cdf = [mass](double x) { return (normal_cdf(x) - normal_cdf(-2)) / mass; };
  const auto test = [&](Algorithm algorithm, auto type) {
    using T = decltype(type);
    std::vector<T> drawn(kValues);
    generator(algorithm, dtype_of<T>).fill_truncated_normal(drawn);
    const std::vector<double> values = doubles(drawn);
    for (const double x : values) ASSERT_LE(std::abs(x), 2);
    expect_moments(values, 0, moments);
    expect_distribution<T>(values, cdf);
    expect_no_serial_correlation(values, 0, moments[2]);
  };
  for (const Algorithm algorithm : kAlgorithms) {
    SCOPED_TRACE(place(algorithm, DType::f32));
    test(algorithm, float{});
  }
  // ThreeFry has f32 only.
  test(Algorithm::philox, double{});
  test(Algorithm::philox, Float16{});
  test(Algorithm::philox, BFloat16{});
}

}  // namespace
}  // namespace counterpoint::statistics
