#include "counterpoint/strategy/replica_context.h"

#include <fmt/format.h>

#include "counterpoint/runtime/error.h"
#include "counterpoint/strategy/internal/strategy_core.h"

namespace counterpoint::inline v1 {

int ReplicaContext::rank() const noexcept { return core_.rank(); }

void ReplicaContext::all_reduce(Tensor& values, Reduce reduce, Location location) const {
  all_reduce_buffer({values.bytes().data(), values.size(), values.dtype(), {}}, reduce, location);
}

void ReplicaContext::all_reduce_buffer(const Buffer& values, Reduce reduce,
                                       const Location& location) const {
  if (reduce == Reduce::mean && !is_floating(values.dtype)) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("a mean of {} is not a {}; reduce by sum and divide",
                            dtype_name(values.dtype), dtype_name(values.dtype)));
  }
  all_reduce_as({.operation = Operation::all_reduce,
                 .dtype = values.dtype,
                 .shape = ShapeView(&values.count, 1),
                 .scalars = {static_cast<std::uint64_t>(reduce), 0},
                 .location = location},
                values, reduce);
}

void ReplicaContext::all_reduce_as(const CallRecord& record, const Buffer& values,
                                   Reduce reduce) const {
  const Context& context = current_context();
  if (context.kind != ContextKind::replica || context.domain != &core_ ||
      context.replica_id != replica_id() || !core_.running()) {
    throw Error(ErrorCode::failed_precondition,
                fmt::format("all_reduce of replica {} of {} was called outside of its run",
                            replica_id(), core_.name()));
  }
  Request request{.record = record, .reduce = reduce, .values = values};
  core_.meet(context_, request);
}

}  // namespace counterpoint::inline v1
