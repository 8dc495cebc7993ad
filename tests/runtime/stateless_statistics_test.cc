// The samplers' numbers have the distributions that they should, over the whole range of
// parameters: chi-square tests against the exact distribution functions. Each would fail once in a
// million seeds; the seeds are fixed.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "counterpoint/runtime/stateless.h"
#include "runtime/chi_square.h"

namespace counterpoint {
namespace {

constexpr std::int64_t kDraws = 40000;

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
  for (const double alpha : {1e-3, 0.01, 0.1, 0.5, 0.999, 1.0, 1.001, 2.5, 10.0, 100.0, 1e4, 1e6}) {
    EXPECT_GT(gamma_p_value(alpha, alpha), kFalseAlarm) << "alpha " << alpha;
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
  for (const double rate :
       {0.5, 1.0, 3.0, 9.999, 10.0, 10.5, 30.0, 100.0, 1e3, 1e4, 1e6, 1e8, 1e9}) {
    EXPECT_GT(poisson_p_value(rate, rate), kFalseAlarm) << "rate " << rate;
  }
  const Tensor zeros = stateless_poisson<std::int32_t>({100}, {1, 2}, 0.0);
  for (const std::int32_t x : zeros.values<std::int32_t>()) EXPECT_EQ(x, 0);
}

TEST(StatelessStatistics, PoissonOfAnotherRateIsNoticed) {
  for (const double rate : {0.5, 3.0, 12.0, 1e4, 1e9}) {
    EXPECT_LT(poisson_p_value(rate, rate + 0.07 * std::sqrt(rate)), kFalseAlarm) << rate;
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

}  // namespace
}  // namespace counterpoint
