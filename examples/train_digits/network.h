// A network of 64 pixels, 64 hidden units (ReLU) and 10 classes (softmax), and its gradient.
//
//   std::vector<float> gradient(parameter_count);
//   const Score score = add_gradient<float>(weights, batch, split_parameters(std::span(gradient)));
//   std::cout << score.loss / rows << ' ' << score.hits;
//
// Plain loops in one order, so that a step can be repeated to the bit. In double, the gradient can
// be compared with finite differences. Thread-safety: pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace train_digits {

inline constexpr std::size_t pixel_count = 64;
inline constexpr std::size_t hidden_count = 64;
inline constexpr std::size_t class_count = 10;
inline constexpr std::size_t parameter_count =
    pixel_count * hidden_count + hidden_count + hidden_count * class_count + class_count;

// The network's arrays, row-major; weights or their gradient.
template <class T>
struct Parameters {
  std::span<T> hidden_weights;  // [64, 64]: pixel, hidden unit
  std::span<T> hidden_bias;     // [64]
  std::span<T> output_weights;  // [64, 10]: hidden unit, class
  std::span<T> output_bias;     // [10]
};

// `flat` holds the arrays one after the other: parameter_count elements.
template <class T>
Parameters<T> split_parameters(std::span<T> flat) {
  constexpr std::size_t first = pixel_count * hidden_count;
  constexpr std::size_t second = hidden_count * class_count;
  return {.hidden_weights = flat.subspan(0, first),
          .hidden_bias = flat.subspan(first, hidden_count),
          .output_weights = flat.subspan(first + hidden_count, second),
          .output_bias = flat.subspan(first + hidden_count + second, class_count)};
}

// The images that one replica trains on in one step.
template <class T>
struct Batch {
  std::span<const T> inputs;   // [rows, 64]
  std::span<const T> dropout;  // [rows, 64], what hidden units are multiplied by; or empty
  std::span<const std::uint8_t> labels;  // [rows]
};

struct Score {
  double loss = 0;  // cross-entropy, summed over the rows
  std::int64_t hits = 0;
};

// Adds the loss's gradient, summed over the rows, to `gradient`.
template <class T>
Score add_gradient(const Parameters<const T>& weights, const Batch<T>& batch,
                   const Parameters<T>& gradient);

// The score alone.
template <class T>
Score evaluate(const Parameters<const T>& weights, const Batch<T>& batch);

}  // namespace train_digits
