#include "statistics/p_values.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "runtime/chi_square.h"

namespace counterpoint::statistics {

testing::AssertionResult plausible(double p) {
  if (p > kFalseAlarm / 2 && p < 1 - kFalseAlarm / 2) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "p = " << p;
}

double normal_cdf(double z) { return 0.5 * std::erfc(-z / std::sqrt(2.0)); }
double normal_tails(double z) { return std::erfc(std::abs(z) / std::sqrt(2.0)); }
double chi_square_tail(double x, double degrees) { return gamma_q(degrees / 2, x / 2); }

double largest_of(double z, double count) {
  // 1 - (1 - p)^count, if they are independent; never more than count * p.
  return -std::expm1(count * std::log1p(-normal_tails(z)));
}

double mean_test(std::span<const double> values, double mean, double variance) {
  double sum = 0;
  for (const double x : values) sum += x - mean;
  return normal_tails(sum / std::sqrt(variance * static_cast<double>(values.size())));
}

double chi_square(std::span<const std::uint64_t> counts, std::span<const double> probabilities) {
  EXPECT_EQ(counts.size(), probabilities.size());
  EXPECT_GE(counts.size(), 2u) << "nothing to test";
  const auto total =
      static_cast<double>(std::accumulate(counts.begin(), counts.end(), std::uint64_t{0}));
  double sum = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const double expected = total * probabilities[i];
    EXPECT_GE(expected, 10) << "bin " << i << " is too small";
    const double difference = static_cast<double>(counts[i]) - expected;
    sum += difference * difference / expected;
  }
  return chi_square_tail(sum, static_cast<double>(counts.size() - 1));
}

double chi_square(std::span<const std::uint64_t> counts) {
  const std::vector<double> equal(counts.size(), 1 / static_cast<double>(counts.size()));
  return chi_square(counts, equal);
}

double kolmogorov_smirnov(std::vector<double> values, const std::function<double(double)>& cdf) {
  EXPECT_GE(values.size(), 500u) << "too few for the limit";
  for (double& x : values) x = cdf(x);
  std::ranges::sort(values);
  const auto n = static_cast<double>(values.size());
  double distance = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto below = static_cast<double>(i);
    distance = std::max({distance, values[i] - below / n, (below + 1) / n - values[i]});
  }
  const double x = (std::sqrt(n) + 0.12 + 0.11 / std::sqrt(n)) * distance;
  if (x < 0.3) return 1;  // closer than one in 10^5
  double p = 0;
  for (int k = 100; k >= 1; --k) p += (k % 2 == 0 ? -2 : 2) * std::exp(-2.0 * k * k * x * x);
  return std::min(p, 1.0);
}

double kolmogorov_smirnov_normal(std::vector<double> values) {
  return kolmogorov_smirnov(std::move(values), normal_cdf);
}
double kolmogorov_smirnov_uniform(std::vector<double> values) {
  return kolmogorov_smirnov(std::move(values), [](double x) { return x; });
}

double serial_correlation(std::span<const double> values, double mean, double variance,
                          std::size_t lag) {
  double sum = 0;
  for (std::size_t i = lag; i < values.size(); ++i) {
    sum += (values[i - lag] - mean) * (values[i] - mean);
  }
  return normal_tails(sum / (variance * std::sqrt(static_cast<double>(values.size() - lag))));
}

double bit_test(std::span<const std::uint32_t> words) {
  std::array<std::uint64_t, 32> set{};
  std::array<std::array<std::uint64_t, 32>, 32> differ{};
  for (const std::uint32_t word : words) {
    for (std::size_t a = 0; a < 32; ++a) {
      set[a] += word >> a & 1;
      // Bit b of x: whether bits a and b differ.
      const std::uint32_t x = (word >> a & 1) != 0 ? ~word : word;
      for (std::size_t b = 0; b < a; ++b) differ[a][b] += x >> b & 1;
    }
  }
  // 32 single bits and 496 pairs: independent of each other for right words.
  const auto n = static_cast<double>(words.size());
  double sum = 0;
  const auto add = [&](std::uint64_t count) {
    const double z = (static_cast<double>(count) - n / 2) / std::sqrt(n / 4);
    sum += z * z;
  };
  for (std::size_t a = 0; a < 32; ++a) {
    add(set[a]);
    for (std::size_t b = 0; b < a; ++b) add(differ[a][b]);
  }
  return chi_square_tail(sum, 32 + 496);
}

}  // namespace counterpoint::statistics
