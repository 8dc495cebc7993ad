// Checks and calls of the stateless bounded normal.
#include <fmt/format.h>

#include <cmath>
#include <cstring>

#include "counterpoint/runtime/error.h"
#include "counterpoint/runtime/internal/stateless_draw.h"
#include "counterpoint/runtime/stateless_samplers.h"

namespace counterpoint::inline v1 {
namespace {

class BoundedNormal {
 public:
  BoundedNormal(ShapeView shape, const Parameter& mean, const Parameter& stddev,
                const Parameter& minval, const Parameter& maxval, DType dtype,
                const StreamDefinition& definition)
      : definition_(definition),
        dtype_(check(dtype, definition)),
        parameters_(kName, shape, {&mean, &stddev, &minval, &maxval}, dtype) {
    for (std::uint64_t b = 0; b < parameters_.batch() && parameters_.count() != 0; ++b) {
      check_parameters(b);
    }
  }

  // Errors: invalid_argument after too many rejections; `output` then holds a part.
  void run(const StatelessSeed& seed, void* output) const {
    const Reservation reserved = stateless_reservation(definition_, seed);
    std::uint64_t failed = 0;
    const bool done = definition_.samplers.bounded_normal({.dtype = dtype_,
                                                           .mean = parameters_.data(0),
                                                           .stddev = parameters_.data(1),
                                                           .minval = parameters_.data(2),
                                                           .maxval = parameters_.data(3),
                                                           .batch = parameters_.batch(),
                                                           .samples = parameters_.samples(),
                                                           .key = reserved.key,
                                                           .counter = reserved.counter,
                                                           .output = output},
                                                          &failed);
    if (!done) {
      throw Error(ErrorCode::invalid_argument,
                  fmt::format("{} candidates in a row were rejected for {}; widen the bounds",
                              kernels::kMostRejections + 1, text_of(failed)));
    }
  }

 private:
  static constexpr std::string_view kName = "parameterized_truncated_normal";

  static DType check(DType dtype, const StreamDefinition& definition) {
    check_defined(definition, kName, definition.samplers.bounded_normal != nullptr);
    check_dtype(kName, dtype, is_binary_float(dtype), "f16, f32 or f64");
    return dtype;
  }
  std::string text_of(std::uint64_t b) const {
    return fmt::format("mean {}, stddev {}, minval {}, maxval {}", parameters_.at(0, b),
                       parameters_.at(1, b), parameters_.at(2, b), parameters_.at(3, b));
  }
  void check_parameters(std::uint64_t b) const {
    const double stddev = parameters_.at(1, b);
    const double minval = parameters_.at(2, b);
    const double maxval = parameters_.at(3, b);
    const bool valid = std::isfinite(parameters_.at(0, b)) && std::isfinite(stddev) && stddev > 0 &&
                       minval < maxval && (std::isfinite(minval) || std::isfinite(maxval));
    if (!valid) {
      throw Error(ErrorCode::invalid_argument,
                  fmt::format("{} in {} needs finite mean and stddev, stddev > 0, minval < maxval "
                              "and one finite bound, not {}",
                              kName, dtype_name(dtype_), text_of(b)));
    }
  }

  const StreamDefinition& definition_;
  DType dtype_;
  BatchedParameters parameters_;
};

}  // namespace

Tensor stateless_parameterized_truncated_normal(const Shape& shape, const StatelessSeed& seed,
                                                const Parameter& mean, const Parameter& stddev,
                                                const Parameter& minval, const Parameter& maxval,
                                                DType dtype, const AlgorithmName& algorithm) {
  const BoundedNormal draw(shape, mean, stddev, minval, maxval, dtype,
                           stream_definition(algorithm));
  Tensor result(dtype, shape);
  draw.run(seed, result.bytes().data());
  return result;
}

void fill_stateless_parameterized_truncated_normal(const FillTarget& out, const StatelessSeed& seed,
                                                   const Parameter& mean, const Parameter& stddev,
                                                   const Parameter& minval, const Parameter& maxval,
                                                   ShapeView shape,
                                                   const AlgorithmName& algorithm) {
  const LogicalShape logical(out, shape);
  const ShapeView lengths = logical;
  // By way of a tensor, since it may fail half-way.
  const Tensor drawn =
      stateless_parameterized_truncated_normal(Shape(lengths.begin(), lengths.end()), seed, mean,
                                               stddev, minval, maxval, out.dtype(), algorithm);
  if (drawn.size() != 0) std::memcpy(out.data(), drawn.bytes().data(), drawn.bytes().size());
}

}  // namespace counterpoint::inline v1
