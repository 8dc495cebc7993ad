// Drives a vector kernel over the blocks of a fill: head, whole tiles, tail; plain or streaming
// stores.
//
//   struct Kernel {                         // one tile is two vectors of blocks
//     using T = float;
//     static constexpr int kPerBlock = 4;
//     V64 first_lanes() const, second_lanes() const;    // which block of the tile a lane computes
//     template <bool kStream> void tile(keys, segment, counter0, counter1, T* out) const;
//     static constexpr bool kThreeTiles;  // whether three_tiles takes three at once, likewise
//   };
//   FillBlocks(fill, keys, kernel);
//
// A kernel chooses which block each lane computes so that its outputs leave the unpack instructions
// in natural order. Fills beyond the cache bypass it, so that memory is not read before it is
// written.
//
// Per-target, as philox-inl.h.
#if defined(COUNTERPOINT_KERNELS_SIMD_BLOCKS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef COUNTERPOINT_KERNELS_SIMD_BLOCKS_INL_H_
#undef COUNTERPOINT_KERNELS_SIMD_BLOCKS_INL_H_
#else
#define COUNTERPOINT_KERNELS_SIMD_BLOCKS_INL_H_
#endif

#include <hwy/cache_control.h>

#include <algorithm>
#include <cstring>

#include "counterpoint/kernels/internal/philox_scalar.h"
#include "counterpoint/kernels/simd/philox-inl.h"
#include "counterpoint/kernels/simd/streaming.h"

#if COUNTERPOINT_VECTORS
HWY_BEFORE_NAMESPACE();
namespace counterpoint::inline v1::kernels::HWY_NAMESPACE {

template <bool kStream, class D, class V, class T>
HWY_INLINE void StoreVector(V v, D d, T* HWY_RESTRICT out) {
  if constexpr (kStream) {
    hn::Stream(v, d, out);
  } else {
    hn::StoreU(v, d, out);
  }
}

// Lane l of N computes block l / 2 of the vector, or N / 2 + l / 2 if l is odd: interleaving the
// lanes' 64-bit halves by InterleaveLower and InterleaveUpper then gives blocks in order.
HWY_INLINE V64 PairedLanes() {
  const D64 d;
  const V64 lane = hn::Iota(d, 0);
  const V64 odd = hn::And(lane, Broadcast64(1));
  const V64 half = Broadcast64(hn::Lanes(d) / 2);
  return hn::Add(hn::ShiftRight<1>(lane), MulLow32(odd, half));
}

HWY_INLINE std::uint64_t TileBlocks() { return 2 * hn::Lanes(D64()); }

template <class Kernel>
class BlockFiller {
 public:
  using T = typename Kernel::T;
  static constexpr std::uint64_t kPerBlock = Kernel::kPerBlock;

  BlockFiller(const Fill& fill, const PhiloxKeys& keys, const Kernel& kernel)
      : fill_(fill),
        keys_(keys),
        kernel_(kernel),
        out_(static_cast<T*>(fill.output)),
        element_(fill.first_element),
        left_(fill.count) {}

  void run() {
    scalar(std::min(left_, (kPerBlock - element_ % kPerBlock) % kPerBlock));
    const std::uint64_t tile_elements = TileBlocks() * kPerBlock;
    bool streamed = false;
    while (left_ > 0) {
      // A segment may end anywhere between blocks, so each is aligned anew.
      const bool stream = streams(fill_) && align(tile_elements);
      streamed |= stream;
      // Within a segment only the lowest counter word changes.
      const Counter counter = fill_.counter + element_ / kPerBlock;
      const std::uint64_t blocks = (std::uint64_t{1} << 32) - low_word(counter.low);
      const std::uint64_t elements = blocks < left_ / kPerBlock + 1 ? blocks * kPerBlock : left_;
      if (stream) {
        segment<true>(counter, elements / tile_elements);
      } else {
        segment<false>(counter, elements / tile_elements);
      }
      partial_tile(elements % tile_elements);
    }
    if (streamed) hwy::FlushStream();
  }

