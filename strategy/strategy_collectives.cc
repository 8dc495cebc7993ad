// What all ranks do together outside of a run. Every rank checks its own arguments first; then all
// agree, or all throw what was wrong on the first rank that refused.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>
#include <optional>
#include <utility>

#include "counterpoint/runtime/error.h"
#include "counterpoint/runtime/internal/reduce_elements.h"
#include "counterpoint/strategy/internal/element_arithmetic.h"
#include "counterpoint/strategy/internal/strategy_core.h"
#include "counterpoint/strategy/internal/variable_store.h"

namespace counterpoint::inline v1 {
namespace {

Buffer buffer_of(Tensor& tensor) {
  return {tensor.bytes().data(), tensor.size(), tensor.dtype(), {}};
}

// Runs `check`; what it throws is this rank's objection.
std::optional<Error> objection(const std::function<void()>& check) {
  try {
    check();
    return std::nullopt;
  } catch (const Error& error) {
    return error;
  }
}

// Errors: invalid_argument unless all values have the first's type and, but for `free_axis`, its
// shape.
void check_alike(const PerReplica<Tensor>& values, int replicas_per_rank, int free_axis) {
  if (values.size() != static_cast<std::size_t>(replicas_per_rank)) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("a per-replica value of {} elements; this rank has {} replicas",
                            values.size(), replicas_per_rank));
  }
  const Tensor& first = values[0];
  if (free_axis >= static_cast<int>(first.shape().size())) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("values of shape {} have no axis {} to gather along",
                            shape_to_string(first.shape()), free_axis));
  }
  for (std::size_t i = 1; i < values.size(); ++i) {
    Shape shape = values[i].shape();
    if (free_axis >= 0 && shape.size() == first.shape().size()) {
      shape[static_cast<std::size_t>(free_axis)] =
          first.shape()[static_cast<std::size_t>(free_axis)];
    }
    if (values[i].dtype() != first.dtype() || shape != first.shape()) {
      throw Error(ErrorCode::invalid_argument,
                  fmt::format("replicas' values differ: {} {} on replica {}, {} {} on replica {}",
                              dtype_name(first.dtype()), shape_to_string(first.shape()),
                              values.replica_id(0), dtype_name(values[i].dtype()),
                              shape_to_string(values[i].shape()), values.replica_id(i)));
    }
  }
}

// The reduction of what every rank agreed to reduce.
Tensor reduced(StrategyCore& core, Reduce reduce, const PerReplica<Tensor>& values) {
  const DType dtype = values[0].dtype();
  const Reduce exact = reduce == Reduce::mean ? Reduce::sum : reduce;
  const std::size_t bytes = values[0].bytes().size();
  std::vector<std::byte> rows(bytes * values.size());
  for (std::size_t i = 0; i < values.size() && bytes != 0; ++i) {
    std::memcpy(rows.data() + i * bytes, values[i].bytes().data(), bytes);
  }
  Tensor result(dtype, values[0].shape());
  if (bytes == 0) return result;
  reduce_rows(dtype, exact, rows.data(), bytes, static_cast<int>(values.size()), result.size(),
              result.bytes().data());
  core.payload().start_all_reduce(buffer_of(result), exact).wait(core.payload().timeout_seconds());
  if (reduce == Reduce::mean) divide_elements(buffer_of(result), core.num_replicas());
  return result;
}

// What every rank agreed to gather: `others` is the shape of all values but for the length of axis `at`.
Tensor gathered(StrategyCore& core, const PerReplica<Tensor>& values, std::size_t at,
                const Shape& others) {
  std::vector<std::int64_t> lengths;
  for (const Tensor& value : values) lengths.push_back(value.shape()[at]);
  std::vector<std::int64_t> all_lengths(static_cast<std::size_t>(core.num_replicas()));
  core.payload().all_gather(std::span<const std::int64_t>(lengths),
                            std::span<std::int64_t>(all_lengths));

  // Each replica's elements travel in a row as long as the longest.
  const std::int64_t longest = *std::ranges::max_element(all_lengths);
  Shape padded_shape = others;
  padded_shape[at] = longest;
  const DType dtype = values[0].dtype();
  const std::int64_t row = element_count(padded_shape);
  const std::size_t row_bytes = static_cast<std::size_t>(row) * dtype_size(dtype);
  Tensor mine(dtype, {static_cast<std::int64_t>(values.size()) * row});
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::span<const std::byte> bytes = values[i].bytes();
    if (!bytes.empty())
      std::memcpy(mine.bytes().data() + i * row_bytes, bytes.data(), bytes.size());
  }
  Tensor all(dtype, {static_cast<std::int64_t>(all_lengths.size()) * row});
  core.payload()
      .start_all_gather({mine.bytes().data(), mine.size(), dtype, {}}, buffer_of(all))
      .wait(core.payload().timeout_seconds());

  Shape shape = others;
  shape[at] = 0;
  for (const std::int64_t length : all_lengths) shape[at] += length;
  Tensor result(dtype, shape);
  std::size_t outer = 1;
  for (std::size_t i = 0; i < at; ++i) outer *= static_cast<std::size_t>(shape[i]);
  std::size_t inner_bytes = dtype_size(dtype);
  for (std::size_t i = at + 1; i < shape.size(); ++i) {
    inner_bytes *= static_cast<std::size_t>(shape[i]);
  }
  std::byte* to = result.bytes().data();
  for (std::size_t o = 0; o < outer; ++o) {
    for (std::size_t replica = 0; replica < all_lengths.size(); ++replica) {
      const std::size_t slab = static_cast<std::size_t>(all_lengths[replica]) * inner_bytes;
      if (slab == 0) continue;
      std::memcpy(to, all.bytes().data() + replica * row_bytes + o * slab, slab);
      to += slab;
    }
  }
  return result;
}

}  // namespace

