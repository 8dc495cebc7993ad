// The samplers' numbers have the distributions that they should, over the whole range of
// parameters: chi-square and Kolmogorov-Smirnov tests against the exact distribution functions. Each
// of the 130 or so would fail once in a million seeds, one of them once in 7,000; the seeds are
// fixed.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <vector>

#include "counterpoint/runtime/stateless.h"
#include "runtime/chi_square.h"

namespace counterpoint {
namespace {

constexpr std::int64_t kDraws = 100000;

// From `first` to about `last`, four to a decade.
std::vector<double> four_to_a_decade(double first, double last) {
  std::vector<double> all;
  for (double x = first; x < 1.01 * last; x *= std::pow(10.0, 0.25)) all.push_back(x);
  return all;
}

// The probability that the largest distance of a right sampler's empirical distribution function
// would be more than that of these values. They may have an atom at the smallest of them.
double kolmogorov_p_value(std::vector<double> values, const std::function<double(double)>& cdf) {
  std::ranges::sort(values);
  const auto n = static_cast<double>(values.size());
  const double atom = values.front();
  double distance = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double exact = cdf(values[i]);
    const bool last_of_equals = i + 1 == values.size() || values[i + 1] != values[i];
    if (last_of_equals) distance = std::max(distance, static_cast<double>(i + 1) / n - exact);
    if (values[i] != atom) distance = std::max(distance, exact - static_cast<double>(i) / n);
  }
  double sum = 0;  // of Kolmogorov's series
  double sign = 1;
  for (double k = 1; k <= 100; ++k, sign = -sign) {
    sum += sign * std::exp(-2 * k * k * n * distance * distance);
  }
  return std::min(1.0, 2 * sum);
}

template <class T>
std::vector<double> as_doubles(const Tensor& tensor) {
  const auto span = tensor.values<T>();
  return {span.begin(), span.end()};
}

std::vector<double> edges_around(double mean, double deviation) {
  std::vector<double> edges;
  for (double z = -3; z <= 3; z += 0.25) edges.push_back(std::floor(mean + z * deviation));
  return edges;
}

double gamma_p_value(double drawn_alpha, double tested_alpha) {
  const Tensor x = stateless_gamma<double>({kDraws}, {11, 12}, drawn_alpha);
  std::vector<double> edges;
  if (tested_alpha >= 10) {
    for (double z = -3; z <= 3; z += 0.25) {
      edges.push_back(tested_alpha + z * std::sqrt(tested_alpha));
    }
  } else {  // P(a, x) is about x^a / gamma(a + 1) for small x
    for (double p = 0.02; p < 1; p += 0.04) {
      const double edge = std::exp((std::log(p) + std::lgamma(tested_alpha + 1)) / tested_alpha);
      if (edge > 1e-300 && edge < 700) edges.push_back(edge);
    }
    for (const double edge : {1.0, 2.0, 3.0, 5.0, 8.0}) edges.push_back(edge);
    std::ranges::sort(edges);
  }
  return chi_square_p_value(as_doubles<double>(x), edges,
                            [&](double edge) { return gamma_p(tested_alpha, edge); });
}

TEST(StatelessStatistics, Gamma) {
  std::vector<double> alphas = four_to_a_decade(1e-3, 1e6);
  EXPECT_EQ(alphas.size(), 37u);
  alphas.insert(alphas.end(), {0.999, 1.0, 1.001, 2.5});
  for (const double alpha : alphas) {
    EXPECT_GT(gamma_p_value(alpha, alpha), kFalseAlarm) << "alpha " << alpha;
  }
}

double gamma_distance_p_value(double drawn_alpha, double tested_alpha) {
  const Tensor x = stateless_gamma<double>({kDraws}, {13, 14}, drawn_alpha);
  return kolmogorov_p_value(as_doubles<double>(x),
                            [=](double value) { return gamma_p(tested_alpha, value); });
}

TEST(StatelessStatistics, DistancesOfGamma) {
  for (const double alpha : {1e-3, 0.01, 0.1, 0.3, 0.7, 0.99, 1.0, 1.01, 1.5, 2.5, 10.0, 40.0}) {
    EXPECT_GT(gamma_distance_p_value(alpha, alpha), kFalseAlarm) << "alpha " << alpha;
    EXPECT_LT(gamma_distance_p_value(alpha, alpha * 1.05), kFalseAlarm) << "alpha " << alpha;
  }
}

// The test notices what it is to notice: 5 per cent more alpha, a standard deviation's 5 per cent.
TEST(StatelessStatistics, GammaOfAnotherAlphaIsNoticed) {
  for (const double alpha : {0.01, 0.5, 1.0, 2.5, 100.0}) {
    EXPECT_LT(gamma_p_value(alpha, alpha * 1.05), kFalseAlarm) << "alpha " << alpha;
  }
  EXPECT_LT(gamma_p_value(1e6, 1e6 + 50), kFalseAlarm);
}

TEST(StatelessStatistics, GammaOfRates) {
  const Tensor x = stateless_gamma<double>({kDraws}, {1, 1}, 2.0, 8.0);
  std::vector<double> edges;
  for (int i = 1; i < 20; ++i) edges.push_back(0.04 * i);
  EXPECT_GT(chi_square_p_value(as_doubles<double>(x), edges,
                               [](double edge) { return gamma_p(2, 8 * edge); }),
            kFalseAlarm);
}

double poisson_p_value(double drawn_rate, double tested_rate) {
  const Tensor lam = Tensor::scalar(drawn_rate);
  const Tensor x = stateless_poisson<double>({kDraws}, {21, 22}, lam);
  std::vector<double> edges;
  if (tested_rate < 50) {
    for (double k = 0; k < 100; ++k) edges.push_back(k);
  } else {
    edges = edges_around(tested_rate, std::sqrt(tested_rate));
  }
  return chi_square_p_value(as_doubles<double>(x), edges, [&](double edge) {
    return edge < 0 ? 0.0 : gamma_q(std::floor(edge) + 1, tested_rate);
  });
}

TEST(StatelessStatistics, Poisson) {
  std::vector<double> rates = four_to_a_decade(0.1, 1e9);
  EXPECT_EQ(rates.size(), 41u);
  rates.insert(rates.end(), {0.5, 3.0, 9.999, 10.0, 10.5});
  for (const double rate : rates) {
    EXPECT_GT(poisson_p_value(rate, rate), kFalseAlarm) << "rate " << rate;
  }
  // Of rates so small that there is nothing to bin: the zeros' share.
  for (const double rate : {1e-9, 1e-3, 0.01}) {
    const Tensor x = stateless_poisson<std::int32_t>({kDraws}, {23, 24}, Tensor::scalar(rate));
    const auto others =
        std::ranges::count_if(x.values<std::int32_t>(), [](int k) { return k > 0; });
    const double expected = -std::expm1(-rate) * kDraws;
    EXPECT_NEAR(static_cast<double>(others), expected, 5 * std::sqrt(expected) + 1e-3) << rate;
  }
  const Tensor zeros = stateless_poisson<std::int32_t>({100}, {1, 2}, 0.0);
  for (const std::int32_t x : zeros.values<std::int32_t>()) EXPECT_EQ(x, 0);
}

TEST(StatelessStatistics, PoissonOfAnotherRateIsNoticed) {
  for (const double rate : {0.5, 3.0, 12.0, 1e4, 1e9}) {
    EXPECT_LT(poisson_p_value(rate, rate + 0.07 * std::sqrt(rate)), kFalseAlarm) << rate;
  }
}

double binomial_p_value(double n, double drawn_p, double tested_p) {
  const Tensor x =
      stateless_binomial<double>({kDraws}, {25, 26}, Tensor::scalar(n), Tensor::scalar(drawn_p));
  const double deviation = std::sqrt(n * tested_p * (1 - tested_p));
  const double first = std::max(0.0, std::floor(n * tested_p - 12 * deviation));
  // P(x <= k) for k = first, first + 1, ...; what is left out is below 1e-30.
  std::vector<double> below;
  const double log_choices =
      std::lgamma(n + 1) - std::lgamma(first + 1) - std::lgamma(n - first + 1);
  double term =
      std::exp(log_choices + first * std::log(tested_p) + (n - first) * std::log1p(-tested_p));
  double sum = 0;
  for (double k = first; k <= std::min(n, n * tested_p + 12 * deviation + 30); ++k) {
    below.push_back(sum += term);
    term *= (n - k) / (k + 1) * (tested_p / (1 - tested_p));
  }
  std::vector<double> edges;
  if (deviation < 5) {
    for (std::size_t k = 0; k < below.size(); ++k) edges.push_back(first + static_cast<double>(k));
  } else {
    edges = edges_around(n * tested_p, deviation);
  }
  return chi_square_p_value(as_doubles<double>(x), edges, [&](double edge) {
    if (edge < first) return 0.0;
    return below[std::min(static_cast<std::size_t>(edge - first), below.size() - 1)];
  });
}

TEST(StatelessStatistics, Binomial) {
  const std::pair<double, double> pairs[] = {
      {10, 0.3},   {10, 0.9},  {40, 0.1},   {40, 0.24},  {40, 0.26}, {100, 0.5},   {1000, 0.1},
      {1e4, 1e-4}, {1e4, 0.5}, {1e6, 5e-6}, {1e6, 1e-5}, {1e6, 0.3}, {1e6, 0.999}, {1e9, 1e-7}};
  for (const auto& [n, p] : pairs) {
    EXPECT_GT(binomial_p_value(n, p, p), kFalseAlarm) << n << ' ' << p;
    const double deviation = std::sqrt(p * (1 - p) / n);
    EXPECT_LT(binomial_p_value(n, p, p + 0.05 * deviation), kFalseAlarm) << n << ' ' << p;
  }
}

TEST(StatelessStatistics, Categorical) {
  constexpr int kClasses = 1000;
  constexpr std::int64_t kSamples = 400000;
  Tensor logits(DType::f32, {1, kClasses});
  std::vector<double> expected(kClasses);
  double total = 0;
  for (int j = 0; j < kClasses; ++j) {
    const float logit = std::sin(static_cast<float>(j)) - 3.0f;
    logits.values<float>()[static_cast<std::size_t>(j)] = logit;
    expected[static_cast<std::size_t>(j)] = std::exp(static_cast<double>(logit));
    total += expected[static_cast<std::size_t>(j)];
  }
  for (double& one : expected) one *= static_cast<double>(kSamples) / total;
  const Tensor drawn = stateless_categorical<std::int32_t>(logits, kSamples, {31, 32});
  std::vector<double> observed(kClasses, 0.0);
  for (const std::int32_t j : drawn.values<std::int32_t>()) ++observed[static_cast<std::size_t>(j)];
  EXPECT_GT(chi_square_p_value(observed, expected), kFalseAlarm);
  observed[7] += 600;
  EXPECT_LT(chi_square_p_value(observed, expected), kFalseAlarm);
}

double bounded_p_value(double low, double high, double tested_high) {
  const Tensor x =
      stateless_parameterized_truncated_normal<double>({kDraws}, {41, 42}, 0.0, 1.0, low, high);
  // From the upper tail, which is exact far out.
  const auto above = [](double z) { return normal_cdf(-z); };
  const double below_low = above(low);
  const double width = below_low - above(tested_high);
  std::vector<double> edges;
  const double last = std::isinf(tested_high) ? low + 6 : tested_high;
  for (int i = 1; i < 60; ++i) edges.push_back(low + (last - low) * i / 60);
  return chi_square_p_value(as_doubles<double>(x), edges, [&](double edge) {
    return edge >= tested_high ? 1 : (below_low - above(edge)) / width;
  });
}

// By normals, by uniforms and by exponentials.
TEST(StatelessStatistics, ParameterizedTruncatedNormal) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  EXPECT_GT(bounded_p_value(-2, 2, 2), kFalseAlarm);
  EXPECT_GT(bounded_p_value(-1.5, kInfinity, kInfinity), kFalseAlarm);
  EXPECT_GT(bounded_p_value(-0.5, 0.25, 0.25), kFalseAlarm);
  EXPECT_GT(bounded_p_value(1, 1.5, 1.5), kFalseAlarm);
  EXPECT_GT(bounded_p_value(3, 4, 4), kFalseAlarm);
  EXPECT_GT(bounded_p_value(8, 12, 12), kFalseAlarm);
  EXPECT_LT(bounded_p_value(3, 4, 3.5), kFalseAlarm);
}

