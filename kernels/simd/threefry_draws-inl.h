// Draws of ThreeFry by pieces of pairs: the words of a piece, a transform of them in vectors, and the
// two elements of each pair put where the shape's layout wants them.
//
//   FillWordPairs<T>(fill, emit);        // an element a word: emit(words, T* out), a vector each
//   FillNormalPairs32<T>(fill, emit);    // emit(radius words, angle words, T* sine, T* cosine)
//   FillNormalPairs64(fill, emit);       // the same of 64-bit words
//
// Per-target, as philox-inl.h.
#if defined(COUNTERPOINT_KERNELS_SIMD_THREEFRY_DRAWS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef COUNTERPOINT_KERNELS_SIMD_THREEFRY_DRAWS_INL_H_
#undef COUNTERPOINT_KERNELS_SIMD_THREEFRY_DRAWS_INL_H_
#else
#define COUNTERPOINT_KERNELS_SIMD_THREEFRY_DRAWS_INL_H_
#endif

#include "counterpoint/kernels/internal/threefry_scalar.h"
#include "counterpoint/kernels/simd/threefry-inl.h"
#include "counterpoint/kernels/simd/threefry_pairs.h"

#if COUNTERPOINT_VECTORS
HWY_BEFORE_NAMESPACE();
namespace counterpoint::inline v1::kernels::HWY_NAMESPACE {

struct AsDrawn {
  HWY_INLINE V32 operator()(V32 words) const { return words; }
};

// Pairs of a piece: a few arrays of them stay in the first-level cache.
inline constexpr std::uint64_t kPiecePairs = 512;
// Words are made in tiles and transformed by two vectors.
// Rows that are no longer waste most of a tile of blocks: those of a piece are made at once, and
// then copied apart.
inline constexpr std::uint64_t kShortRow = 32;
inline constexpr std::uint64_t kPieceRoom = kPiecePairs + 2 * HWY_MAX_BYTES / sizeof(std::uint32_t);

// By words, since rows of a few elements are no call's worth.
template <class T>
HWY_INLINE void CopyRun(const T* HWY_RESTRICT from, std::uint64_t count, T* HWY_RESTRICT to) {
  if (count > 16) {
    std::memcpy(to, from, count * sizeof(T));
    return;
  }
#pragma GCC unroll 1
  for (std::uint64_t i = 0; i < count; ++i) to[i] = from[i];
}

// Writes those of `length` values for elements `element` and on that the slice wants.
template <class T>
void PutRun(const ThreefryPairs& pairs, const T* HWY_RESTRICT values, std::uint64_t element,
            std::uint64_t length, T* HWY_RESTRICT out) {
  const std::uint64_t from = std::max(element, pairs.first());
  const std::uint64_t to = std::min(element + length, pairs.end());
  if (from < to) CopyRun(values + (from - element), to - from, out + (from - pairs.first()));
}

// Elements 2 t and 2 t + 1 side by side.
template <class T>
HWY_INLINE void PutInOrder(const ThreefryPairs& pairs, std::uint64_t begin, std::uint64_t count,
                           const T* HWY_RESTRICT even, const T* HWY_RESTRICT odd,
                           T* HWY_RESTRICT out) {
  // Bits, so that halves are lanes too.
  using U = hwy::UnsignedFromSize<sizeof(T)>;
  const hn::ScalableTag<U> d;
  const std::uint64_t n = hn::Lanes(d);
  std::uint64_t i = 0;
  const auto one_by_one = [&](std::uint64_t to) {
    for (; i < to; ++i) {
      PutRun(pairs, even + i, 2 * (begin + i), 1, out);
      PutRun(pairs, odd + i, 2 * (begin + i) + 1, 1, out);
    }
  };
  while (i < count && 2 * (begin + i) < pairs.first()) one_by_one(i + 1);
  for (; i + n <= count && 2 * (begin + i + n) <= pairs.end(); i += n) {
    const auto a = hn::LoadU(d, reinterpret_cast<const U*>(even + i));
    const auto b = hn::LoadU(d, reinterpret_cast<const U*>(odd + i));
    hn::StoreInterleaved2(a, b, d, reinterpret_cast<U*>(out + (2 * (begin + i) - pairs.first())));
  }
  one_by_one(count);
}

template <class T>
HWY_INLINE void PutPairs(const ThreefryPairs& pairs, std::uint64_t begin, std::uint64_t count,
                         const T* even, const T* odd, T* out) {
  if (pairs.in_order()) return PutInOrder(pairs, begin, count, even, odd, out);
  pairs.for_each_run(
      begin, count,
      [&](std::uint64_t offset, std::uint64_t element, std::uint64_t length, bool has_odd) {
        PutRun(pairs, even + offset, element, length, out);
        if (has_odd) PutRun(pairs, odd + offset, element + pairs.layout().inner, length, out);
      });
}

template <class T, class Emit>
void FillWordPairs(const Fill& fill, const Emit& emit) {
  const ThreefryPairs pairs(fill);
  const ThreefryKeys keys(fill.key);
  alignas(64) std::uint32_t words[2][kPieceRoom];
  alignas(64) T values[2][kPieceRoom];
  const std::size_t n = hn::Lanes(D32());
  pairs.for_each_piece(kPiecePairs, [&](std::uint64_t begin, std::uint64_t count) HWY_ATTR {
    ThreefryWordsApart(keys, fill.counter.low + begin, count, words[0], words[1]);
    for (int word = 0; word < 2; ++word) {
      for (std::uint64_t i = 0; i < count; i += n) {
        emit(hn::Load(D32(), words[word] + i), values[word] + i);
      }
    }
    PutPairs(pairs, begin, count, values[0], values[1], static_cast<T*>(fill.output));
  });
}

// ------------------------------------------------------------------ normals

// Even and odd entries of `stream`, of which there are 2 count; entries may be two words long.
template <class D, class U>
HWY_INLINE void TakeApart(D d, const U* HWY_RESTRICT stream, std::uint64_t count,
                          U* HWY_RESTRICT even, U* HWY_RESTRICT odd) {
  for (std::uint64_t i = 0; i < count; i += hn::Lanes(d)) {
    hn::Vec<D> a, b;
    hn::LoadInterleaved2(d, stream + 2 * i, a, b);
    hn::StoreU(a, d, even + i);
    hn::StoreU(b, d, odd + i);
  }
}

// The words of radii and angles of a piece. Where the halved split axis is odd they are the two words
// of a block; else those of a block and the one `inner` on, whose first words make one row of pairs
// and second words the next.
class NormalWords32 {
 public:
  NormalWords32(const Fill& fill, const ThreefryPairs& pairs)
      : key_(fill.key), keys_(fill.key), counter_(fill.counter.low), pairs_(pairs) {}

