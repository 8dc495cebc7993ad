// The stateless functions that generators have too: one plan, the seed's blocks, one fill.
#include "counterpoint/runtime/stateless.h"

#include "counterpoint/runtime/internal/stateless_draw.h"

namespace counterpoint::inline v1 {
namespace {

Tensor draw(Operation operation, const Shape& shape, const StatelessSeed& seed,
            const Parameter& first, const Parameter& second, DType dtype,
            const AlgorithmName& algorithm) {
  const StreamDefinition& definition = stream_definition(algorithm);
  DrawPlan plan(definition, operation, dtype, shape, first, second);
  Tensor result(dtype, plan.result_shape());
  plan.run(definition, stateless_reservation(definition, seed), result.bytes().data());
  return result;
}

void fill(Operation operation, const FillTarget& out, const StatelessSeed& seed,
          const Parameter& first, const Parameter& second, ShapeView shape,
          const AlgorithmName& algorithm) {
  const StreamDefinition& definition = stream_definition(algorithm);
  const std::int64_t count = out.count();
  const ShapeView logical = shape.empty() ? ShapeView(&count, 1) : shape;
  DrawPlan plan(definition, operation, out.dtype(), logical, first, second);
  check_array_size(count, plan.result_count());
  plan.run(definition, stateless_reservation(definition, seed), out.data());
}

}  // namespace

Tensor stateless_normal(const Shape& shape, const StatelessSeed& seed, const Parameter& mean,
                        const Parameter& stddev, DType dtype, const AlgorithmName& algorithm) {
  return draw(Operation::normal, shape, seed, mean, stddev, dtype, algorithm);
}

Tensor stateless_truncated_normal(const Shape& shape, const StatelessSeed& seed,
                                  const Parameter& mean, const Parameter& stddev, DType dtype,
                                  const AlgorithmName& algorithm) {
  return draw(Operation::truncated_normal, shape, seed, mean, stddev, dtype, algorithm);
}

Tensor stateless_uniform(const Shape& shape, const StatelessSeed& seed, const Parameter& minval,
                         const Parameter& maxval, DType dtype, const AlgorithmName& algorithm) {
  return draw(Operation::uniform, shape, seed, minval, maxval, dtype, algorithm);
}

Tensor stateless_uniform_full_int(const Shape& shape, const StatelessSeed& seed, DType dtype,
                                  const AlgorithmName& algorithm) {
  return draw(Operation::uniform_full_int, shape, seed, 0, 0, dtype, algorithm);
}

Tensor stateless_binomial(const Shape& shape, const StatelessSeed& seed, const Parameter& counts,
                          const Parameter& probs, DType dtype, const AlgorithmName& algorithm) {
  return draw(Operation::binomial, shape, seed, counts, probs, dtype, algorithm);
}

void fill_stateless_normal(const FillTarget& out, const StatelessSeed& seed, const Parameter& mean,
                           const Parameter& stddev, ShapeView shape,
                           const AlgorithmName& algorithm) {
  fill(Operation::normal, out, seed, mean, stddev, shape, algorithm);
}

void fill_stateless_truncated_normal(const FillTarget& out, const StatelessSeed& seed,
                                     const Parameter& mean, const Parameter& stddev,
                                     ShapeView shape, const AlgorithmName& algorithm) {
  fill(Operation::truncated_normal, out, seed, mean, stddev, shape, algorithm);
}

void fill_stateless_uniform(const FillTarget& out, const StatelessSeed& seed,
                            const Parameter& minval, const Parameter& maxval, ShapeView shape,
                            const AlgorithmName& algorithm) {
  fill(Operation::uniform, out, seed, minval, maxval, shape, algorithm);
}

void fill_stateless_uniform_full_int(const FillTarget& out, const StatelessSeed& seed,
                                     ShapeView shape, const AlgorithmName& algorithm) {
  fill(Operation::uniform_full_int, out, seed, 0, 0, shape, algorithm);
}

void fill_stateless_binomial(const FillTarget& out, const StatelessSeed& seed,
                             const Parameter& counts, const Parameter& probs, ShapeView shape,
                             const AlgorithmName& algorithm) {
  fill(Operation::binomial, out, seed, counts, probs, shape, algorithm);
}

}  // namespace counterpoint::inline v1
