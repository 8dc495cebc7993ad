// Drawing: validate, allocate, take the blocks, fill. Only the last two touch the state, and they
// cannot fail for the caller's doing.
#include <fmt/format.h>

#include <memory>
#include <random>
#include <utility>

#include "counterpoint/runtime/context.h"
#include "counterpoint/runtime/error.h"
#include "counterpoint/runtime/generator.h"
#include "counterpoint/runtime/internal/draw.h"
#include "counterpoint/runtime/internal/generator_parts.h"
#include "counterpoint/runtime/tracer.h"

namespace counterpoint::inline v1 {
namespace {

// A parameter that owns its tensor.
struct OwnedParameter {
  explicit OwnedParameter(const Parameter& original)
      : tensor(original.tensor() == nullptr ? Tensor() : *original.tensor()),
        parameter(original.tensor() == nullptr ? original : Parameter(tensor)) {}
  OwnedParameter(const OwnedParameter&) = delete;
  OwnedParameter& operator=(const OwnedParameter&) = delete;

  const Tensor tensor;
  const Parameter parameter;
};

Tensor trace(Tracer& tracer, const std::shared_ptr<StateStore>& store, DrawPlan& plan,
             Operation operation, const Shape& shape, const Parameter& first,
             const Parameter& second, const std::source_location& location) {
  const auto owned_first = std::make_shared<const OwnedParameter>(first);
  const auto owned_second = std::make_shared<const OwnedParameter>(second);
  const StreamDefinition& definition = store->definition();
  const DType dtype = plan.dtype();
  TracedDraw draw{.store = store,
                  .record = plan.record(location),
                  .shape = shape,
                  .blocks = plan.blocks(),
                  .dtype = dtype,
                  .result_shape = plan.result_shape(),
                  .fill = [&definition, operation, dtype, shape, owned_first, owned_second](
                              const Reservation& reserved, Tensor& out) {
                    DrawPlan replay(definition, operation, dtype, shape, owned_first->parameter,
                                    owned_second->parameter);
                    replay.run(definition, reserved, out.bytes().data());
                  }};
  draw.record.shape = draw.shape;
  return tracer.record_draw(std::move(draw));
}

// The key whose blocks hash a generator's key to that of its separated children: "separate".
constexpr std::uint64_t kSeparatedDomain = 0x7365706172617465u;

CallRecord count_record(Operation operation, const std::int64_t& count,
                        const std::source_location& location) {
  return {.operation = operation,
          .dtype = DType::i64,
          .shape = ShapeView(&count, 1),
          .scalars = {},
          .location = location};
}

void check_count(std::string_view what, std::int64_t count) {
  if (count < 0) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("{} takes a count of 0 or more, not {}", what, count));
  }
}

}  // namespace

void check_not_tracing(const Context& context, std::string_view operation) {
  if (context.tracer != nullptr) {
    throw Error(ErrorCode::failed_precondition,
                fmt::format("{} is not possible while a function is traced: nothing is drawn then; "
                            "call it outside, or draw a tensor",
                            operation));
  }
}

Tensor Generator::draw(Operation operation, const Shape& shape, const Parameter& first,
                       const Parameter& second, DType dtype, const Location& location) {
  const StreamDefinition& definition = store_->definition();
  DrawPlan plan(definition, operation, dtype, shape, first, second);
  const Context& context = current_context();
  if (context.tracer != nullptr) {
    return trace(*context.tracer, store_, plan, operation, shape, first, second, location);
  }
  Tensor result(dtype, plan.result_shape());
  const Reservation reserved =
      store_->reserve(context, plan.record(location), plan.blocks(), KeyUse::stream);
  plan.run(definition, reserved, result.bytes().data());
  return result;
}

void Generator::fill(Operation operation, const Output& out, const Parameter& first,
                     const Parameter& second, ShapeView shape, const Location& location) {
  const StreamDefinition& definition = store_->definition();
  const ShapeView logical = shape.empty() ? ShapeView(&out.count, 1) : shape;
  DrawPlan plan(definition, operation, out.dtype, logical, first, second);
  if (plan.result_count() != out.count) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("an array of {} elements cannot hold the {} of a draw of shape {}",
                            out.count, plan.result_count(), shape_to_string(plan.result_shape())));
  }
  const Context& context = current_context();
  if (context.tracer != nullptr) [[unlikely]] {
    check_not_tracing(context, "filling an array");
  }
  const Reservation reserved =
      store_->reserve(context, plan.record(location), plan.blocks(), KeyUse::stream);
  plan.run(definition, reserved, out.data);
}

