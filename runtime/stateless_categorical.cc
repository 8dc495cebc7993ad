// Checks and calls of the stateless categorical.
#include <fmt/format.h>

#include <array>
#include <limits>

#include "counterpoint/runtime/error.h"
#include "counterpoint/runtime/internal/stateless_draw.h"
#include "counterpoint/runtime/stateless_samplers.h"

namespace counterpoint::inline v1 {
namespace {

class Categorical {
 public:
  Categorical(const Tensor& logits, std::int64_t num_samples, DType dtype,
              const StreamDefinition& definition)
      : definition_(definition), dtype_(dtype), logits_(logits), samples_(num_samples) {
    check_defined(definition, "categorical", definition.samplers.categorical != nullptr);
    check_dtype("categorical", dtype, dtype == DType::i32 || dtype == DType::i64, "i32 or i64");
    if (logits.shape().size() != 2 || logits.shape()[1] == 0) {
      throw Error(ErrorCode::invalid_argument,
                  fmt::format("logits are [rows, classes] with one class or more, not of shape {}",
                              shape_to_string(logits.shape())));
    }
    if (num_samples < 0) {
      throw Error(ErrorCode::invalid_argument,
                  fmt::format("num_samples is 0 or more, not {}", num_samples));
    }
    if (dtype == DType::i32 && logits.shape()[1] > std::numeric_limits<std::int32_t>::max()) {
      throw Error(ErrorCode::invalid_argument, "more classes than an i32 counts; draw i64");
    }
    count_ = element_count(std::array{logits.shape()[0], num_samples});
    bytes_ = logits.bytes();
    if (count_ != 0 && static_cast<std::size_t>(logits.shape()[1]) > few_sums_.size()) {
      many_sums_ = Tensor(DType::f64, {logits.shape()[1]});
    }
  }

  Shape shape() const { return {logits_.shape()[0], samples_}; }
  std::int64_t count() const { return count_; }

  void run(const StatelessSeed& seed, void* output) {
    if (count_ == 0) return;
    const Reservation reserved = stateless_reservation(definition_, seed);
    definition_.samplers.categorical(
        {.dtype = dtype_,
         .logits_dtype = logits_.dtype(),
         .logits = bytes_.data(),
         .classes = static_cast<std::uint64_t>(logits_.shape()[1]),
         .samples = static_cast<std::uint64_t>(samples_),
         .key = reserved.key,
         .counter = reserved.counter,
         .output = output,
         .first_row = 0,
         .row_count = static_cast<std::uint64_t>(logits_.shape()[0]),
         .sums = many_sums_.size() == 0 ? few_sums_.data() : many_sums_.values<double>().data()});
  }

 private:
  const StreamDefinition& definition_;
  DType dtype_;
  const Tensor& logits_;
  std::int64_t samples_;
  std::int64_t count_ = 0;
  std::span<const std::byte> bytes_;
  std::array<double, 256> few_sums_;  // of the classes, where they suffice
  Tensor many_sums_;
};

}  // namespace

Tensor stateless_categorical(const Tensor& logits, std::int64_t num_samples,
                             const StatelessSeed& seed, DType dtype,
                             const AlgorithmName& algorithm) {
  Categorical draw(logits, num_samples, dtype, stream_definition(algorithm));
  Tensor result(dtype, draw.shape());
  draw.run(seed, result.bytes().data());
  return result;
}

void fill_stateless_categorical(const FillTarget& out, const Tensor& logits,
                                std::int64_t num_samples, const StatelessSeed& seed,
                                const AlgorithmName& algorithm) {
  Categorical draw(logits, num_samples, out.dtype(), stream_definition(algorithm));
  check_array_size(out.count(), draw.count());
  draw.run(seed, out.data());
}

}  // namespace counterpoint::inline v1
