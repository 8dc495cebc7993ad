// Truncated normals in batches of groups: the first block of every group at once, then the second
// block of those groups that had a candidate rejected, merged; what is still short goes to scalar
// code.
//
//   TruncatedBatch batch(fill, keys);
//   batch.run(first_group, groups, buffer);      // standard truncated normals in order
//
// The first block fills 83% of the f32 groups and the second all but one in ten thousand.
//
// Per-target, as philox-inl.h.
#if defined(COUNTERPOINT_KERNELS_SIMD_TRUNCATED_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef COUNTERPOINT_KERNELS_SIMD_TRUNCATED_INL_H_
#undef COUNTERPOINT_KERNELS_SIMD_TRUNCATED_INL_H_
#else
#define COUNTERPOINT_KERNELS_SIMD_TRUNCATED_INL_H_
#endif

#include "counterpoint/kernels/simd/blocks-inl.h"
#include "counterpoint/kernels/simd/finish-inl.h"
#include "counterpoint/kernels/simd/truncated_blocks-inl.h"

#if COUNTERPOINT_VECTORS
HWY_BEFORE_NAMESPACE();
namespace counterpoint::inline v1::kernels::HWY_NAMESPACE {

template <class T>
class TruncatedBatch {
 public:
  static constexpr std::uint64_t kSize = TruncatedBlocks<T>::kSize;  // values a group
  static constexpr std::uint64_t kStep = 64 * kSize;                 // blocks from group to group
  static constexpr std::uint64_t kGroups = kPieceElements / kSize;   // at most, a batch

  TruncatedBatch(const Fill& fill, const PhiloxKeys& keys) : fill_(fill), keys_(keys) {}

  // `buffer` has room for whole tiles, 64-byte aligned.
  HWY_INLINE void run(std::uint64_t first_group, std::uint64_t groups, T* HWY_RESTRICT buffer) {
    const Counter start = truncated_group_counter(fill_.counter, first_group, kSize);
    const std::uint64_t tile = TileBlocks();
    if (start.low + (groups + tile) * kStep < start.low) {  // the upper counter half would change
      return scalar(first_group, groups, buffer);
    }
    const PhiloxHigh high(keys_, start.high);
    const std::uint64_t short_groups = first_blocks(start.low, groups, high, buffer);
    second_blocks(short_groups, high);
    for (std::uint64_t i = 0; i < short_groups; ++i) {
      const std::uint64_t group = short_group_[i];
      if (!merge(buffer + group * kSize, second_ + i * kSize)) {
        scalar(first_group + group, 1, buffer + group * kSize);
      }
    }
  }

 private:
  // Standard candidates of every group's first block into `buffer`; notes the groups that fell
  // short.
  HWY_INLINE std::uint64_t first_blocks(std::uint64_t low, std::uint64_t groups,
                                        const PhiloxHigh& high, T* HWY_RESTRICT buffer) {
    const hn::ScalableTag<T> d;
    const std::uint64_t n = hn::Lanes(d);
    const std::uint64_t tile = TileBlocks();
    V64 lanes0, lanes1;
    TruncatedBlocks<T>::lanes(lanes0, lanes1);
    const V64 step = Broadcast64(tile * kStep);
    V64 counter0 = hn::Add(Broadcast64(low), MulLow32(lanes0, Broadcast64(kStep)));
    V64 counter1 = hn::Add(Broadcast64(low), MulLow32(lanes1, Broadcast64(kStep)));
    std::uint64_t found = 0;
    for (std::uint64_t at = 0; at < groups; at += tile) {
      T* HWY_RESTRICT out = buffer + at * kSize;
      TruncatedBlocks<T>::normals(keys_, high, counter0, counter1, out);
      counter0 = hn::Add(counter0, step);
      counter1 = hn::Add(counter1, step);
      for (std::uint64_t v = 0; v < 4; ++v) {
        const auto outside = hn::Ge(hn::Abs(hn::Load(d, out + v * n)), hn::Set(d, T{2}));
        std::uint64_t bits = mask_bits(outside);
        while (bits != 0) {
          const std::uint64_t in_vector = static_cast<std::uint64_t>(__builtin_ctzll(bits)) / kSize;
          bits &= ~(((std::uint64_t{1} << kSize) - 1) << (in_vector * kSize));
          const std::uint64_t group = at + v * (n / kSize) + in_vector;
          short_group_[found] = group;
          counter_[place_of(found)] = low + group * kStep + 1;
          found += group < groups ? 1 : 0;
        }
      }
    }
    return found;
  }