  HWY_INLINE void draw(std::uint64_t begin, std::uint64_t count) {
    const ThreefryLayout& layout = pairs_.layout();
    if (layout.half % 2 != 0) {
      ThreefryWordsApart(keys_, counter_ + begin, count, radius, angle);
    } else if (layout.inner == 1) {
      // Blocks 2 q and 2 q + 1 in order are two radii, then two angles.
      const AsDrawn as_drawn;
      ThreefryFiller<AsDrawn>(key_, counter_ + begin, as_drawn).run(0, 2 * count, scratch_);
      TakeApart(D64(), reinterpret_cast<const std::uint64_t*>(scratch_), count / 2,
                reinterpret_cast<std::uint64_t*>(radius), reinterpret_cast<std::uint64_t*>(angle));
    } else {
      by_rows(begin, count);
    }
  }

  alignas(64) std::uint32_t radius[kPieceRoom];
  alignas(64) std::uint32_t angle[kPieceRoom];

 private:
  void by_rows(std::uint64_t begin, std::uint64_t count) {
    const std::uint64_t inner = pairs_.layout().inner;
    std::uint32_t* const words[2] = {scratch_, scratch_ + kScratch};
    const std::uint64_t first_block = begin / inner / 2 * 2 * inner;
    const bool at_once = inner <= kShortRow;
    if (at_once) {
      const std::uint64_t end_block = ((begin + count - 1) / inner / 2 + 1) * 2 * inner;
      ThreefryWordsApart(keys_, counter_ + first_block, end_block - first_block, words[0],
                         words[1]);
    }
    std::uint64_t pair_row = begin / inner;
    std::uint64_t column = begin % inner;
    for (std::uint64_t done = 0; done < count; ++pair_row, column = 0) {
      const std::uint64_t length = std::min(inner - column, count - done);
      const std::uint64_t block = pair_row / 2 * 2 * inner + column;
      const std::uint32_t* const wanted = words[pair_row % 2];
      const auto take = [&](std::uint64_t from, std::uint32_t* to) HWY_ATTR {
        if (!at_once) ThreefryWordsApart(keys_, counter_ + from, length, words[0], words[1]);
        CopyRun(wanted + (at_once ? from - first_block : 0), length, to + done);
      };
      take(block, radius);
      take(block + inner, angle);
      done += length;
    }
  }

