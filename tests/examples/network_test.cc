// The example's network computes the gradient of its loss: compared, in double, with finite
// differences in every parameter.

#include "train_digits/network.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

namespace {

using namespace train_digits;

constexpr std::size_t rows = 5;

template <class T>
struct Problem {
  Problem() : weights(parameter_count), inputs(rows * pixel_count), dropout(rows * hidden_count) {
    std::mt19937 engine(1);
    const auto uniform = [&] { return static_cast<double>(engine()) / 4294967296.0; };
    for (T& weight : weights) weight = static_cast<T>(0.4 * (uniform() - 0.5));
    for (T& input : inputs) input = static_cast<T>(uniform());
    for (T& unit : dropout) unit = uniform() < 0.25 ? T{0} : static_cast<T>(1.25);
    for (std::size_t row = 0; row < rows; ++row)
      labels.push_back(static_cast<std::uint8_t>(engine() % class_count));
  }

  Batch<T> batch() const { return {.inputs = inputs, .dropout = dropout, .labels = labels}; }
  Parameters<const T> parameters() const { return split_parameters(std::span<const T>(weights)); }

  std::vector<T> weights, inputs, dropout;
  std::vector<std::uint8_t> labels;
};

TEST(Network, GradientEqualsFiniteDifferences) {
  Problem<double> problem;
  std::vector<double> gradient(parameter_count);
  const Score score =
      add_gradient(problem.parameters(), problem.batch(), split_parameters(std::span(gradient)));
  ASSERT_GT(score.loss, 0.0);

  constexpr double step = 1e-5;
  int nonzero = 0;
  for (std::size_t i = 0; i < parameter_count; ++i) {
    const double weight = problem.weights[i];
    problem.weights[i] = weight + step;
    const double above = evaluate(problem.parameters(), problem.batch()).loss;
    problem.weights[i] = weight - step;
    const double below = evaluate(problem.parameters(), problem.batch()).loss;
    problem.weights[i] = weight;
    // The difference's own error is of the order of step^2, and of 1e-16 / step.
    ASSERT_NEAR(gradient[i], (above - below) / (2 * step), 1e-8) << "parameter " << i;
    nonzero += gradient[i] != 0.0 ? 1 : 0;
  }
  EXPECT_GT(nonzero, static_cast<int>(parameter_count) / 2);
}

TEST(Network, GradientIsAddedToWhatWasThere) {
  const Problem<double> problem;
  std::vector<double> once(parameter_count);
  std::vector<double> twice(parameter_count);
  add_gradient(problem.parameters(), problem.batch(), split_parameters(std::span(once)));
  add_gradient(problem.parameters(), problem.batch(), split_parameters(std::span(twice)));
  add_gradient(problem.parameters(), problem.batch(), split_parameters(std::span(twice)));
  for (std::size_t i = 0; i < parameter_count; ++i) {
    ASSERT_NEAR(twice[i], 2 * once[i], 1e-12) << "parameter " << i;
  }
}

TEST(Network, FloatFollowsDouble) {
  const Problem<double> exact;
  const Problem<float> rounded;
  std::vector<double> wanted(parameter_count);
  std::vector<float> gradient(parameter_count);
  const Score exact_score =
      add_gradient(exact.parameters(), exact.batch(), split_parameters(std::span(wanted)));
  const Score score =
      add_gradient(rounded.parameters(), rounded.batch(), split_parameters(std::span(gradient)));
  EXPECT_NEAR(score.loss, exact_score.loss, 1e-4);
  EXPECT_EQ(score.hits, exact_score.hits);
  for (std::size_t i = 0; i < parameter_count; ++i) {
    ASSERT_NEAR(gradient[i], wanted[i], 1e-5) << "parameter " << i;
  }
}

TEST(Network, ScoresAlikeWithAndWithoutGradient) {
  const Problem<float> problem;
  std::vector<float> gradient(parameter_count);
  const Score trained =
      add_gradient(problem.parameters(), problem.batch(), split_parameters(std::span(gradient)));
  const Score scored = evaluate(problem.parameters(), problem.batch());
  EXPECT_EQ(trained.loss, scored.loss);
  EXPECT_EQ(trained.hits, scored.hits);
}

}  // namespace
