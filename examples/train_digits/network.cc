#include "train_digits/network.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace train_digits {
namespace {

template <class T>
struct Activations {
  std::array<T, hidden_count> hidden;  // after ReLU and dropout
  std::array<T, class_count> probabilities;
};

template <class T>
std::span<const T> row_of(std::span<const T> values, std::size_t row, std::size_t length) {
  return values.subspan(row * length, length);
}

template <class T>
Activations<T> forward(const Parameters<const T>& weights, const Batch<T>& batch, std::size_t row) {
  const std::span<const T> input = row_of(batch.inputs, row, pixel_count);
  Activations<T> result;

  std::copy(weights.hidden_bias.begin(), weights.hidden_bias.end(), result.hidden.begin());
  for (std::size_t i = 0; i < pixel_count; ++i) {
    const T* const to_hidden = &weights.hidden_weights[i * hidden_count];
    for (std::size_t j = 0; j < hidden_count; ++j) result.hidden[j] += input[i] * to_hidden[j];
  }
  for (T& unit : result.hidden) unit = std::max(unit, T{0});
  if (!batch.dropout.empty()) {
    const std::span<const T> dropout = row_of(batch.dropout, row, hidden_count);
    for (std::size_t j = 0; j < hidden_count; ++j) result.hidden[j] *= dropout[j];
  }

  std::array<T, class_count>& classes = result.probabilities;
  std::copy(weights.output_bias.begin(), weights.output_bias.end(), classes.begin());
  for (std::size_t j = 0; j < hidden_count; ++j) {
    const T* const to_classes = &weights.output_weights[j * class_count];
    for (std::size_t k = 0; k < class_count; ++k) classes[k] += result.hidden[j] * to_classes[k];
  }
  const T largest = *std::max_element(classes.begin(), classes.end());  // keeps exp() in range
  T sum = 0;
  for (T& value : classes) {
    value = std::exp(value - largest);
    sum += value;
  }
  for (T& value : classes) value /= sum;
  return result;
}

template <class T>
void add_score(const Activations<T>& activations, std::uint8_t label, Score& score) {
  const auto& probabilities = activations.probabilities;
  const auto guess = std::max_element(probabilities.begin(), probabilities.end());
  // A probability that underflowed counts as the smallest number, not as an infinite loss.
  score.loss -= std::log(std::max(static_cast<double>(probabilities[label]), 1e-30));
  score.hits += guess - probabilities.begin() == label ? 1 : 0;
}

template <class T>
void backward(const Parameters<const T>& weights, const Batch<T>& batch, std::size_t row,
              const Activations<T>& activations, const Parameters<T>& gradient) {
  std::array<T, class_count> to_classes = activations.probabilities;
  to_classes[batch.labels[row]] -= T{1};

  std::array<T, hidden_count> to_hidden{};
  for (std::size_t j = 0; j < hidden_count; ++j) {
    if (activations.hidden[j] == T{0}) continue;  // cut off by ReLU or dropped
    T* const slope = &gradient.output_weights[j * class_count];
    const T* const weight = &weights.output_weights[j * class_count];
    for (std::size_t k = 0; k < class_count; ++k) {
      slope[k] += activations.hidden[j] * to_classes[k];
      to_hidden[j] += weight[k] * to_classes[k];
    }
    if (!batch.dropout.empty()) to_hidden[j] *= batch.dropout[row * hidden_count + j];
  }
  for (std::size_t k = 0; k < class_count; ++k) gradient.output_bias[k] += to_classes[k];

  const std::span<const T> input = row_of(batch.inputs, row, pixel_count);
  for (std::size_t i = 0; i < pixel_count; ++i) {
    T* const slope = &gradient.hidden_weights[i * hidden_count];
    for (std::size_t j = 0; j < hidden_count; ++j) slope[j] += input[i] * to_hidden[j];
  }
  for (std::size_t j = 0; j < hidden_count; ++j) gradient.hidden_bias[j] += to_hidden[j];
}

}  // namespace

template <class T>
Score add_gradient(const Parameters<const T>& weights, const Batch<T>& batch,
                   const Parameters<T>& gradient) {
  Score score;
  for (std::size_t row = 0; row < batch.labels.size(); ++row) {
    const Activations<T> activations = forward(weights, batch, row);
    add_score(activations, batch.labels[row], score);
    backward(weights, batch, row, activations, gradient);
  }
  return score;
}

template <class T>
Score evaluate(const Parameters<const T>& weights, const Batch<T>& batch) {
  Score score;
  for (std::size_t row = 0; row < batch.labels.size(); ++row) {
    add_score(forward(weights, batch, row), batch.labels[row], score);
  }
  return score;
}

template Score add_gradient(const Parameters<const float>&, const Batch<float>&,
                            const Parameters<float>&);
template Score add_gradient(const Parameters<const double>&, const Batch<double>&,
                            const Parameters<double>&);
template Score evaluate(const Parameters<const float>&, const Batch<float>&);
template Score evaluate(const Parameters<const double>&, const Batch<double>&);

}  // namespace train_digits
