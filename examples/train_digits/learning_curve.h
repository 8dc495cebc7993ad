// What each epoch came to: a table for the checkpoint and a picture for people.
//
//   LearningCurve curve;
//   cp::Checkpoint checkpoint(world, {{"curve", curve}});  // a column a dataset
//   curve.append({.epoch = 1, .loss = 0.9, .train_accuracy = 71, .test_accuracy = 88});
//   write_svg(curve, "curve.svg");
//
// Thread-safety: values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "counterpoint/runtime/saveable.h"
#include "counterpoint/runtime/tensor.h"

namespace train_digits {

struct EpochResult {
  std::int64_t epoch = 0;     // from 1
  double loss = 0;            // mean over the epoch's training images, with noise and dropout
  double train_accuracy = 0;  // percent, of the same
  double test_accuracy = 0;   // percent, after the epoch, without noise
  std::int64_t replicas = 0;  // that finished it
};

class LearningCurve {
 public:
  void append(const EpochResult& result);
  std::vector<EpochResult> rows() const;
  counterpoint::NamedObjects members();

 private:
  using Tensor = counterpoint::Tensor;
  using DType = counterpoint::DType;

  Tensor epoch_{DType::i64, {0}};
  Tensor loss_{DType::f64, {0}};
  Tensor train_accuracy_{DType::f64, {0}};
  Tensor test_accuracy_{DType::f64, {0}};
  Tensor replicas_{DType::i64, {0}};
};

// Errors: std::runtime_error if the file cannot be written.
void write_svg(const LearningCurve& curve, const std::string& path);

}  // namespace train_digits