Tensor Generator::normal(const Shape& shape, const Parameter& mean, const Parameter& stddev,
                         DType dtype, Location location) {
  return draw(Operation::normal, shape, mean, stddev, dtype, location);
}

Tensor Generator::truncated_normal(const Shape& shape, const Parameter& mean,
                                   const Parameter& stddev, DType dtype, Location location) {
  return draw(Operation::truncated_normal, shape, mean, stddev, dtype, location);
}

Tensor Generator::uniform(const Shape& shape, const Parameter& minval, const Parameter& maxval,
                          DType dtype, Location location) {
  return draw(Operation::uniform, shape, minval, maxval, dtype, location);
}

Tensor Generator::uniform_full_int(const Shape& shape, DType dtype, Location location) {
  return draw(Operation::uniform_full_int, shape, 0, 0, dtype, location);
}

Tensor Generator::binomial(const Shape& shape, const Parameter& counts, const Parameter& probs,
                           DType dtype, Location location) {
  return draw(Operation::binomial, shape, counts, probs, dtype, location);
}

static_assert(std::uniform_random_bit_generator<Generator>);

Generator::result_type Generator::operator()(Location location) {
  result_type value = 0;
  const Output out{.data = &value, .count = 1, .dtype = DType::u64};
  fill(Operation::uniform_full_int, out, 0, 0, {}, location);
  return value;
}

void Generator::skip(std::int64_t elements, Location location) {
  const Context& context = current_context();
  check_not_tracing(context, "skip");
  const std::uint64_t blocks = kBlocksPerElement * static_cast<std::uint64_t>(elements);
  store_->reserve(context, count_record(Operation::skip, elements, location), blocks,
                  KeyUse::stream);
}

Tensor Generator::make_seeds(std::int64_t count, Location location) {
  check_count("make_seeds", count);
  const StreamDefinition& definition = store_->definition();
  const Context& context = current_context();
  check_not_tracing(context, "make_seeds");
  DrawPlan plan(definition, Operation::uniform_full_int, DType::i64, ShapeView(&count, 1), 0, 0);
  Tensor seeds(DType::i64, {2, count});  // the second row stays zero
  const Reservation reserved = store_->reserve(
      context, count_record(Operation::make_seeds, count, location), plan.blocks(), KeyUse::stream);
  plan.run(definition, reserved, seeds.bytes().data());
  return seeds;
}

std::vector<Generator> Generator::split(std::int64_t count, Location location) {
  check_count("split", count);
  return split_in(0, count, location);
}

std::vector<Generator> Generator::split_separated(std::int64_t count, Location location) {
  check_count("split_separated", count);
  return split_in(kSeparatedDomain, count, location);
}

std::vector<Generator> Generator::split_in(std::uint64_t domain, std::int64_t count,
                                           const Location& location) {
  const StreamDefinition& definition = store_->definition();
  const Context& context = current_context();
  check_not_tracing(context, "split");
  DrawPlan plan(definition, Operation::uniform_full_int, DType::i64, ShapeView(&count, 1), 0, 0);
  Tensor key_tensor(DType::u64, {count});  // says so where memory does not suffice
  const std::span<std::uint64_t> keys = key_tensor.values<std::uint64_t>();
  std::vector<Generator> children;
  children.reserve(keys.size());
  const std::uint64_t parent = store_->origin().digest();
  CallRecord record = count_record(Operation::split, count, location);
  record.scalars[0] = domain;
  Reservation reserved = store_->reserve(context, record, plan.blocks(), KeyUse::stream);
  // The parent's counter tells the children of one split from those of the next.
  const std::uint64_t family =
      mix_digest(parent ^ domain, mix_digest(reserved.counter.high, reserved.counter.low));
  if (domain != 0) reserved.key = definition.derive_key(domain, reserved.key);
  plan.run(definition, reserved, keys.data());
  for (std::size_t i = 0; i < keys.size(); ++i) {
    children.emplace_back(make_store(definition, {.counter = {}, .key = keys[i]},
                                     StreamOrigin{.name = {},
                                                  .location = location,
                                                  .parent = family,
                                                  .child = static_cast<std::int64_t>(i)},
                                     store_->layout()));
  }
  return children;
}

}  // namespace counterpoint::inline v1
