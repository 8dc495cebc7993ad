// Rejection in vectors: outputs wait in queues, and each round takes one block of each one's
// stream, puts the outputs that it settles, and queues the others for the next round.
//
//   Queue<1> first, second;
//   first.start(chunk, hn::Set(DD(), 1.0));
//   DrawRounds(chunk, first, second, step, finish);
//
// Queues stay dense, so that lanes are rarely idle however many rounds an output takes.
//
// Per-target, as philox-inl.h.
#if defined(COUNTERPOINT_KERNELS_SIMD_ROUNDS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef COUNTERPOINT_KERNELS_SIMD_ROUNDS_INL_H_
#undef COUNTERPOINT_KERNELS_SIMD_ROUNDS_INL_H_
#else
#define COUNTERPOINT_KERNELS_SIMD_ROUNDS_INL_H_
#endif

#include <algorithm>

#include "counterpoint/kernels/internal/ieee_arithmetic.h"
#include "counterpoint/kernels/simd/front_orders.h"
#include "counterpoint/kernels/simd/math_f64-inl.h"
#include "counterpoint/kernels/simd/rough_f64-inl.h"
#include "counterpoint/kernels/simd/sampler_chunks.h"
#include "counterpoint/kernels/simd/scale-inl.h"

#if COUNTERPOINT_VECTOR_MEMBERS
HWY_BEFORE_NAMESPACE();
namespace counterpoint::inline v1::kernels::HWY_NAMESPACE {

static_assert(kChunkPadded - kChunkSize >= 2 * HWY_MAX_BYTES / sizeof(double));

// The masked lanes, moved to the front. hn::Compress of AVX2 and AVX-512 copies a table of kilobytes
// at each call where the compiler is GCC.
class Front {
 public:
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3
  explicit HWY_INLINE Front(MD mask) : mask_(mask) {}
  HWY_INLINE VD operator()(VD x) const { return VD{_mm512_maskz_compress_pd(mask_.raw, x.raw)}; }
  HWY_INLINE V64 operator()(V64 x) const {
    return V64{_mm512_maskz_compress_epi64(mask_.raw, x.raw)};
  }
#elif HWY_TARGET == HWY_AVX2
  explicit HWY_INLINE Front(MD mask) : mask_(mask) {
    std::uint8_t bits[8];
    hn::StoreMaskBits(DD(), mask, bits);
    order_ = hn::Load(D32(), kFrontOrders[bits[0]].data());
  }
  HWY_INLINE V64 operator()(V64 x) const {
    const D32 d;
    return hn::BitCast(D64(),
                       hn::TableLookupLanes(hn::BitCast(d, x), hn::IndicesFromVec(d, order_)));
  }
  HWY_INLINE VD operator()(VD x) const { return hn::BitCast(DD(), (*this)(hn::BitCast(D64(), x))); }
#else
  explicit HWY_INLINE Front(MD mask) : mask_(mask) {}
  HWY_INLINE VD operator()(VD x) const { return hn::Compress(x, mask_); }
  HWY_INLINE V64 operator()(V64 x) const { return hn::Compress(x, hn::RebindMask(D64(), mask_)); }
#endif
  HWY_INLINE std::uint64_t count() const { return hn::CountTrue(DD(), mask_); }

 private:
  MD mask_;
#if HWY_TARGET == HWY_AVX2
  V32 order_;
#endif
};

// i, i + 1, i + 2, ... hn::Iota of a variable goes lane by lane through memory where the compiler is
// GCC, and waits for it.
HWY_INLINE V64 IndicesFrom(std::uint64_t i) { return hn::Add(hn::Iota(D64(), 0), Broadcast64(i)); }

HWY_INLINE hn::Vec<hn::RebindToSigned<DD>> AsOffset(V64 index) {
  return hn::BitCast(hn::RebindToSigned<DD>(), index);
}

HWY_INLINE void Put(SamplerChunk& chunk, V64 index, VD value) {
  hn::ScatterIndex(value, DD(), chunk.out, AsOffset(index));
}

// Leaves the masked lanes' outputs to the scalar code.
HWY_INLINE void Leave(SamplerChunk& chunk, MD mask, V64 index) {
  const Front front(mask);
  hn::StoreU(front(index), D64(), chunk.left + chunk.left_count);
  chunk.left_count += front.count();
}

// Leaves the outputs from i on whose rounding to f32 rough numbers may change.
HWY_INLINE void LeaveUncertain(SamplerChunk& chunk, std::uint64_t i, VD x) {
  const DD dd;
  const RoundingToF32 rounding(x);
  if (HWY_LIKELY(rounding.all_certain())) return;
  const MD uncertain = hn::And(hn::Not(rounding.certain()), hn::FirstN(dd, chunk.count - i));
  Leave(chunk, uncertain, IndicesFrom(i));
}

// The parameter of each lane's output.
template <bool kUniform>
HWY_INLINE VD Parameter(const ChunkColumn& column, V64 index) {
  if constexpr (kUniform) {
    return BroadcastF64(column.values[0]);
  } else {
    return hn::GatherIndex(DD(), column.values, AsOffset(index));
  }
}

// The parameters of the outputs from i on.
template <bool kUniform>
HWY_INLINE VD Parameters(const ChunkColumn& column, std::uint64_t i) {
  return kUniform ? BroadcastF64(column.values[0]) : hn::LoadU(DD(), column.values + i);
}

// For lanes beyond the chunk's count.
HWY_INLINE void Pad(ChunkColumn& column, std::uint64_t count) {
  hn::StoreU(BroadcastF64(1.0), DD(), column.values + count);
}

HWY_INLINE void SetColumn(ChunkColumn& column, std::uint64_t i, VD values) {
  hn::StoreU(values, DD(), column.values + i);
}

// Outputs by index, with kColumns numbers each.
template <int kColumns>
class Queue {
 public:
  std::uint64_t size() const { return size_; }
  void clear() { size_ = 0; }

