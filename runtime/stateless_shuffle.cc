// The stateless shuffle: Fisher and Yates' from the front, a 32-bit word a swap.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <numeric>

#include "counterpoint/runtime/error.h"
#include "counterpoint/runtime/internal/stateless_draw.h"
#include "counterpoint/runtime/stateless.h"

namespace counterpoint::inline v1 {

ShuffleOffsets::ShuffleOffsets(std::uint64_t count, const StatelessSeed& seed,
                               const AlgorithmName& algorithm)
    : definition_(stream_definition(algorithm)), count_(count) {
  check_defined(definition_, "shuffle", definition_.shuffles);
  if (count > std::uint64_t{1} << 32) {
    throw Error(
        ErrorCode::invalid_argument,
        fmt::format("a shuffle takes at most 2^32 items (one 32-bit word each), not {}", count));
  }
  definition_.scramble_seed(seed.words().data(), &key_, &counter_);
}

void ShuffleOffsets::check_shuffles(std::uint64_t items) const {
  if (items == count_ && drawn_ == 0) return;
  throw Error(
      ErrorCode::invalid_argument,
      fmt::format("these offsets shuffle {} items, once, and {} of them were taken; {} items "
                  "need a ShuffleOffsets of their own",
                  count_, drawn_, items));
}

void ShuffleOffsets::refill() {
  const std::array<std::int64_t, 1> shape = {static_cast<std::int64_t>(count_)};
  const std::uint64_t left = count_ - drawn_;
  definition_.fill({.distribution = kernels::Distribution::uniform_full_int,
                    .dtype = DType::u32,
                    .shape = shape,
                    .first_element = drawn_,
                    .key = key_,
                    .counter = counter_,
                    .output = words_.data(),
                    .count = std::min<std::uint64_t>(left, words_.size())});
}

std::uint64_t ShuffleOffsets::next() {
  if (drawn_ == count_) {
    throw Error(
        ErrorCode::failed_precondition,
        fmt::format("a shuffle of {0} items has {0} offsets, the last of them 0; make another "
                    "ShuffleOffsets to go on",
                    count_));
  }
  const std::uint64_t at = drawn_ % words_.size();
  if (at == 0) refill();
  const std::uint64_t offset = words_[at] % (count_ - drawn_);
  ++drawn_;
  return offset;
}

Tensor stateless_shuffle(const Tensor& value, const StatelessSeed& seed,
                         const AlgorithmName& algorithm) {
  if (value.shape().empty()) {
    throw Error(ErrorCode::invalid_argument, "a scalar has no axis to shuffle along");
  }
  // Rows without elements are all alike, however many.
  const std::int64_t rows = value.size() == 0 ? 0 : value.shape().front();
  ShuffleOffsets offsets(static_cast<std::uint64_t>(rows), seed, algorithm);
  Tensor result(value.dtype(), value.shape());
  const std::span<const std::byte> from = value.bytes();
  if (rows == 0) return result;
  const std::size_t row_bytes = from.size() / static_cast<std::size_t>(rows);

  Tensor order_tensor(DType::i64, {rows});  // says so where memory does not suffice
  const std::span<std::int64_t> order = order_tensor.values<std::int64_t>();
  std::iota(order.begin(), order.end(), 0);
  offsets.shuffle(order);
  const std::span<std::byte> to = result.bytes();
  for (std::size_t i = 0; i < order.size(); ++i) {
    std::memcpy(to.data() + i * row_bytes,
                from.data() + static_cast<std::size_t>(order[i]) * row_bytes, row_bytes);
  }
  return result;
}

}  // namespace counterpoint::inline v1
