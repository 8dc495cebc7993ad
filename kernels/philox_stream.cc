#include "counterpoint/kernels/internal/philox_samplers.h"
#include "counterpoint/kernels/internal/philox_scalar.h"
#include "counterpoint/kernels/philox.h"
#include "counterpoint/kernels/simd/philox_fills.h"
#include "counterpoint/kernels/stream_definition.h"

namespace counterpoint::inline v1::kernels {
namespace {

constexpr std::uint64_t kScrambleKey = 0x02461E293EC8F720u;

std::uint64_t derive_key(std::uint64_t key, std::uint64_t replica_id) {
  const PhiloxWords w = philox_block({.low = replica_id, .high = 0}, key);
  return join_words(w[0], w[1]);
}

void scramble_seed(const std::int64_t seed[2], std::uint64_t* key, Counter* counter) {
  const Counter hashed = {static_cast<std::uint64_t>(seed[0]), static_cast<std::uint64_t>(seed[1])};
  const PhiloxWords w = philox_block(hashed, kScrambleKey);
  *key = join_words(w[0], w[1]);
  *counter = {.low = 0, .high = join_words(w[2], w[3])};
}

// TensorFlow draws ranges in signed types only; unsigned ones are the same words.
bool supports(Distribution distribution, DType dtype) {
  switch (distribution) {
    case Distribution::uniform_full_int:
    case Distribution::uniform_int:
      return !is_floating(dtype);
    default:
      return is_floating(dtype);
  }
}

constexpr StreamDefinition kPhilox = {
    .name = "philox",
    .id = 1,
    .counter_words = 2,
    .words_per_block = 4,
    .advance = advance_as_tensorflow,
    .derive_key = derive_key,
    .scramble_seed = scramble_seed,
    .supports = supports,
    .fill = [](const Fill& fill) { fill_philox(fill); },
    .fill_binomial = [](const BinomialFill& fill) { fill_philox_binomial(fill); },
    .samplers = {.gamma = [](const GammaFill& fill) { fill_philox_gamma(fill); },
                 .poisson = [](const PoissonFill& fill) { fill_philox_poisson(fill); },
                 .categorical = fill_philox_categorical,
                 .bounded_normal = fill_philox_bounded_normal},
    .shuffles = true,
    .fused_scaling = false,
};

}  // namespace

const StreamDefinition& philox_stream() { return kPhilox; }

}  // namespace counterpoint::inline v1::kernels