  template <class... Columns>
  HWY_INLINE void append(MD mask, V64 index, V64 counter, Columns... columns) {
    static_assert(sizeof...(columns) == kColumns);
    const Front front(mask);
    hn::StoreU(front(index), D64(), index_ + size_);
    hn::StoreU(front(counter), D64(), counter_ + size_);
    [[maybe_unused]] int c = 0;
    (hn::StoreU(front(columns), DD(), column_[c++] + size_), ...);
    size_ += front.count();
  }

  // After the last append: lanes beyond the end get an index and numbers that do no harm.
  void close() {
    const D64 d;
    for (std::uint64_t i = size_; i < size_ + 2 * hn::Lanes(d); i += hn::Lanes(d)) {
      hn::StoreU(Broadcast64(kChunkSize), d, index_ + i);
      hn::StoreU(Broadcast64(0), d, counter_ + i);
      for (int c = 0; c < kColumns; ++c) hn::StoreU(BroadcastF64(1.0), DD(), column_[c] + i);
    }
  }

  // All outputs of a chunk.
  template <class... Columns>
  void start(const SamplerChunk& chunk, Columns... columns) {
    const D64 d;
    size_ = 0;
    for (std::uint64_t i = 0; i < chunk.count; i += hn::Lanes(d)) {
      hn::StoreU(IndicesFrom(i), d, index_ + i);
      hn::StoreU(hn::LoadU(d, chunk.counter + i), d, counter_ + i);
      [[maybe_unused]] int c = 0;
      (hn::StoreU(columns, DD(), column_[c++] + i), ...);
    }
    size_ = chunk.count;
    close();
  }

  // To the scalar code.
  void leave(SamplerChunk& chunk) const {
    std::copy(index_, index_ + size_, chunk.left + chunk.left_count);
    chunk.left_count += size_;
  }

  V64 index(std::uint64_t i) const { return hn::LoadU(D64(), index_ + i); }
  V64 counter(std::uint64_t i) const { return hn::LoadU(D64(), counter_ + i); }
  template <int kColumn>
  VD column(std::uint64_t i) const {
    return hn::LoadU(DD(), column_[kColumn] + i);
  }
  // Which of the lanes from i on are in the queue.
  MD mask(std::uint64_t i) const { return hn::FirstN(DD(), size_ > i ? size_ - i : 0); }

 private:
  std::uint64_t size_ = 0;
  alignas(64) std::uint64_t index_[kChunkPadded];
  alignas(64) std::uint64_t counter_[kChunkPadded];
  alignas(64) double column_[kColumns == 0 ? 1 : kColumns][kChunkPadded];
};

// step(queue, i, u, v, next) settles the outputs from place i of the queue on, or appends them to
// `next`: u and v are their blocks' uniforms in the order in which samplers take them.
// finish(next) comes at the end of each round.
template <class AnyQueue, class Step, class Finish>
HWY_INLINE void DrawRounds(SamplerChunk& chunk, AnyQueue& first, AnyQueue& second, const Step& step,
                           const Finish& finish) {
  const PhiloxKeys keys(chunk.key);
  const PhiloxHigh high(keys, chunk.counter_high);
  const std::uint64_t lanes = hn::Lanes(DD());
  AnyQueue* queue = &first;
  AnyQueue* next = &second;
  for (std::uint64_t round = 0; queue->size() != 0; ++round) {
    if (round == kMostRounds) return queue->leave(chunk);
    next->clear();
    for (std::uint64_t i = 0; i < queue->size(); i += 2 * lanes) {
      V64 a0, b0, c0, d0, a1, b1, c1, d1;
      PhiloxBlocks(keys, high, queue->counter(i), queue->counter(i + lanes), a0, b0, c0, d0, a1, b1,
                   c1, d1);
      step(*queue, i, UnitF64(c0, d0), UnitF64(a0, b0), *next);
      step(*queue, i + lanes, UnitF64(c1, d1), UnitF64(a1, b1), *next);
    }
    finish(*next);
    next->close();
    std::swap(queue, next);
  }
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace counterpoint::inline v1::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif

#endif
