// Random123's Philox4x32-10, as its users call it: block by block.
#include <Random123/philox.h>

#include "benchmarks.h"
#include "counterpoint/kernels/philox.h"

namespace counterpoint::bench {
namespace {

void words(std::uint32_t* out, std::size_t n) {
  using Philox = r123::Philox4x32;
  const Philox philox;
  const Philox::key_type key = {{5, 6}};
  Philox::ctr_type counter = {{0, 0, 0, 0}};
  for (std::size_t i = 0; i + 4 <= n; i += 4) {
    const Philox::ctr_type block = philox(counter, key);
    std::memcpy(out + i, block.v, sizeof block.v);
    ++counter[0];
  }
}

// It is the same generator.
bool same_words(std::span<const std::uint32_t> values) {
  for (std::size_t i = 0; i + 4 <= values.size(); i += 4) {
    const auto block = kernels::philox_block({i / 4, 0}, std::uint64_t{6} << 32 | 5);
    if (!std::equal(block.begin(), block.end(), values.begin() + static_cast<std::ptrdiff_t>(i)))
      return false;
  }
  return true;
}

void register_random123(bool small) {
  register_both<std::uint32_t>("full_int/u32", "Random123", small, words, same_words);
}

const bool kAdded = Suites::add(register_random123);

}  // namespace
}  // namespace counterpoint::bench