  // The next block of each noted group, in the order of the notes.
  HWY_INLINE void second_blocks(std::uint64_t count, const PhiloxHigh& high) {
    const D64 d;
    const std::uint64_t tile = TileBlocks();
    for (std::uint64_t i = 0; i < count; i += tile) {
      TruncatedBlocks<T>::normals(keys_, high, hn::Load(d, counter_ + i),
                                  hn::Load(d, counter_ + i + tile / 2), second_ + i * kSize);
    }
  }

  // Joins the accepted of both blocks in `group`; false if they are too few.
  static HWY_INLINE bool merge(T* HWY_RESTRICT group, const T* HWY_RESTRICT second) {
    const hn::FixedTag<T, 16 / sizeof(T)> d;
    T joined[4 * kSize];
    std::uint64_t kept = 0;
    const auto keep = [&](const T* from) HWY_ATTR {
      for (std::uint64_t i = 0; i < kSize; i += hn::Lanes(d)) {
        const auto v = hn::LoadU(d, from + i);
        const auto inside = hn::Lt(hn::Abs(v), hn::Set(d, T{2}));
        kept += hn::CompressStore(v, inside, d, joined + kept);
      }
    };
    keep(group);
    keep(second);
    if (kept < kSize) return false;
    std::memcpy(group, joined, kSize * sizeof(T));
    return true;
  }

  template <class M>
  static HWY_INLINE std::uint64_t mask_bits(M mask) {
    const hn::ScalableTag<T> d;
    std::uint8_t bytes[16] = {};
    hn::StoreMaskBits(d, mask, bytes);
    std::uint64_t bits;
    std::memcpy(&bits, bytes, sizeof bits);  // at most 64 lanes
    return bits;
  }

  // Where the counter of note `i` stands, so that its lane computes block i of its tile.
  std::uint64_t place_of(std::uint64_t i) const {
    const std::uint64_t tile = TileBlocks();
    return i - i % tile + TruncatedBlocks<T>::lane_of(i % tile);
  }

  void scalar(std::uint64_t first_group, std::uint64_t groups, T* buffer) const {
    Fill part = fill_;
    part.dtype = dtype_of<T>;
    part.scaled = false;
    part.first_element = first_group * kSize;
    part.count = groups * kSize;
    part.output = buffer;
    fill_philox_scalar(part);
  }

  // A batch may end with most of a tile unused, and so may the notes.
  static constexpr std::uint64_t kRoom = kGroups + 2 * HWY_MAX_BYTES / sizeof(std::uint64_t);

  const Fill& fill_;
  const PhiloxKeys& keys_;
  std::uint64_t short_group_[kRoom];
  alignas(64) std::uint64_t counter_[kRoom] = {};
  alignas(64) T second_[kRoom * kSize];
};

// Calls finish(buffer, count) for consecutive pieces of a truncated draw of standard normals.
template <class T, class Finish>
HWY_INLINE void ForTruncatedPieces(const Fill& fill, const PhiloxKeys& keys, const Finish& finish) {
  constexpr std::uint64_t kSize = TruncatedBlocks<T>::kSize;
  TruncatedBatch<T> batch(fill, keys);
  alignas(64) T buffer[kPieceElements + 4 * HWY_MAX_BYTES / sizeof(T)];
  std::uint64_t element = fill.first_element;
  for (std::uint64_t left = fill.count; left > 0;) {
    const std::uint64_t skip = element % kSize;  // only in the first piece
    const std::uint64_t count = std::min(left, kPieceElements - skip);
    batch.run(element / kSize, (skip + count + kSize - 1) / kSize, buffer);
    if (skip != 0) std::memmove(buffer, buffer + skip, count * sizeof(T));
    finish(buffer, count);
    element += count;
    left -= count;
  }
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace counterpoint::inline v1::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif

#endif
