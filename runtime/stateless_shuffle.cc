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
  const std::int64_t rows = value.shape().front();
  std::vector<std::int64_t> order(static_cast<std::size_t>(rows));
  std::iota(order.begin(), order.end(), 0);
  stateless_shuffle(std::span(order), seed, algorithm);

  Tensor result(value.dtype(), value.shape());
  const std::span<const std::byte> from = value.bytes();
  const std::span<std::byte> to = result.bytes();
  const std::size_t row_bytes = rows == 0 ? 0 : from.size() / static_cast<std::size_t>(rows);
  if (row_bytes == 0) return result;
  for (std::size_t i = 0; i < order.size(); ++i) {
    std::memcpy(to.data() + i * row_bytes,
                from.data() + static_cast<std::size_t>(order[i]) * row_bytes, row_bytes);
  }
  return result;
}

}  // namespace counterpoint::inline v1