 private:
  // `count` elements by the scalar path.
  void scalar(std::uint64_t count) {
    if (count == 0) return;
    Fill part = fill_;
    part.first_element = element_;
    part.count = count;
    part.output = out_;
    fill_philox_scalar(part);
    advance(count);
  }

  // Writes elements until the output is aligned for streaming stores and a tile or more is left;
  // false, and nothing was written, if there is no such place.
  bool align(std::uint64_t tile_elements) {
    const std::uint64_t vector_bytes = hn::Lanes(D64()) * sizeof(std::uint64_t);
    const auto address = reinterpret_cast<std::uintptr_t>(out_);
    if (address % (kPerBlock * sizeof(T)) != 0) return false;
    const std::uint64_t count = (vector_bytes - address % vector_bytes) % vector_bytes / sizeof(T);
    if (count + tile_elements > left_) return false;
    scalar(count);
    return true;
  }

  template <bool kStream>
  HWY_INLINE void segment(Counter counter, std::uint64_t tiles) {
    if (tiles == 0) return;
    const PhiloxSegment segment(keys_, counter);
    const V64 start = Broadcast64(low_word(counter.low));
    V64 counter0 = hn::Add(start, kernel_.first_lanes());
    V64 counter1 = hn::Add(start, kernel_.second_lanes());
    const V64 step = Broadcast64(TileBlocks());
    const std::uint64_t tile_elements = TileBlocks() * kPerBlock;
    T* HWY_RESTRICT out = out_;
    std::uint64_t i = 0;
    if constexpr (Kernel::kThreeTiles) {
      const V64 three_steps = Broadcast64(3 * TileBlocks());
      for (; i + 3 <= tiles; i += 3) {
        kernel_.template three_tiles<kStream>(keys_, segment, counter0, counter1, out);
        counter0 = hn::Add(counter0, three_steps);
        counter1 = hn::Add(counter1, three_steps);
        out += 3 * tile_elements;
      }
    }
    for (; i < tiles; ++i) {
      kernel_.template tile<kStream>(keys_, segment, counter0, counter1, out);
      counter0 = hn::Add(counter0, step);
      counter1 = hn::Add(counter1, step);
      out += tile_elements;
    }
    advance(tiles * tile_elements);
  }

  // `count` elements, fewer than a tile.
  HWY_INLINE void partial_tile(std::uint64_t count) {
    if (count == 0) return;
    alignas(64) T buffer[4 * HWY_MAX_BYTES / sizeof(T)];
    const Counter counter = fill_.counter + element_ / kPerBlock;
    const PhiloxSegment segment(keys_, counter);
    const V64 start = Broadcast64(low_word(counter.low));
    kernel_.template tile<false>(keys_, segment, hn::Add(start, kernel_.first_lanes()),
                                 hn::Add(start, kernel_.second_lanes()), buffer);
    std::memcpy(out_, buffer, count * sizeof(T));
    advance(count);
  }

  void advance(std::uint64_t count) {
    out_ += count;
    element_ += count;
    left_ -= count;
  }

  const Fill& fill_;
  const PhiloxKeys& keys_;
  const Kernel& kernel_;
  T* out_;
  std::uint64_t element_;
  std::uint64_t left_;
};

template <class Kernel>
HWY_INLINE void FillBlocks(const Fill& fill, const PhiloxKeys& keys, const Kernel& kernel) {
  BlockFiller<Kernel>(fill, keys, kernel).run();
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace counterpoint::inline v1::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#else
HWY_BEFORE_NAMESPACE();
namespace counterpoint::inline v1::kernels::HWY_NAMESPACE {
inline const char* FillWithoutVectors(const Fill& fill) {
  fill_philox_scalar(fill);
  return "scalar";
}
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace counterpoint::inline v1::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif

#endif
