#include "counterpoint/kernels/internal/ieee_arithmetic.h"
#include "counterpoint/kernels/simd/threefry_fills.h"
#include "counterpoint/kernels/stream_definition.h"
#include "counterpoint/kernels/threefry.h"

namespace counterpoint::inline v1::kernels {
namespace {

Counter advance(Counter counter, std::uint64_t blocks) {
  return {.low = counter.low + blocks, .high = 0};
}

std::uint64_t derive_key(std::uint64_t key, std::uint64_t replica_id) {
  const ThreefryWords w = threefry_block(replica_id, key);
  return join_words(w[0], w[1]);
}

// XLA takes the low halves of the seeds as the key, unhashed.
void scramble_seed(const std::int64_t seed[2], std::uint64_t* key, Counter* counter) {
  *key = join_words(low_word(static_cast<std::uint64_t>(seed[0])),
                    low_word(static_cast<std::uint64_t>(seed[1])));
  *counter = {};
}

bool supports(Distribution distribution, DType dtype) {
  switch (distribution) {
    case Distribution::uniform_full_int:
    case Distribution::uniform_int:
      return !is_floating(dtype);
    case Distribution::truncated_normal:
      return dtype == DType::f32;
    default:
      return is_floating(dtype);
  }
}

constexpr StreamDefinition kThreefry = {
    .name = "threefry",
    .id = 2,
    .counter_words = 1,
    .words_per_block = 2,
    .advance = advance,
    .derive_key = derive_key,
    .scramble_seed = scramble_seed,
    .supports = supports,
    .fill = [](const Fill& fill) { fill_threefry(fill); },
    .fill_binomial = nullptr,
    .samplers = {},
    .shuffles = false,
    .fused_scaling = true,
};

}  // namespace

const StreamDefinition& threefry_stream() { return kThreefry; }

}  // namespace counterpoint::inline v1::kernels
