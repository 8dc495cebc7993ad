// A draw that was checked and has all memory it needs, so that taking its blocks and writing its
// numbers cannot fail. What generators and stateless functions have in common.
//
//   const DrawPlan plan(definition, Operation::normal, DType::f32, shape, mean, stddev);
//   const Reservation reserved = store.reserve(context, plan.record(location), plan.blocks(), use);
//   plan.run(definition, reserved, output);  // plan.result_count() elements of plan.dtype()
//
// With scalar parameters nothing is allocated. Thread-safety: values.
// Source: docs/streams.md sections 4, 10 and 11.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <source_location>
#include <string_view>
#include <vector>

#include "counterpoint/kernels/stream_definition.h"
#include "counterpoint/runtime/call_record.h"
#include "counterpoint/runtime/parameter.h"
#include "counterpoint/runtime/sharded_draws.h"
#include "counterpoint/runtime/state_store.h"
#include "counterpoint/runtime/tensor.h"

namespace counterpoint::inline v1 {

// Blocks that a draw of one element reserves in TensorFlow, whatever it needs.
inline constexpr std::uint64_t kBlocksPerElement = 256;

class DrawPlan {
 public:
  // Errors: invalid_argument, resource_exhausted. `shape` must outlive the plan.
  DrawPlan(const StreamDefinition& definition, Operation operation, DType dtype, ShapeView shape,
           const Parameter& first, const Parameter& second);
  // `rows` of the draw of shape `shape`: the whole is reserved, the rows are written. Errors: also
  // invalid_argument for parameters that differ from row to row.
  DrawPlan(const StreamDefinition& definition, Operation operation, DType dtype, ShapeView shape,
           const Parameter& first, const Parameter& second, const RowRange& rows);

  DType dtype() const noexcept { return record_.dtype; }
  std::uint64_t blocks() const noexcept { return blocks_; }
  std::int64_t result_count() const noexcept { return result_count_; }
  Shape result_shape() const;
  // The plan's own record, which refers to the shape.
  const CallRecord& record(const std::source_location& location) noexcept {
    record_.location = location;
    return record_;
  }

  // Writes result_count() elements. Cannot fail.
  void run(const StreamDefinition& definition, const Reservation& reserved, void* output) {
    run(definition, reserved.key, reserved.counter, output);
  }

 private:
  // Parameters that are tensors: converted to the result's type, with the shape they broadcast to.
  struct Broadcast {
    Shape shape;    // of the result
    Tensor scale;   // stddev, or maxval - minval
    Tensor offset;  // mean, or minval
    Tensor raw;     // room for the numbers before they are combined
  };
  // Parameters of a binomial draw, broadcast against each other.
  struct Trials {
    DType dtype = DType::f32;
    std::uint64_t batch = 1;
    std::uint64_t samples = 0;
    std::array<std::uint64_t, 2> scalars{};  // one count and one probability of type dtype
    Tensor counts;                           // empty for scalars
    Tensor probabilities;
  };

  // By values, which travel in registers: memory that is read in other widths than it was just
  // written in makes a draw wait for the one before.
  void run(const StreamDefinition& definition, std::uint64_t key, kernels::Counter counter,
           void* output);
  void plan_int_range(const Parameter& minval, const Parameter& maxval);
  void plan_floating(const Parameter& first, const Parameter& second);
  void plan_broadcast(const Parameter& first, const Parameter& second);
  void plan_binomial(const StreamDefinition& definition, const Parameter& counts,
                     const Parameter& probabilities);
  void plan_trial_tensors(const Parameter& counts, const Parameter& probabilities);
  void run_broadcast(const StreamDefinition& definition, void* output);
  void run_binomial(const StreamDefinition& definition, std::uint64_t key, kernels::Counter counter,
                    void* output) const;

  CallRecord record_;
  std::int64_t elements_ = 0;  // drawn
  Shape written_shape_;        // of rows with broadcast_, if not all are written
  std::int64_t result_count_ = 0;
  std::uint64_t blocks_ = 0;
  kernels::Fill fill_;  // but for key, counter and output
  std::optional<Broadcast> broadcast_;
  std::optional<Trials> trials_;
};

// Parameters that are tensors or scalars, as a tensor of the floating type `dtype`.
Tensor converted_parameter(const Parameter& parameter, DType dtype);
// `parameter` expanded to `shape`, to which it broadcasts.
Tensor expanded(const Tensor& parameter, const Shape& shape);
// `value` as an element of type `dtype`, at the front of a word.
std::uint64_t element_bits(double value, DType dtype);
// Errors: invalid_argument for a number, not 0 and finite, that is 0 or infinite in the floating type
// `dtype`; `remedy` says what to do.
void check_narrowing(std::string_view name, const Parameter& number, DType dtype,
                     std::string_view remedy);
// What stands for a parameter in a call record: a scalar's bits, or a tensor's type and shape.
std::uint64_t record_scalar(const Parameter& parameter, DType dtype);

// Result of broadcasting two shapes as NumPy does. Errors: invalid_argument if they do not fit.
Shape broadcast_shapes(ShapeView a, ShapeView b);

// Calls `visit(result_index, a_index, b_index, c_index)` for each element of `shape`, row-major,
// with the indices of the elements that broadcast to it.
template <class Visit>
void for_each_broadcast(ShapeView shape, const std::array<ShapeView, 3>& operands, Visit visit) {
  const std::int64_t count = element_count(shape);
  if (count == 0) return;  // the other lengths may make strides that overflow
  const std::size_t rank = shape.size();
  std::array<std::vector<std::int64_t>, 3> strides;
  for (std::size_t operand = 0; operand < operands.size(); ++operand) {
    const ShapeView lengths = operands[operand];
    strides[operand].assign(rank, 0);
    std::int64_t stride = 1;
    for (std::size_t back = 1; back <= lengths.size(); ++back) {
      const std::int64_t length = lengths[lengths.size() - back];
      if (length != 1) strides[operand][rank - back] = stride;
      stride *= length;
    }
  }
  std::vector<std::int64_t> position(rank, 0);
  std::array<std::int64_t, 3> at{};
  for (std::int64_t i = 0; i < count; ++i) {
    visit(i, at[0], at[1], at[2]);
    for (std::size_t axis = rank; axis-- > 0;) {
      ++position[axis];
      for (std::size_t operand = 0; operand < 3; ++operand) at[operand] += strides[operand][axis];
      if (position[axis] < shape[axis]) break;
      for (std::size_t operand = 0; operand < 3; ++operand) {
        at[operand] -= strides[operand][axis] * shape[axis];
      }
      position[axis] = 0;
    }
  }
}

}  // namespace counterpoint::inline v1
