// Sequential readers of a Philox stream, as TensorFlow's samplers read it: a block makes two
// doubles or two normals, of which the second is handed out first.
//
//   PhiloxBlocks blocks(counter, key);
//   ReversedUniforms uniforms(blocks);
//   ReversedNormals normals(blocks);  // two readers take blocks as each runs empty
//   double z = normals.next(), u = uniforms.next();
//
// Internal. Thread-safety: values. Source: docs/streams.md sections 10 and 12.
#pragma once

#include "counterpoint/kernels/internal/uniform.h"
#include "counterpoint/kernels/philox.h"

namespace counterpoint::inline v1::kernels {

// The blocks of a stream, one after the other.
class PhiloxBlocks {
 public:
  PhiloxBlocks(Counter counter, std::uint64_t key) : counter_(counter), key_(key) {}

  PhiloxWords next() {
    const PhiloxWords words = philox_block(counter_, key_);
    counter_ = counter_ + 1;
    return words;
  }

 private:
  Counter counter_;
  std::uint64_t key_;
};

class ReversedUniforms {
 public:
  explicit ReversedUniforms(PhiloxBlocks& blocks) : blocks_(blocks) {}

  double next() {
    if (have_first_) {
      have_first_ = false;
      return first_;
    }
    const PhiloxWords w = blocks_.next();
    first_ = unit_f64(w[0], w[1]);
    have_first_ = true;
    return unit_f64(w[2], w[3]);
  }

 private:
  PhiloxBlocks& blocks_;
  double first_ = 0;
  bool have_first_ = false;
};

class ReversedNormals {
 public:
  explicit ReversedNormals(PhiloxBlocks& blocks) : blocks_(blocks) {}

  double next() {
    if (have_sine_) {
      have_sine_ = false;
      return sine_;
    }
    const NormalPair<double> pair = box_muller_f64(blocks_.next());
    sine_ = pair.sine;
    have_sine_ = true;
    return pair.cosine;
  }

 private:
  PhiloxBlocks& blocks_;
  double sine_ = 0;
  bool have_sine_ = false;
};

}  // namespace counterpoint::inline v1::kernels
