// The digits: 8 x 8 images and their labels, read from examples/data/digits.h5.
//
//   const Digits digits = Digits::read("digits.h5");
//   const std::span<const float> image = digits.train.image(17);
//   const int label = digits.train.labels[17];
//
// Every fifth image (index mod 5 = 4) is in the test set, the rest in the training set.
// Thread-safety: values. Errors: std::runtime_error for a file that is absent or not the digits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "train_digits/network.h"

namespace train_digits {

struct Images {
  std::vector<float> pixels;         // [count, 64], from 0 to 1
  std::vector<std::uint8_t> labels;  // [count]

  std::size_t count() const { return labels.size(); }
  std::span<const float> image(std::size_t index) const {
    return std::span(pixels).subspan(index * pixel_count, pixel_count);
  }
  // Images `begin` to `end` - 1, as they are.
  Batch<float> batch(std::size_t begin, std::size_t end) const {
    return {.inputs = std::span(pixels).subspan(begin * pixel_count, (end - begin) * pixel_count),
            .dropout = {},
            .labels = std::span(labels).subspan(begin, end - begin)};
  }
};

struct Digits {
  static Digits read(const std::string& path);

  Images train;
  Images test;
};

}  // namespace train_digits
