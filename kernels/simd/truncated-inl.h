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
#include "counterpoint/kernels/simd/merge_choices.h"
#include "counterpoint/kernels/simd/truncated_blocks-inl.h"

#if COUNTERPOINT_VECTORS
HWY_BEFORE_NAMESPACE();
namespace counterpoint::inline v1::kernels::HWY_NAMESPACE {

// Elements of a piece: within the first-level cache, and enough that the waits between its passes,
// whose lengths are random, do not count.
template <class T>
inline constexpr std::uint64_t kTruncatedPiece = (16 << 10) / sizeof(T);

template <class T>
class TruncatedBatch {
 public:
  static constexpr std::uint64_t kSize = TruncatedBlocks<T>::kSize;  // values a group
  static constexpr std::uint64_t kStep = 64 * kSize;                 // blocks from group to group
  static constexpr std::uint64_t kGroups = kTruncatedPiece<T> / kSize;  // at most, a batch

  TruncatedBatch(const Fill& fill, const PhiloxKeys& keys) : fill_(fill), keys_(keys) {}

  // `buffer` has room for whole tiles, 64-byte aligned.
  HWY_INLINE void run(std::uint64_t first_group, std::uint64_t groups, T* HWY_RESTRICT buffer) {
    const Counter start = truncated_group_counter(fill_.counter, first_group, kSize);
    const std::uint64_t tile = TileBlocks();
    if (start.low + (groups + tile) * kStep < start.low) {  // the upper counter half would change
      return scalar(first_group, groups, buffer);
    }
    const PhiloxHigh high(keys_, start.high);
    const std::uint64_t notes = first_blocks(start.low, groups, high, buffer);
    second_blocks(start.low + 1, notes, high);
    for (std::uint64_t i = 0; i < notes; ++i) {
      T* const group = buffer + group_[i] * kSize;
      if (!merge(group, second_ + i * kSize)) scalar(first_group + group_[i], 1, group);
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
    std::uint64_t notes = 0;
    for (std::uint64_t at = 0; at < groups; at += tile) {
      T* HWY_RESTRICT out = buffer + at * kSize;
      TruncatedBlocks<T>::normals(keys_, high, counter0, counter1, out);
      counter0 = hn::Add(counter0, step);
      counter1 = hn::Add(counter1, step);
      for (std::uint64_t i = 0; i < tile; i += n / kSize) {
        notes += TruncatedBlocks<T>::note(out + i * kSize, at + i, group_ + notes);
      }
    }
    while (notes > 0 && group_[notes - 1] >= groups) --notes;  // of the last tile
    return notes;
  }

  // The next block of each noted group, in the order of the notes.
  HWY_INLINE void second_blocks(std::uint64_t low, std::uint64_t notes, const PhiloxHigh& high) {
    const std::uint64_t tile = TileBlocks();
    std::fill_n(group_ + notes, tile, 0);
    for (std::uint64_t i = 0; i < notes; i += tile) {
      V64 group0, group1;
      TruncatedBlocks<T>::noted(group_ + i, group0, group1);
      TruncatedBlocks<T>::normals(
          keys_, high, hn::Add(Broadcast64(low), hn::ShiftLeft<kStepBits>(group0)),
          hn::Add(Broadcast64(low), hn::ShiftLeft<kStepBits>(group1)), second_ + i * kSize);
    }
  }

  // Puts the first accepted of both blocks into `group`; false if they are too few.
  static HWY_INLINE bool merge(T* HWY_RESTRICT group, const T* HWY_RESTRICT second) {
    T both[2 * kSize];
    std::memcpy(both, group, sizeof both / 2);
    std::memcpy(both + kSize, second, sizeof both / 2);
    const std::size_t rejected = outside(group) | outside(second) << kSize;
    const MergeChoice<kSize>& choice = kMergeChoices<kSize>[rejected];
    for (std::uint64_t i = 0; i < kSize; ++i) group[i] = both[choice.from[i]];
    return choice.enough;
  }

  // A bit for each candidate of a group of magnitude 2 or more.
  static HWY_INLINE std::size_t outside(const T* HWY_RESTRICT candidates) {
    const hn::FixedTag<T, kSize> d;
    std::uint8_t bits[8];
    hn::StoreMaskBits(d, hn::Ge(hn::Abs(hn::LoadU(d, candidates)), hn::Set(d, T{2})), bits);
    return bits[0];
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

  static constexpr int kStepBits = kSize == 4 ? 8 : 7;
  static_assert(kStep == std::uint64_t{1} << kStepBits);
  // A batch may end with most of a tile unused, and so may the notes.
  static constexpr std::uint64_t kRoom = kGroups + 4 * HWY_MAX_BYTES / sizeof(std::uint64_t);

  const Fill& fill_;
  const PhiloxKeys& keys_;
  hwy::MakeUnsigned<T> group_[kRoom];  // of each note
  alignas(64) T second_[kRoom * kSize];
};

// Calls finish(buffer, count) for consecutive pieces of a truncated draw of standard normals.
template <class T, class Finish>
HWY_INLINE void ForTruncatedPieces(const Fill& fill, const PhiloxKeys& keys, const Finish& finish) {
  constexpr std::uint64_t kSize = TruncatedBlocks<T>::kSize;
  TruncatedBatch<T> batch(fill, keys);
  alignas(64) T buffer[kTruncatedPiece<T> + 4 * HWY_MAX_BYTES / sizeof(T)];
  std::uint64_t element = fill.first_element;
  for (std::uint64_t left = fill.count; left > 0;) {
    const std::uint64_t skip = element % kSize;  // only in the first piece
    const std::uint64_t count = std::min(left, kTruncatedPiece<T> - skip);
    batch.run(element / kSize, (skip + count + kSize - 1) / kSize, buffer);
    if (skip != 0) std::memmove(buffer, buffer + skip, count * sizeof(T));
    ZeroTail(buffer, count);
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