  static constexpr std::uint64_t kScratch = kPieceRoom + 4 * kShortRow;

  std::uint64_t key_;
  ThreefryKeys keys_;
  std::uint64_t counter_;
  const ThreefryPairs& pairs_;
  alignas(64) std::uint32_t scratch_[2 * kScratch];
};

template <class T, class Emit>
void FillNormalPairs32(const Fill& fill, const Emit& emit) {
  const ThreefryPairs pairs(fill);
  NormalWords32 words(fill, pairs);
  alignas(64) T sine[kPieceRoom];
  alignas(64) T cosine[kPieceRoom];
  const D32 d;
  pairs.for_each_piece(kPiecePairs, [&](std::uint64_t begin, std::uint64_t count) HWY_ATTR {
    words.draw(begin, count);
    for (std::uint64_t i = 0; i < count; i += hn::Lanes(d)) {
      emit(hn::Load(d, words.radius + i), hn::Load(d, words.angle + i), sine + i, cosine + i);
    }
    PutPairs(pairs, begin, count, sine, cosine, static_cast<T*>(fill.output));
  });
}

// Elements of XLA's u64 array of that shape: radius and angle `inner` elements apart.
template <class Emit>
void FillNormalPairs64(const Fill& fill, const Emit& emit) {
  const ThreefryPairs pairs(fill);
  const std::uint64_t inner = pairs.layout().inner;
  const AsDrawn as_drawn;
  alignas(64) std::uint64_t stream[2 * kPieceRoom + 4 * kShortRow];
  alignas(64) std::uint64_t radius[kPieceRoom];
  alignas(64) std::uint64_t angle[kPieceRoom];
  alignas(64) double sine[kPieceRoom];
  alignas(64) double cosine[kPieceRoom];
  const D64 d;
  const auto blocks = [&](std::uint64_t block, std::uint64_t count, std::uint64_t* out) HWY_ATTR {
    const ThreefryFiller<AsDrawn> filler(fill.key, fill.counter.low + block, as_drawn);
    filler.run(0, 2 * count, reinterpret_cast<std::uint32_t*>(out));
  };
  pairs.for_each_piece(kPiecePairs, [&](std::uint64_t begin, std::uint64_t count) HWY_ATTR {
    if (inner == 1) {
      blocks(2 * begin, 2 * count, stream);
      TakeApart(d, stream, count, radius, angle);
    } else {
      const std::uint64_t first_block = begin / inner * 2 * inner;
      const bool at_once = inner <= kShortRow;
      if (at_once) {
        const std::uint64_t end_block = ((begin + count - 1) / inner + 1) * 2 * inner;
        blocks(first_block, end_block - first_block, stream);
      }
      std::uint64_t pair_row = begin / inner;
      std::uint64_t column = begin % inner;
      for (std::uint64_t done = 0; done < count; ++pair_row, column = 0) {
        const std::uint64_t length = std::min(inner - column, count - done);
        const auto take = [&](std::uint64_t from, std::uint64_t* to) HWY_ATTR {
          if (at_once) {
            CopyRun(stream + (from - first_block), length, to + done);
          } else {
            blocks(from, length, to + done);
          }
        };
        take(pair_row * 2 * inner + column, radius);
        take((pair_row * 2 + 1) * inner + column, angle);
        done += length;
      }
    }
    for (std::uint64_t i = 0; i < count; i += hn::Lanes(d)) {
      emit(hn::Load(d, radius + i), hn::Load(d, angle + i), sine + i, cosine + i);
    }
    PutPairs(pairs, begin, count, sine, cosine, static_cast<double*>(fill.output));
  });
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace counterpoint::inline v1::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#else
HWY_BEFORE_NAMESPACE();
namespace counterpoint::inline v1::kernels::HWY_NAMESPACE {
inline const char* FillThreefryWithoutVectors(const Fill& fill) {
  fill_threefry_scalar(fill);
  return "scalar";
}
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace counterpoint::inline v1::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif

#endif
