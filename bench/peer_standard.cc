// The C++ standard library's generator, as its users call it.
#include <random>

#include "benchmarks.h"

namespace counterpoint::bench {
namespace {

bool plausible_normal(std::span<const float> values) { return plausible(values, 0, 1); }
bool plausible_uniform(std::span<const float> values) { return plausible(values, 0.5, 1.0 / 12); }
bool any_words(std::span<const std::uint32_t>) {
  // The standard fixes the 10,000th value of a default-constructed engine.
  std::mt19937 engine;
  engine.discard(9999);
  return engine() == 4123659995u;
}

void register_mt19937(bool small) {
  register_both<std::uint32_t>(
      "full_int/u32", "std::mt19937", small,
      [](std::uint32_t* out, std::size_t n) {
        static std::mt19937 engine(5);
        for (std::size_t i = 0; i < n; ++i) out[i] = static_cast<std::uint32_t>(engine());
      },
      any_words);
  register_both<float>(
      "uniform/f32", "std::mt19937", small,
      [](float* out, std::size_t n) {
        static std::mt19937 engine(5);
        std::uniform_real_distribution<float> uniform;
        for (std::size_t i = 0; i < n; ++i) out[i] = uniform(engine);
      },
      plausible_uniform);
  register_both<float>(
      "normal/f32", "std::mt19937", small,
      [](float* out, std::size_t n) {
        static std::mt19937 engine(5);
        std::normal_distribution<float> normal;
        for (std::size_t i = 0; i < n; ++i) out[i] = normal(engine);
      },
      plausible_normal);
}

const bool kAdded = Suites::add(register_mt19937);

}  // namespace
}  // namespace counterpoint::bench