MirroredVariable MirroredStrategy::variable(const Tensor& initial, std::string name,
                                            Location location) {
  core_->check_cross_replica(current_context(), "variable");
  auto store = std::make_shared<VariableStore>(core_, initial, std::move(name), location);
  core_->agree({.operation = Operation::create,
                .dtype = initial.dtype(),
                .shape = initial.shape(),
                .scalars = {},
                .location = location},
               {.stream = store->logged_as(), .what = store->describe()});
  Tensor value = initial;
  core_->together([&] {
    core_->payload().start_broadcast(buffer_of(value), 0).wait(core_->payload().timeout_seconds());
  });
  for (int i = 0; i < replicas_per_rank(); ++i) store->write_copy(i, value.bytes());
  core_->add(store);
  return MirroredVariable(std::move(store));
}

Tensor MirroredStrategy::reduce(Reduce reduce, const PerReplica<Tensor>& values,
                                Location location) {
  core_->check_cross_replica(current_context(), "reduce");
  const std::optional<Error> refused = objection([&] {
    check_alike(values, replicas_per_rank(), -1);
    if (reduce == Reduce::mean && !is_floating(values[0].dtype())) {
      throw Error(ErrorCode::invalid_argument,
                  fmt::format("a mean of {} is not a {}; reduce by sum and divide",
                              dtype_name(values[0].dtype()), dtype_name(values[0].dtype())));
    }
  });
  const bool usable = values.size() != 0;
  core_->agree({.operation = Operation::reduce,
                .dtype = usable ? values[0].dtype() : DType::f32,
                .shape = usable ? ShapeView(values[0].shape()) : ShapeView{},
                .scalars = {static_cast<std::uint64_t>(reduce), 0},
                .location = location},
               refused);
  std::optional<Tensor> result;
  core_->together([&] { result = reduced(*core_, reduce, values); });
  return std::move(*result);
}

void MirroredStrategy::broadcast(Tensor& values, int root, Location location) {
  broadcast_buffer(buffer_of(values), root, location);
}

void MirroredStrategy::broadcast_buffer(const Buffer& values, int root, const Location& location) {
  core_->check_cross_replica(current_context(), "broadcast");
  const std::optional<Error> refused = objection([&] {
    if (root < 0 || root >= num_ranks()) {
      throw Error(
          ErrorCode::invalid_argument,
          fmt::format("there is no rank {} to broadcast from; there are {}", root, num_ranks()));
    }
  });
  core_->agree({.operation = Operation::broadcast,
                .dtype = values.dtype,
                .shape = ShapeView(&values.count, 1),
                .scalars = {static_cast<std::uint64_t>(root), 0},
                .location = location},
               refused);
  core_->together([&] {
    core_->payload().start_broadcast(values, root).wait(core_->payload().timeout_seconds());
  });
}

Tensor MirroredStrategy::gather(const PerReplica<Tensor>& values, int axis, Location location) {
  core_->check_cross_replica(current_context(), "gather");
  const std::optional<Error> refused = objection([&] {
    if (axis < 0)
      throw Error(ErrorCode::invalid_argument, fmt::format("there is no axis {}", axis));
    check_alike(values, replicas_per_rank(), axis);
  });
  // Lengths along the axis may differ, the others may not: those are told to all ranks.
  const std::size_t at = static_cast<std::size_t>(std::max(axis, 0));
  Shape others = values.size() == 0 ? Shape{} : values[0].shape();
  if (at < others.size()) others[at] = 0;
  core_->agree({.operation = Operation::gather,
                .dtype = values.size() == 0 ? DType::f32 : values[0].dtype(),
                .shape = others,
                .scalars = {static_cast<std::uint64_t>(axis), 0},
                .location = location},
               refused);

  std::optional<Tensor> result;
  core_->together([&] { result = gathered(*core_, values, at, others); });
  return std::move(*result);
}

bool MirroredStrategy::any(bool flag, Location location) {
  core_->check_cross_replica(current_context(), "any");
  core_->agree({.operation = Operation::any,
                .dtype = DType::i32,
                .shape = {},
                .scalars = {},
                .location = location});
  std::array<std::int32_t, 1> value = {flag ? 1 : 0};
  core_->together(
      [&] { core_->payload().all_reduce(std::span<std::int32_t>(value), Reduce::max); });
  return value[0] != 0;
}

}  // namespace counterpoint::inline v1
