// Gamma by Philox: the first attempt of all outputs, then in queues those that the squeeze left
// open, and the second attempt of those that were rejected.
#include "counterpoint/kernels/simd/sampler_chunks.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "counterpoint/kernels/simd/philox_gamma.cc"
#include <hwy/foreach_target.h>
// After foreach_target.
#include "counterpoint/kernels/simd/dispatch-inl.h"
#include "counterpoint/kernels/simd/exp_f64-inl.h"
#include "counterpoint/kernels/simd/normal_f64-inl.h"
#include "counterpoint/kernels/simd/rounds-inl.h"

HWY_BEFORE_NAMESPACE();
namespace counterpoint::inline v1::kernels::HWY_NAMESPACE {
namespace {

#if COUNTERPOINT_VECTOR_MEMBERS

// What the candidates of one alpha share.
struct Shape {
  explicit HWY_INLINE Shape(VD alpha) {
    const MD small = hn::Lt(alpha, BroadcastF64(1.0));
    d = hn::Add(alpha, hn::IfThenElse(small, BroadcastF64(2.0 / 3), BroadcastF64(-1.0 / 3)));
    c = hn::Div(BroadcastF64(1.0 / 3), hn::Sqrt(d));
  }

  VD d;
  VD c;
};

// One candidate a lane.
struct Candidate {
  HWY_INLINE Candidate(const Shape& shape, VD normal) : z(normal), d(shape.d) {
    const DD dd;
    const VD one = BroadcastF64(1.0);
    const VD root = hn::Add(one, hn::Mul(shape.c, z));
    positive = hn::Gt(root, hn::Zero(dd));
    v = hn::Mul(hn::Mul(root, root), root);
  }

  HWY_INLINE MD squeezed(VD u) const {
    const VD z2 = hn::Mul(z, z);
    const VD bound = hn::Sub(BroadcastF64(1.0), hn::Mul(hn::Mul(BroadcastF64(0.0331), z2), z2));
    return hn::Lt(u, bound);
  }

  HWY_INLINE MD accepted(VD u) const {
    const VD half_square = hn::Mul(hn::Mul(BroadcastF64(0.5), z), z);
    const VD rest = hn::Add(hn::Sub(BroadcastF64(1.0), v), LogF64(v));
    return hn::Lt(LogF64(u), hn::Add(half_square, hn::Mul(d, rest)));
  }

  VD z;
  VD d;
  VD v;
  MD positive;
};

// -log(1 - u) of the second uniform of block 0: where alpha is 1.
void DrawExponentials(GammaChunk& chunk) {
  const DD dd;
  const D64 d64;
  const PhiloxKeys keys(chunk.key);
  const PhiloxHigh high(keys, chunk.counter_high);
  const std::uint64_t lanes = hn::Lanes(dd);
  const auto exponential = [](V64 c, V64 d) {
    return hn::Neg(LogF64(hn::Sub(BroadcastF64(1.0), UnitF64(c, d))));
  };
  for (std::uint64_t i = 0; i < chunk.count; i += 2 * lanes) {
    V64 a0, b0, c0, d0, a1, b1, c1, d1;
    PhiloxBlocks(keys, high, hn::LoadU(d64, chunk.counter + i),
                 hn::LoadU(d64, chunk.counter + i + lanes), a0, b0, c0, d0, a1, b1, c1, d1);
    hn::StoreU(exponential(c0, d0), dd, chunk.out + i);
    hn::StoreU(exponential(c1, d1), dd, chunk.out + i + lanes);
  }
}

template <bool kUniform>
class GammaKernel {
 public:
  explicit GammaKernel(GammaChunk& chunk)
      : chunk_(chunk), keys_(chunk.key), high_(keys_, chunk.counter_high) {}

  void run() {
    const std::uint64_t lanes = hn::Lanes(DD());
    open_.clear();
    rejected_.clear();
    const Shape of_all(BroadcastF64(chunk_.alpha.values[0]));
    // In a loop of its own, so that the blocks of several vectors are computed side by side.
    for (std::uint64_t i = 0; i < chunk_.count; i += lanes) draw_blocks(i);
    bool powers = false;
    for (std::uint64_t i = 0; i < chunk_.count; i += lanes) {
      powers = first_attempt(of_all, i) || powers;
    }
    open_.close();
    for (std::uint64_t i = 0; i < open_.size(); i += lanes) decide(i);
    rejected_.close();
    for (std::uint64_t i = 0; i < rejected_.size(); i += lanes) second_attempt(i);
    if (powers) {
      for (std::uint64_t i = 0; i < chunk_.count; i += lanes) raise(i);
    }
  }

 private:
  HWY_INLINE VD alphas(std::uint64_t i) const {
    if constexpr (kUniform) {
      return BroadcastF64(chunk_.alpha.values[0]);
    } else {
      return hn::LoadU(DD(), chunk_.alpha.values + i);
    }
  }

  // Block 0 gives two normals and block 1 two uniforms.
  HWY_INLINE void draw_blocks(std::uint64_t i) {
    const DD dd;
    const V64 counter = hn::LoadU(D64(), chunk_.counter + i);
    V64 a0, b0, c0, d0, a1, b1, c1, d1;
    PhiloxBlocks(keys_, high_, counter, hn::Add(counter, Broadcast64(1)), a0, b0, c0, d0, a1, b1,
                 c1, d1);
    hn::StoreU(UnitF64(a0, b0), dd, radius_ + i);
    hn::StoreU(UnitF64(c0, d0), dd, angle_ + i);
    hn::StoreU(UnitF64(a1, b1), dd, power_base_ + i);
    hn::StoreU(UnitF64(c1, d1), dd, uniform_ + i);
  }

