// ThreeFry blocks in 32-bit lanes, one block a lane, and their words in order or apart.
//
//   struct Finish { V32 operator()(V32 words) const; };    // what happens to each vector of words
//   ThreefryFiller<KeepWords>(key, counter, finish).run(first_word, count, out);
//   ThreefryWordsApart(ThreefryKeys(key), counter, count, first_words, second_words);
//
// Word 2 i and 2 i + 1 of a stream are the two words of the block at counter + i: the order of XLA's
// 64-bit arrays, and of its 32-bit arrays whose split axis is the last (ThreefryLayout::pairs_in_order).
//
// Per-target, as philox-inl.h.
#if defined(COUNTERPOINT_KERNELS_SIMD_THREEFRY_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef COUNTERPOINT_KERNELS_SIMD_THREEFRY_INL_H_
#undef COUNTERPOINT_KERNELS_SIMD_THREEFRY_INL_H_
#else
#define COUNTERPOINT_KERNELS_SIMD_THREEFRY_INL_H_
#endif

#include <algorithm>
#include <cstring>

#include "counterpoint/kernels/simd/philox-inl.h"
#include "counterpoint/kernels/threefry.h"

#if COUNTERPOINT_VECTORS
HWY_BEFORE_NAMESPACE();
namespace counterpoint::inline v1::kernels::HWY_NAMESPACE {

template <int kBits>
HWY_INLINE void ThreefryRound(V32& x0, V32& x1, V32& y0, V32& y1) {
  x0 = hn::Add(x0, x1);
  y0 = hn::Add(y0, y1);
  x1 = hn::Xor(hn::RotateRight<32 - kBits>(x1), x0);
  y1 = hn::Xor(hn::RotateRight<32 - kBits>(y1), y0);
}

// Four rounds and the key that follows them, for two vectors of blocks.
template <int kGroup>
HWY_INLINE void ThreefryGroup(const std::uint32_t* keys, V32& x0, V32& x1, V32& y0, V32& y1) {
  constexpr const int(&kRotations)[4] = kThreefryRotations[kGroup % 2];
  ThreefryRound<kRotations[0]>(x0, x1, y0, y1);
  ThreefryRound<kRotations[1]>(x0, x1, y0, y1);
  ThreefryRound<kRotations[2]>(x0, x1, y0, y1);
  ThreefryRound<kRotations[3]>(x0, x1, y0, y1);
  const D32 d;
  const V32 first = hn::Set(d, keys[(kGroup + 1) % 3]);
  const V32 second = hn::Set(d, keys[(kGroup + 2) % 3] + kGroup + 1);
  x0 = hn::Add(x0, first);
  y0 = hn::Add(y0, first);
  x1 = hn::Add(x1, second);
  y1 = hn::Add(y1, second);
}

struct ThreefryKeys {
  explicit ThreefryKeys(std::uint64_t key)
      : words{low_word(key), high_word(key), low_word(key) ^ high_word(key) ^ kThreefryParity} {}
  std::uint32_t words[3];
};

// Two vectors of blocks: counter + lanes, and a vector's length on. The counter's upper word is the
// same for all.
HWY_INLINE void ThreefryTile(const ThreefryKeys& keys, std::uint64_t counter, V32 lanes, V32& x0,
                             V32& x1, V32& y0, V32& y1) {
  const D32 d;
  x0 = hn::Add(lanes, hn::Set(d, low_word(counter) + keys.words[0]));
  y0 = hn::Add(x0, hn::Set(d, static_cast<std::uint32_t>(hn::Lanes(d))));
  x1 = hn::Set(d, high_word(counter) + keys.words[1]);
  y1 = x1;
  ThreefryGroup<0>(keys.words, x0, x1, y0, y1);
  ThreefryGroup<1>(keys.words, x0, x1, y0, y1);
  ThreefryGroup<2>(keys.words, x0, x1, y0, y1);
  ThreefryGroup<3>(keys.words, x0, x1, y0, y1);
  ThreefryGroup<4>(keys.words, x0, x1, y0, y1);
}

// The two words of blocks [counter, counter + count), in arrays with room for whole tiles.
HWY_INLINE void ThreefryWordsApart(const ThreefryKeys& keys, std::uint64_t counter,
                                   std::uint64_t count, std::uint32_t* HWY_RESTRICT first,
                                   std::uint32_t* HWY_RESTRICT second) {
  const D32 d;
  const std::size_t n = hn::Lanes(d);
  for (std::uint64_t at = 0; at < count; at += 2 * n) {
    const std::uint64_t start = counter + at;
    if (low_word(start) > 0xffffffffu - 2 * n) {  // the upper word changes
      const std::uint64_t key = join_words(keys.words[0], keys.words[1]);
      for (std::uint64_t i = 0; i < 2 * n; ++i) {
        const ThreefryWords w = threefry_block(start + i, key);
        first[at + i] = w[0];
        second[at + i] = w[1];
      }
      continue;
    }
    V32 x0, x1, y0, y1;
    ThreefryTile(keys, start, hn::Iota(d, 0), x0, x1, y0, y1);
    hn::StoreU(x0, d, first + at);
    hn::StoreU(y0, d, first + at + n);
    hn::StoreU(x1, d, second + at);
    hn::StoreU(y1, d, second + at + n);
  }
}

template <class Finish>
class ThreefryFiller {
 public:
  ThreefryFiller(std::uint64_t key, std::uint64_t counter, const Finish& finish)
      : keys_(key), counter_(counter), finish_(finish) {}