// What the headers say of parameters that f64 is too coarse for in TensorFlow's formulas: the variance of 400,000
// draws, whose standard error is 0.0022, as a part of what it should be.
double relative_variance(const Tensor& drawn, double mean, double variance) {
  double sum = 0;
  double squares = 0;
  for (const double x : drawn.values<double>()) {
    sum += x - mean;
    squares += (x - mean) * (x - mean);
  }
  const auto count = static_cast<double>(drawn.size());
  return (squares - sum * sum / count) / count / variance;
}

TEST(StatelessStatistics, HugeRatesAndCountsLosePrecision) {
  const Shape shape = {400'000, 1};
  const auto poisson = [&](double rate) {
    return relative_variance(
        stateless_poisson<double>(shape, {1, 2}, Tensor::from<double>({rate}, {1})), rate, rate);
  };
  const auto binomial = [&](double count) {
    const Tensor counts = Tensor::from<double>({count}, {1});
    return relative_variance(
        stateless_binomial<double>(shape, {1, 2}, counts, Tensor::from<double>({0.5}, {1})),
        count / 2, count / 4);
  };
  constexpr double kFiveErrors = 0.0112;
  EXPECT_NEAR(poisson(1e12), 1, kFiveErrors);
  EXPECT_NEAR(poisson(1e13), 1, kFiveErrors);
  EXPECT_NEAR(poisson(1e15), 1.03, kFiveErrors);
  EXPECT_GT(std::abs(poisson(3e15) - 1), 0.1);
  EXPECT_NEAR(binomial(1e14), 1, kFiveErrors);
  EXPECT_NEAR(binomial(1e16), 1, kFiveErrors);
  EXPECT_NEAR(binomial(1e17), 1.12, kFiveErrors);
}

}  // namespace
}  // namespace counterpoint
