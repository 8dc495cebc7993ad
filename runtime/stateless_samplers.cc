// Checks and calls of the stateless gamma and Poisson.
#include "counterpoint/runtime/stateless_samplers.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "counterpoint/runtime/error.h"
#include "counterpoint/runtime/internal/stateless_draw.h"

namespace counterpoint::inline v1 {
namespace {

kernels::BatchedDraw batched_draw(const BatchedParameters& parameters, const Reservation& reserved,
                                  void* output) {
  return {.batch = parameters.batch(),
          .samples = parameters.samples(),
          .key = reserved.key,
          .counter = reserved.counter,
          .output = output,
          .first_element = 0,
          .count = parameters.count()};
}

// A draw that was checked; run() writes it.
class Gamma {
 public:
  Gamma(ShapeView shape, const Parameter& alpha, const Parameter& beta, DType dtype,
        const StreamDefinition& definition)
      : definition_(definition),
        dtype_(check(dtype, definition)),
        parameters_("gamma", shape, {&alpha, &beta}, dtype) {
    if (parameters_.count() == 0) return;
    check_positive("alpha", alpha, 0);
    check_positive("beta", beta, 1);
  }

  void run(const StatelessSeed& seed, void* output) const {
    definition_.samplers.gamma(
        {.draw = batched_draw(parameters_, stateless_reservation(definition_, seed), output),
         .dtype = dtype_,
         .alpha = parameters_.data(0),
         .beta = parameters_.data(1)});
  }

 private:
  static DType check(DType dtype, const StreamDefinition& definition) {
    check_defined(definition, "gamma", definition.samplers.gamma != nullptr);
    check_dtype("gamma", dtype, is_binary_float(dtype), "f16, f32 or f64");
    return dtype;
  }
  void check_positive(std::string_view name, const Parameter& parameter, std::size_t index) const {
    check_narrowing(name, parameter, dtype_, "draw gammas in f64");
    for (std::uint64_t b = 0; b < parameters_.batch(); ++b) {
      const double value = parameters_.at(index, b);
      if (value > 0 && std::isfinite(value)) continue;
      throw Error(ErrorCode::invalid_argument,
                  fmt::format("{} of a gamma in {} is finite and above 0, not {}", name,
                              dtype_name(dtype_), value));
    }
  }

  const StreamDefinition& definition_;
  DType dtype_;
  BatchedParameters parameters_;
};

double largest_value(DType dtype) {
  switch (dtype) {
    case DType::f16:
      return 65504;
    case DType::i32:
      return std::numeric_limits<std::int32_t>::max();
    case DType::i64:
      return 0x1p63 - 1024;  // the largest double below 2^63
    case DType::f32:
      return std::numeric_limits<float>::max();
    default:
      return std::numeric_limits<double>::max();
  }
}

class Poisson {
 public:
  Poisson(ShapeView shape, const Parameter& lam, DType dtype, const StreamDefinition& definition)
      : definition_(definition),
        dtype_(check(dtype, definition)),
        largest_(largest_value(dtype)),
        scalar_(rate_of_number(lam)),
        rates_("poisson", shape, {lam.tensor() == nullptr ? &scalar_ : &lam}, DType::f64) {
    if (rates_.count() == 0) return;
    if (!lam.is_integer()) {
      check_narrowing("the rate of a Poisson", lam, DType::f32, "pass a tensor of f64");
    }
    for (const double rate : rates_.values<double>(0)) check_rate(rate, lam);
  }

  void run(const StatelessSeed& seed, void* output) const {
    definition_.samplers.poisson(
        {.draw = batched_draw(rates_, stateless_reservation(definition_, seed), output),
         .dtype = dtype_,
         .rates = rates_.values<double>(0).data()});
  }

 private:
  static DType check(DType dtype, const StreamDefinition& definition) {
    check_defined(definition, "poisson", definition.samplers.poisson != nullptr);
    check_dtype("poisson", dtype,
                is_binary_float(dtype) || dtype == DType::i32 || dtype == DType::i64,
                "f16, f32, f64, i32 or i64");
    return dtype;
  }
  // A float of Python is an f32; an integer is exact.
  static Parameter rate_of_number(const Parameter& lam) {
    if (lam.tensor() != nullptr) return 0.0;
    return lam.as_floating(lam.is_integer() ? DType::f64 : DType::f32);
  }
  void check_rate(double rate, const Parameter& lam) const {
    if (rate <= largest_ || rate == std::numeric_limits<double>::infinity()) return;
    const bool rounded = lam.tensor() == nullptr && lam.as_floating(DType::f64) != rate;
    throw Error(ErrorCode::invalid_argument,
                fmt::format("the rate of a Poisson in {} is at most {}, or infinite, not {}{}",
                            dtype_name(dtype_), largest_, rate,
                            rounded ? fmt::format(", which {} is in f32; pass a tensor of f64",
                                                  lam.as_floating(DType::f64))
                                    : ""));
  }

  const StreamDefinition& definition_;
  DType dtype_;
  double largest_;
  Parameter scalar_;
  BatchedParameters rates_;
};

}  // namespace

Tensor stateless_gamma(const Shape& shape, const StatelessSeed& seed, const Parameter& alpha,
                       const Parameter& beta, DType dtype, const AlgorithmName& algorithm) {
  const Gamma draw(shape, alpha, beta, dtype, stream_definition(algorithm));
  Tensor result(dtype, shape);
  draw.run(seed, result.bytes().data());
  return result;
}

Tensor stateless_poisson(const Shape& shape, const StatelessSeed& seed, const Parameter& lam,
                         DType dtype, const AlgorithmName& algorithm) {
  const Poisson draw(shape, lam, dtype, stream_definition(algorithm));
  Tensor result(dtype, shape);
  draw.run(seed, result.bytes().data());
  return result;
}

void fill_stateless_gamma(const FillTarget& out, const StatelessSeed& seed, const Parameter& alpha,
                          const Parameter& beta, ShapeView shape, const AlgorithmName& algorithm) {
  const LogicalShape logical(out, shape);
  Gamma(logical, alpha, beta, out.dtype(), stream_definition(algorithm)).run(seed, out.data());
}

void fill_stateless_poisson(const FillTarget& out, const StatelessSeed& seed, const Parameter& lam,
                            ShapeView shape, const AlgorithmName& algorithm) {
  const LogicalShape logical(out, shape);
  Poisson(logical, lam, out.dtype(), stream_definition(algorithm)).run(seed, out.data());
}

}  // namespace counterpoint::inline v1