  // Words [first, first + count) into `out`, each vector of them finished.
  void run(std::uint64_t first, std::uint64_t count, std::uint32_t* out) const {
    const std::uint64_t tile_words = 4 * hn::Lanes(D32());
    while (count > 0) {
      // Whole tiles start at a block, and stay where the counter's upper word is the same.
      const std::uint64_t skip = first % 2;
      const std::uint64_t counter = counter_ + first / 2;
      const std::uint64_t same_high = (std::uint64_t{1} << 32) - low_word(counter);
      std::uint64_t tiles = 0;
      if (skip == 0) tiles = std::min(count / tile_words, same_high / (tile_words / 2));
      for (std::uint64_t i = 0; i < tiles; ++i)
        tile(counter + i * tile_words / 2, out + i * tile_words);
      std::uint64_t done = tiles * tile_words;
      if (tiles == 0) {
        alignas(64) std::uint32_t buffer[4 * HWY_MAX_BYTES / sizeof(std::uint32_t)];
        tile(counter, buffer);
        done = std::min({count, tile_words - skip, 2 * same_high - skip});
        std::memcpy(out, buffer + skip, done * sizeof *out);
      }
      first += done;
      out += done;
      count -= done;
    }
  }

 private:
  // Lane 4 b + r computes block 2 b + r of the lower half for r < 2, else of the upper half: the two
  // interleavings then leave words in order.
  HWY_INLINE V32 lanes() const {
    const D32 d;
    const V32 lane = hn::Iota(d, 0);
    const V32 one = hn::Set(d, 1);
    const V32 upper = hn::And(hn::ShiftRight<1>(lane), one);
    const V32 half = hn::Set(d, static_cast<std::uint32_t>(hn::Lanes(d) / 2));
    const V32 pair = hn::ShiftLeft<1>(hn::ShiftRight<2>(lane));
    return hn::Add(hn::Add(pair, hn::And(lane, one)), hn::Mul(upper, half));
  }

  HWY_INLINE void tile(std::uint64_t counter, std::uint32_t* HWY_RESTRICT out) const {
    const D32 d;
    const std::size_t n = hn::Lanes(d);
    V32 x0, x1, y0, y1;
    ThreefryTile(keys_, counter, lanes(), x0, x1, y0, y1);
    hn::StoreU(finish_(hn::InterleaveLower(d, x0, x1)), d, out);
    hn::StoreU(finish_(hn::InterleaveUpper(d, x0, x1)), d, out + n);
    hn::StoreU(finish_(hn::InterleaveLower(d, y0, y1)), d, out + 2 * n);
    hn::StoreU(finish_(hn::InterleaveUpper(d, y0, y1)), d, out + 3 * n);
  }

  ThreefryKeys keys_;
  std::uint64_t counter_;
  const Finish& finish_;
};

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace counterpoint::inline v1::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif

#endif
