// Random123's Philox4x32-10 and ThreeFry2x32-20, as their users call them: block by block.
#include <Random123/philox.h>
#include <Random123/threefry.h>

#include "benchmarks.h"
#include "counterpoint/kernels/philox.h"
#include "counterpoint/kernels/threefry.h"

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

void threefry_words(std::uint32_t* out, std::size_t n) {
  using Threefry = r123::Threefry2x32;
  Threefry threefry;
  const Threefry::key_type key = {{5, 6}};
  Threefry::ctr_type counter = {{0, 0}};
  for (std::size_t i = 0; i + 2 <= n; i += 2) {
    const Threefry::ctr_type block = threefry(counter, key);
    std::memcpy(out + i, block.v, sizeof block.v);
    ++counter[0];
  }
}

bool same_threefry_words(std::span<const std::uint32_t> values) {
  for (std::size_t i = 0; i + 2 <= values.size(); i += 2) {
    const auto block = kernels::threefry_block(i / 2, std::uint64_t{6} << 32 | 5);
    if (!std::equal(block.begin(), block.end(), values.begin() + static_cast<std::ptrdiff_t>(i)))
      return false;
  }
  return true;
}

void register_random123(bool small) {
  register_both<std::uint32_t>("threefry_full_int/u32", "Random123", small, threefry_words,
                               same_threefry_words);
  register_both<std::uint32_t>("full_int/u32", "Random123", small, words, same_words);
}

const bool kAdded = Suites::add(register_random123);

}  // namespace
}  // namespace counterpoint::bench
