// Binomials against the recorded examples of docs/streams.md section 11, and against exact moments.
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "counterpoint/runtime/generator.h"

namespace counterpoint {
namespace {

std::vector<int> drawn(const Tensor& tensor) {
  const auto span = tensor.values<std::int32_t>();
  return {span.begin(), span.end()};
}

TEST(Binomial, RecordedExamples) {
  const auto from_zero = [] { return Generator::from_seed(0); };
  EXPECT_EQ(drawn(from_zero().binomial<int>({3}, 10, 0.3)), (std::vector<int>{3, 5, 4}));
  EXPECT_EQ(drawn(from_zero().binomial<int>({2}, 100, 0.6)), (std::vector<int>{60, 64}));
  const Tensor counts = Tensor::from<float>({5, 50, 500}, {3});
  const Tensor probs = Tensor::from<float>({0.2f, 0.5f, 0.8f}, {3});
  EXPECT_EQ(drawn(from_zero().binomial<int>({2, 3}, counts, probs)),
            (std::vector<int>{1, 23, 401, 3, 24, 411}));
}

TEST(Binomial, EdgesOfProbabilityAndCount) {
  auto g = Generator::from_seed(2);
  EXPECT_EQ(drawn(g.binomial<int>({2}, 10, 0.0)), (std::vector<int>{0, 0}));
  EXPECT_EQ(drawn(g.binomial<int>({2}, 10, 1.0)), (std::vector<int>{10, 10}));
  EXPECT_EQ(drawn(g.binomial<int>({2}, 0, 0.5)), (std::vector<int>{0, 0}));
  EXPECT_EQ(drawn(g.binomial<int>({2}, -4, 0.5)), (std::vector<int>{0, 0}));
}

// The mean of n draws lies within 6 standard errors of n p: a false alarm in 5e8 runs of another
// seed.
TEST(Binomial, MeansAreRight) {
  auto g = Generator::from_seed({1, 2, 3});
  constexpr int kDraws = 20000;
  for (const double count : {4.0, 60.0, 5000.0}) {
    for (const double p : {0.1, 0.5, 0.9}) {
      const Tensor x = g.binomial<double>({kDraws}, count, p);
      double sum = 0;
      for (const double value : x.values<double>()) sum += value;
      const double standard_error = std::sqrt(count * p * (1 - p) / kDraws);
      EXPECT_NEAR(sum / kDraws, count * p, 6 * standard_error + 1e-6 * count);
    }
  }
}

}  // namespace
}  // namespace counterpoint
