// cuRAND's host generator: Philox4x32-10 on the CPU.
#include <curand.h>

#include "benchmarks.h"

namespace counterpoint::bench {
namespace {

curandGenerator_t generator() {
  static curandGenerator_t instance = [] {
    curandGenerator_t made = nullptr;
    if (curandCreateGeneratorHost(&made, CURAND_RNG_PSEUDO_PHILOX4_32_10) != CURAND_STATUS_SUCCESS)
      return curandGenerator_t{};
    curandSetPseudoRandomGeneratorSeed(made, 5);
    return made;
  }();
  return instance;
}

bool plausible_normal(std::span<const float> values) { return plausible(values, 0, 1); }
bool plausible_uniform(std::span<const float> values) { return plausible(values, 0.5, 1.0 / 12); }
bool any_words(std::span<const std::uint32_t> values) {
  double ones = 0;
  for (const std::uint32_t w : values) ones += __builtin_popcount(w);
  const double n = 32.0 * static_cast<double>(values.size());
  return std::abs(ones / n - 0.5) < 3 / std::sqrt(n);
}

void register_curand(bool small) {
  if (generator() == nullptr) return;  // its host generators need a driver with some versions
  register_both<std::uint32_t>(
      "full_int/u32", "cuRAND-host", small,
      [](std::uint32_t* out, std::size_t n) { curandGenerate(generator(), out, n); }, any_words);
  register_both<float>(
      "uniform/f32", "cuRAND-host", small,
      [](float* out, std::size_t n) { curandGenerateUniform(generator(), out, n); },
      plausible_uniform);
  register_both<float>(
      "normal/f32", "cuRAND-host", small,
      [](float* out, std::size_t n) { curandGenerateNormal(generator(), out, n, 0, 1); },
      plausible_normal);
}

const bool kAdded = Suites::add(register_curand);

}  // namespace
}  // namespace counterpoint::bench