  // True if a lane needs a power.
  HWY_INLINE bool first_attempt(const Shape& of_all, std::uint64_t i) {
    const DD dd;
    const D64 d64;
    const VD alpha = alphas(i);
    const VD one = BroadcastF64(1.0);
    const V64 counter = hn::LoadU(d64, chunk_.counter + i);
    VD sine, cosine;
    const VD angle = hn::LoadU(dd, angle_ + i);
    NormalsF64(hn::LoadU(dd, radius_ + i), angle, sine, cosine);
    const Candidate candidate(kUniform ? of_all : Shape(alpha), cosine);
    const VD u = hn::LoadU(dd, uniform_ + i);
    const VD u2 = hn::LoadU(dd, power_base_ + i);
    VD x = hn::Mul(candidate.d, candidate.v);
    MD settled = hn::And(candidate.squeezed(u), candidate.positive);
    if constexpr (!kUniform) {
      const MD exponential = hn::Eq(alpha, one);
      if (!hn::AllFalse(dd, exponential)) {
        x = hn::IfThenElse(exponential, hn::Neg(LogF64(hn::Sub(one, angle))), x);
        settled = hn::Or(settled, exponential);
      }
    }
    hn::StoreU(x, dd, chunk_.out + i);
    const MD open = hn::And(hn::Not(settled), hn::FirstN(dd, chunk_.count - i));
    open_.append(open, hn::Iota(d64, i), counter, cosine, u, sine, u2);
    return !hn::AllFalse(dd, hn::Lt(alpha, one));
  }

  // What the squeeze left open.
  HWY_INLINE void decide(std::uint64_t i) {
    const V64 index = open_.index(i);
    const VD u = open_.template column<1>(i);
    const Candidate candidate(Shape(Parameter<kUniform>(chunk_.alpha, index)),
                              open_.template column<0>(i));
    // A v of 0 or less takes no uniform, and log(0) is not in the vectors' range.
    const MD rare = hn::Not(hn::And(candidate.positive, hn::Gt(u, hn::Zero(DD()))));
    Leave(chunk_, hn::And(rare, open_.mask(i)), index);
    const MD rejected = hn::Not(hn::Or(rare, candidate.accepted(u)));
    rejected_.append(hn::And(rejected, open_.mask(i)), index, open_.counter(i),
                     open_.template column<2>(i), open_.template column<3>(i));
  }

  // The sine part and the block's first uniform; a power is then of block 2's second one.
  HWY_INLINE void second_attempt(std::uint64_t i) {
    const DD dd;
    const V64 index = rejected_.index(i);
    const VD u = rejected_.template column<1>(i);
    const Candidate candidate(Shape(Parameter<kUniform>(chunk_.alpha, index)),
                              rejected_.template column<0>(i));
    const MD positive = hn::And(candidate.positive, hn::Gt(u, hn::Zero(dd)));
    const MD accepted = hn::And(positive, hn::Or(candidate.squeezed(u), candidate.accepted(u)));
    Leave(chunk_, hn::And(hn::Not(accepted), rejected_.mask(i)), index);
    Put(chunk_, index, hn::Mul(candidate.d, candidate.v));
    const V64 counter = hn::Add(rejected_.counter(i), Broadcast64(2));
    V64 a0, b0, c0, d0, a1, b1, c1, d1;
    PhiloxBlocks(keys_, high_, counter, counter, a0, b0, c0, d0, a1, b1, c1, d1);
    hn::ScatterIndex(UnitF64(c0, d0), dd, power_base_, AsOffset(index));
  }

  HWY_INLINE void raise(std::uint64_t i) {
    const DD dd;
    const VD alpha = alphas(i);
    const VD x = hn::LoadU(dd, chunk_.out + i);
    const VD one = BroadcastF64(1.0);
    const VD power = PowOfUnitF64(hn::LoadU(dd, power_base_ + i), hn::Div(one, alpha));
    hn::StoreU(hn::IfThenElse(hn::Lt(alpha, one), hn::Mul(x, power), x), dd, chunk_.out + i);
  }

  GammaChunk& chunk_;
  PhiloxKeys keys_;
  PhiloxHigh high_;
  Queue<4> open_;      // normal, uniform, second normal, second uniform
  Queue<2> rejected_;  // second normal, second uniform
  // The uniforms of blocks 0 and 1, by what they are for.
  alignas(64) double radius_[kChunkPadded];
  alignas(64) double angle_[kChunkPadded];
  alignas(64) double uniform_[kChunkPadded];
  alignas(64) double power_base_[kChunkPadded];
};

const char* DrawGamma(GammaChunk& chunk) {
  // Lanes beyond the count: any parameters and streams will do.
  for (std::uint64_t i = 0; i < 2; ++i) {
    hn::StoreU(BroadcastF64(2.0), DD(), chunk.alpha.values + chunk.count + i * hn::Lanes(DD()));
    hn::StoreU(Broadcast64(0), D64(), chunk.counter + chunk.count + i * hn::Lanes(D64()));
  }
  if (!chunk.uniform) {
    GammaKernel<false>(chunk).run();
  } else if (chunk.alpha.values[0] == 1) {
    DrawExponentials(chunk);
  } else {
    GammaKernel<true>(chunk).run();
  }
  return hwy::TargetName(HWY_TARGET);
}

#else
const char* DrawGamma(GammaChunk& chunk) { return leave_chunk(chunk); }
#endif

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace counterpoint::inline v1::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

COUNTERPOINT_DISPATCH(draw_gamma_chunk, DrawGamma, GammaChunk&)
