// Categories by inversion: running sums of exp(logit - largest), searched for a uniform's share.
// Source: docs/streams.md section 14.
#include <algorithm>
#include <cmath>
#include <span>

#include "counterpoint/kernels/internal/math.h"
#include "counterpoint/kernels/internal/philox_samplers.h"
#include "counterpoint/kernels/internal/philox_scalar.h"
#include "counterpoint/kernels/simd/philox_fills.h"
#include "counterpoint/kernels/simd/sampler_chunks.h"

namespace counterpoint::inline v1::kernels {
namespace {

template <class T>
double widened(T x) {
  if constexpr (std::is_arithmetic_v<T>) {
    return static_cast<double>(x);
  } else {
    return x.to_float();
  }
}

// The logits of a row, less the largest. One that is not finite is to weigh nothing.
template <class T>
void load_row(const T* logits, std::uint64_t classes, double* row) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  double most = -kInfinity;
  for (std::uint64_t j = 0; j < classes; ++j) {
    const double x = widened(logits[j]);
    row[j] = std::fabs(x) < kInfinity ? x : -kInfinity;
    most = row[j] > most ? row[j] : most;
  }
  if (most == -kInfinity) return;
  for (std::uint64_t j = 0; j < classes; ++j) row[j] -= most;
}

void to_weights(double* logits, std::uint64_t count, bool in_vectors) {
  if (in_vectors) {
    exponentials(logits, count);
  } else {
    for (std::uint64_t j = 0; j < count; ++j) logits[j] = math::exp(logits[j]);
  }
}

void add_up(double* row, std::uint64_t classes) {
  double sum = 0;
  for (std::uint64_t j = 0; j < classes; ++j) row[j] = sum += row[j];
}

// The uniforms of a draw in order.
class UniformsInOrder {
 public:
  static constexpr int kBuffered = 256;

  UniformsInOrder(const CategoricalFill& fill, bool in_vectors)
      : key_(fill.key),
        counter_(fill.counter),
        next_(fill.first_row * fill.samples),
        left_(fill.row_count * fill.samples),
        in_vectors_(in_vectors) {}

  // At most `most` of them, and at least one while there are any.
  std::span<double> take(std::uint64_t most) {
    if (first_ == end_) refill();
    const std::uint64_t n = std::min(most, end_ - first_);
    first_ += n;
    return std::span(values_).subspan(first_ - n, n);
  }

 private:
  void refill() {
    const std::uint64_t n = std::min(left_, std::uint64_t{kBuffered});
    const Fill fill{.distribution = Distribution::uniform,
                    .dtype = DType::f64,
                    .first_element = next_,
                    .key = key_,
                    .counter = counter_,
                    .output = values_,
                    .count = n};
    in_vectors_ ? static_cast<void>(fill_philox(fill)) : fill_philox_scalar(fill);
    next_ += n;
    left_ -= n;
    first_ = 0;
    end_ = n;
  }

  std::uint64_t key_;
  Counter counter_;
  std::uint64_t next_;
  std::uint64_t left_;
  bool in_vectors_;
  std::uint64_t first_ = 0;
  std::uint64_t end_ = 0;
  double values_[kBuffered];
};

// A row's outputs.
template <class T>
T* search(const double* sums, std::uint64_t classes, std::uint64_t samples,
          UniformsInOrder& uniforms, bool in_vectors, T* out) {
  const double total = sums[classes - 1];
  while (samples != 0) {
    const std::span<double> some = uniforms.take(samples);
    for (double& u : some) u *= total;
    std::uint64_t places[UniformsInOrder::kBuffered];
    if (in_vectors && some.size() > kFewOutputs) {
      upper_bounds(sums, classes, some.data(), some.size(), places);
    } else {
      for (std::size_t i = 0; i < some.size(); ++i) {
        places[i] = upper_bound(sums, classes, some[i]);
      }
    }
    for (std::size_t i = 0; i < some.size(); ++i) out[i] = static_cast<T>(places[i]);
    out += some.size();
    samples -= some.size();
  }
  return out;
}

template <class T, class Logit>
void fill_typed(const CategoricalFill& fill, bool in_vectors) {
  if (fill.samples == 0) return;
  T* out = static_cast<T*>(fill.output);
  const std::uint64_t classes = fill.classes;
  const Logit* logits = static_cast<const Logit*>(fill.logits) + fill.first_row * classes;
  UniformsInOrder uniforms(fill, in_vectors);
  // Short rows are weighed together.
  constexpr std::uint64_t kTogether = 512;
  double several[kTogether];
  double* const rows = classes <= kTogether ? several : fill.sums;
  const std::uint64_t at_once = classes <= kTogether ? kTogether / classes : 1;
  for (std::uint64_t left = fill.row_count; left != 0;) {
    const std::uint64_t n = std::min(left, at_once);
    for (std::uint64_t r = 0; r < n; ++r) {
      load_row(logits + r * classes, classes, rows + r * classes);
    }
    to_weights(rows, n * classes, in_vectors);
    for (std::uint64_t r = 0; r < n; ++r) {
      double* const row = rows + r * classes;
      add_up(row, classes);
      out = search(row, classes, fill.samples, uniforms, in_vectors, out);
    }
    logits += n * classes;
    left -= n;
  }
}

void fill_any(const CategoricalFill& fill, bool in_vectors) {
  visit_dtype(fill.logits_dtype, [&]<class Logit>(Logit) {
    if (fill.dtype == DType::i32) return fill_typed<std::int32_t, Logit>(fill, in_vectors);
    fill_typed<std::int64_t, Logit>(fill, in_vectors);
  });
}

}  // namespace

void fill_philox_categorical(const CategoricalFill& fill) { fill_any(fill, true); }
void fill_philox_categorical_scalar(const CategoricalFill& fill) { fill_any(fill, false); }

}  // namespace counterpoint::inline v1::kernels
