// Integers by Philox: full-range, and low + x mod range.
#include "counterpoint/kernels/simd/philox_fills.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "counterpoint/kernels/simd/philox_integers.cc"
#include <hwy/foreach_target.h>
// After foreach_target.
#include "counterpoint/kernels/simd/dispatch-inl.h"
#include "counterpoint/kernels/simd/remainder-inl.h"
#include "counterpoint/kernels/simd/words-inl.h"

HWY_BEFORE_NAMESPACE();
namespace counterpoint::inline v1::kernels::HWY_NAMESPACE {
namespace {

#if COUNTERPOINT_VECTORS

// A u64 is two words in memory order, so 64-bit fills are fills of words.
Fill as_words(const Fill& fill) {
  Fill words = fill;
  words.distribution = Distribution::uniform_full_int;
  words.dtype = DType::u32;
  words.first_element = fill.first_element * 2;
  words.count = fill.count * 2;
  words.total_count = fill.total_count * 2;
  return words;
}

void FillFullRange64(const Fill& fill, const PhiloxKeys& keys) {
  // Beyond 2^63 elements the number of words has no 64-bit form: move the counter instead.
  Fill near = fill;
  near.counter = fill.counter + fill.first_element / 2;
  near.first_element = fill.first_element % 2;
  FillBlocks(as_words(near), keys, Words(KeepWords{}));
}

// In pieces that stay in the first-level cache between the two passes.
void FillRange64(const Fill& fill, const PhiloxKeys& keys) {
  constexpr std::uint64_t kPiece = 1024;
  const Remainder64 remainder(fill.range, fill.low);
  for (std::uint64_t done = 0; done < fill.count;) {
    Fill part = fill;
    part.total_count = 0;  // the second pass wants it in the cache
    part.first_element = fill.first_element + done;
    part.count = std::min(fill.count - done, kPiece - part.first_element % kPiece);
    std::uint64_t* out = static_cast<std::uint64_t*>(fill.output) + done;
    part.output = out;
    FillFullRange64(part, keys);
    for (std::uint64_t i = 0; i < part.count; ++i) out[i] = remainder(out[i]);
    done += part.count;
  }
}

const char* FillIntegers(const Fill& fill) {
  const PhiloxKeys keys(fill.key);
  const bool ranged = fill.distribution == Distribution::uniform_int;
  if (dtype_size(fill.dtype) == 8) {
    if (ranged) {
      FillRange64(fill, keys);
    } else {
      FillFullRange64(fill, keys);
    }
  } else if (ranged) {
    const Remainder32 remainder(low_word(fill.range), low_word(fill.low));
    FillBlocks(fill, keys, Words(remainder));
  } else {
    FillBlocks(fill, keys, Words(KeepWords{}));
  }
  return hwy::TargetName(HWY_TARGET);
}

#else
const char* FillIntegers(const Fill& fill) { return FillWithoutVectors(fill); }
#endif

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace counterpoint::inline v1::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

COUNTERPOINT_DISPATCH(fill_philox_integers, FillIntegers, const Fill&)
