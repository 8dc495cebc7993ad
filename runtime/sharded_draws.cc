#include "counterpoint/runtime/sharded_draws.h"

#include <fmt/format.h>

#include <algorithm>

#include "counterpoint/runtime/context.h"
#include "counterpoint/runtime/error.h"
#include "counterpoint/runtime/internal/draw.h"
#include "counterpoint/runtime/internal/generator_parts.h"
#include "counterpoint/runtime/state_store.h"

namespace counterpoint::inline v1 {
namespace {

RowRange rows_in(const Context& context, std::int64_t rows) {
  if (context.kind != ContextKind::replica) return {0, rows};
  return rows_of_replica(rows, context.replica_id, context.num_replicas);
}

void check_shape(ShapeView shape) {
  if (shape.empty()) {
    throw Error(ErrorCode::invalid_argument,
                "a draw that replicas share has rows to deal out; a scalar has none");
  }
}

}  // namespace

ShardedDraws Generator::sharded() { return ShardedDraws(store_); }

RowRange rows_of_replica(std::int64_t rows, int replica_id, int num_replicas) {
  if (rows < 0 || replica_id < 0 || replica_id >= num_replicas) {
    throw Error(
        ErrorCode::invalid_argument,
        fmt::format("{} rows cannot be dealt to replica {} of {}", rows, replica_id, num_replicas));
  }
  const std::int64_t each = rows / num_replicas;
  const std::int64_t more = rows % num_replicas;
  return {replica_id * each + std::min<std::int64_t>(replica_id, more),
          each + (replica_id < more ? 1 : 0)};
}

Tensor ShardedDraws::draw(Operation operation, const Shape& shape, const Parameter& first,
                          const Parameter& second, DType dtype, const Location& location) const {
  check_shape(shape);
  (void)element_count(shape);
  Shape rows = shape;
  rows.front() = rows_in(current_context(), shape.front()).count;
  Tensor result(dtype, std::move(rows));
  fill(operation, {result.bytes().data(), result.size(), dtype, {}}, shape, first, second,
       location);
  return result;
}

void ShardedDraws::fill(Operation operation, const Buffer& out, ShapeView shape,
                        const Parameter& first, const Parameter& second,
                        const Location& location) const {
  check_shape(shape);
  const Context& context = current_context();
  check_not_tracing(context, "a draw that replicas share");
  if (context.kind == ContextKind::replica && store_->num_replicas() == 0) {
    throw Error(
        ErrorCode::failed_precondition,
        fmt::format("{} was made outside of the strategy: its replicas take turns and share no "
                    "draw; make it in the strategy's scope",
                    store_->origin().to_string()));
  }
  const StreamDefinition& definition = store_->definition();
  const RowRange rows = rows_in(context, std::max<std::int64_t>(shape.front(), 0));
  DrawPlan plan(definition, operation, out.dtype, shape, first, second, rows);
  if (plan.result_count() != out.count) {
    throw Error(
        ErrorCode::invalid_argument,
        fmt::format("an array of {} elements cannot hold rows {} to {} of a draw of shape {} ({} "
                    "elements)",
                    out.count, rows.first, rows.first + rows.count, shape_to_string(shape),
                    plan.result_count()));
  }
  const Reservation reserved =
      store_->reserve(context, plan.record(location), plan.blocks(), KeyUse::primary);
  plan.run(definition, reserved, out.data);
}

}  // namespace counterpoint::inline v1
