#include "counterpoint/runtime/stateless_seed.h"

#include <fmt/format.h>

#include <new>
#include <stdexcept>
#include <utility>

#include "counterpoint/runtime/error.h"
#include "counterpoint/runtime/internal/stateless_draw.h"

namespace counterpoint::inline v1 {
namespace {

[[noreturn]] void fail(const std::string& given) {
  throw Error(ErrorCode::invalid_argument,
              fmt::format("a stateless seed is two integers, i32 or i64 of shape [2], not {}; "
                          "write {{1, 2}}",
                          given));
}

template <class T>
std::array<std::int64_t, 2> two_words(std::span<const T> entries) {
  if (entries.size() != 2) fail(fmt::format("{} integers", entries.size()));
  return {entries[0], entries[1]};
}

std::array<std::int64_t, 2> words_of(const Tensor& seed) {
  if (seed.shape() != Shape{2} || (seed.dtype() != DType::i32 && seed.dtype() != DType::i64)) {
    fail(fmt::format("{} of shape {}", dtype_name(seed.dtype()), shape_to_string(seed.shape())));
  }
  if (seed.dtype() == DType::i32) return two_words(seed.values<std::int32_t>());
  return two_words(seed.values<std::int64_t>());
}

// Integers of every value from the stream of `seed`.
template <class T>
std::vector<T> integers(const StatelessSeed& seed, ShapeView shape,
                        const AlgorithmName& algorithm) {
  std::vector<T> drawn(static_cast<std::size_t>(element_count(shape)));
  const StreamDefinition& definition = stream_definition(algorithm);
  DrawPlan plan(definition, Operation::uniform_full_int, dtype_of<T>, shape, 0, 0);
  plan.run(definition, stateless_reservation(definition, seed), drawn.data());
  return drawn;
}

template <class T>
StatelessSeed folded(const StatelessSeed& seed, T data, const AlgorithmName& algorithm) {
  return StatelessSeed(integers<T>(seed, {}, algorithm)[0], data);
}

template <class T>
void split_into(std::vector<StatelessSeed>& children, const StatelessSeed& seed, std::int64_t count,
                const AlgorithmName& algorithm) {
  const std::array<std::int64_t, 2> shape = {count, 2};
  const std::vector<T> words = integers<T>(seed, shape, algorithm);
  for (std::size_t i = 0; i < words.size(); i += 2) children.emplace_back(words[i], words[i + 1]);
}

}  // namespace

StatelessSeed::StatelessSeed(std::span<const std::int32_t> entries)
    : words_(two_words(entries)), dtype_(DType::i32) {}

StatelessSeed::StatelessSeed(std::span<const std::int64_t> entries)
    : words_(two_words(entries)), dtype_(DType::i64) {}

StatelessSeed::StatelessSeed(const Tensor& seed) : words_(words_of(seed)), dtype_(seed.dtype()) {}

Tensor StatelessSeed::tensor() const {
  if (dtype_ == DType::i64) return Tensor::from<std::int64_t>(std::span(words_), {2});
  return Tensor::from<std::int32_t>(
      {static_cast<std::int32_t>(words_[0]), static_cast<std::int32_t>(words_[1])}, {2});
}

std::string StatelessSeed::to_string() const {
  return fmt::format("[{}, {}]", words_[0], words_[1]);
}

void detail::check_foldable(std::uint64_t data) {
  if (std::in_range<std::int64_t>(data)) return;
  throw Error(
      ErrorCode::invalid_argument,
      fmt::format("fold_in takes an i32 or i64, and {} is beyond i64; fold its halves in, one "
                  "after the other",
                  data));
}

StatelessSeed fold_in(const StatelessSeed& seed, std::int32_t data,
                      const AlgorithmName& algorithm) {
  return folded(seed, data, algorithm);
}

StatelessSeed fold_in(const StatelessSeed& seed, std::int64_t data,
                      const AlgorithmName& algorithm) {
  return folded(seed, data, algorithm);
}

StatelessSeed fold_in(const StatelessSeed& seed, const Tensor& data,
                      const AlgorithmName& algorithm) {
  if (data.size() == 1 && data.dtype() == DType::i32) {
    return folded(seed, data.item<std::int32_t>(), algorithm);
  }
  if (data.size() == 1 && data.dtype() == DType::i64) {
    return folded(seed, data.item<std::int64_t>(), algorithm);
  }
  throw Error(ErrorCode::invalid_argument,
              fmt::format("fold_in takes one i32 or i64, not {} of shape {}",
                          dtype_name(data.dtype()), shape_to_string(data.shape())));
}

std::vector<StatelessSeed> split(const StatelessSeed& seed, std::int64_t count,
                                 const AlgorithmName& algorithm) {
  if (count < 0) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("split takes a count of 0 or more, not {}", count));
  }
  std::vector<StatelessSeed> children;
  const auto no_memory = [&] {
    return Error(ErrorCode::resource_exhausted,
                 fmt::format("no memory for {} seeds; split in parts, with fold_in", count));
  };
  try {
    children.reserve(static_cast<std::size_t>(count));
    if (seed.dtype() == DType::i32) {
      split_into<std::int32_t>(children, seed, count, algorithm);
    } else {
      split_into<std::int64_t>(children, seed, count, algorithm);
    }
  } catch (const std::bad_alloc&) {
    throw no_memory();
  } catch (const std::length_error&) {
    throw no_memory();
  }
  return children;
}

}  // namespace counterpoint::inline v1
