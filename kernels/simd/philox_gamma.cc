// Gamma by Philox: the first attempt of all outputs, then in queues those that the squeeze left
// open, and the second attempt of those that were rejected.
//
// For f32 and f16 the first attempt takes rough normals and powers. What they may change is drawn
// again: an output that is squeezed by less than their bound waits with those left open, whose
// normals are exact, and one whose rounding is not certain goes to the scalar code.
#include "counterpoint/kernels/simd/sampler_chunks.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "counterpoint/kernels/simd/philox_gamma.cc"
#include <hwy/foreach_target.h>
// After foreach_target.
#include "counterpoint/kernels/simd/dispatch-inl.h"
#include "counterpoint/kernels/simd/exp_f64-inl.h"
#include "counterpoint/kernels/simd/four_blocks-inl.h"
#include "counterpoint/kernels/simd/normal_f64-inl.h"
#include "counterpoint/kernels/simd/rough_f64-inl.h"
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

  HWY_INLINE VD x() const { return hn::Mul(d, v); }

  HWY_INLINE MD squeezed(VD u) const { return hn::Lt(u, squeeze()); }

  // The same if z is rough. The bound of 2^-44 on z is less than 2^-43 on the squeeze where that is
  // above 0: |z| is below 2.35 there. Then v is above 2^-14 for every alpha, and known to 2^-39 of
  // itself.
  HWY_INLINE MD certainly_squeezed(VD u) const {
    return hn::Lt(u, hn::Sub(squeeze(), BroadcastF64(0x1p-42)));
  }

  HWY_INLINE MD accepted(VD u) const {
    const VD half_square = hn::Mul(hn::Mul(BroadcastF64(0.5), z), z);
    const VD rest = hn::Add(hn::Sub(BroadcastF64(1.0), v), LogF64(v));
    return hn::Lt(LogF64(u), hn::Add(half_square, hn::Mul(d, rest)));
  }

  HWY_INLINE VD squeeze() const {
    const VD z2 = hn::Mul(z, z);
    return hn::Sub(BroadcastF64(1.0), hn::Mul(hn::Mul(BroadcastF64(0.0331), z2), z2));
  }

  VD z;
  VD d;
  VD v;
  MD positive;
};

template <bool kUniform, bool kToF32>
class GammaKernel {
 public:
  explicit GammaKernel(GammaChunk& chunk)
      : chunk_(chunk), blocks_(chunk), keys_(chunk.key), high_(keys_, chunk.counter_high) {}

  void run() {
    const std::uint64_t lanes = hn::Lanes(DD());
    open_.clear();
    rejected_.clear();
    const Shape of_all(BroadcastF64(chunk_.alpha.values[0]));
    // In a loop of its own, so that the blocks of several vectors are computed side by side.
    for (std::uint64_t i = 0; i < chunk_.count; i += 2 * lanes) draw_blocks(i);
    bool powers = false;
    for (std::uint64_t i = 0; i < chunk_.count; i += lanes) {
      powers = first_attempt(of_all, i) || powers;
    }
    open_.close();
    for (std::uint64_t i = 0; i < open_.size(); i += lanes) decide(i);
    rejected_.close();
    for (std::uint64_t i = 0; i < rejected_.size(); i += lanes) second_attempt(i);
    if (powers || kToF32) {
      for (std::uint64_t i = 0; i < chunk_.count; i += lanes) finish(i, powers);
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
    const std::uint64_t lanes = hn::Lanes(D64());
    const V64 one = Broadcast64(1);
    const V64 counter = hn::LoadU(D64(), chunk_.counter + i);
    const V64 counter2 = hn::LoadU(D64(), chunk_.counter + i + lanes);
    blocks_(counter, hn::Add(counter, one), counter2, hn::Add(counter2, one),
            [&](std::uint64_t vector, V64 a, V64 b, V64 c, V64 d) HWY_ATTR {
              const std::uint64_t at = i + (vector / 2) * lanes;
              hn::StoreU(UnitF64(a, b), DD(), (vector % 2 == 0 ? radius_ : power_base_) + at);
              hn::StoreU(UnitF64(c, d), DD(), (vector % 2 == 0 ? angle_ : uniform_) + at);
            });
  }

  // True if a lane needs a power.
  HWY_INLINE bool first_attempt(const Shape& of_all, std::uint64_t i) {
    const DD dd;
    const D64 d64;
    const VD alpha = alphas(i);
    const VD one = BroadcastF64(1.0);
    const V64 counter = hn::LoadU(d64, chunk_.counter + i);
    const VD radius = hn::LoadU(dd, radius_ + i);
    const VD angle = hn::LoadU(dd, angle_ + i);
    VD normal, second_normal;
    if constexpr (kToF32) {
      normal = RoughNormal(radius, angle);
    } else {
      NormalsF64(radius, angle, second_normal, normal);
    }
    const Candidate candidate(kUniform ? of_all : Shape(alpha), normal);
    const VD u = hn::LoadU(dd, uniform_ + i);
    const VD u2 = hn::LoadU(dd, power_base_ + i);
    VD x = candidate.x();
    MD settled = kToF32 ? candidate.certainly_squeezed(u)
                        : hn::And(candidate.squeezed(u), candidate.positive);
    if constexpr (!kUniform) {
      const MD exponential = hn::Eq(alpha, one);
      if (!hn::AllFalse(dd, exponential)) {
        const VD rest = hn::Sub(one, angle);
        x = hn::IfThenElse(exponential, hn::Neg(kToF32 ? RoughLog(rest) : LogF64(rest)), x);
        settled = hn::Or(settled, exponential);
      }
    }
    hn::StoreU(x, dd, chunk_.out + i);
    const MD open = hn::And(hn::Not(settled), hn::FirstN(dd, chunk_.count - i));
    if constexpr (kToF32) {
      open_.append(open, IndicesFrom(i), counter, radius, u, angle, u2);
    } else {
      open_.append(open, IndicesFrom(i), counter, normal, u, second_normal, u2);
    }
    return !hn::AllFalse(dd, hn::Lt(alpha, one));
  }

  // What the squeeze left open.
  HWY_INLINE void decide(std::uint64_t i) {
    const V64 index = open_.index(i);
    const VD u = open_.template column<1>(i);
    VD normal = open_.template column<0>(i);
    VD second_normal = open_.template column<2>(i);
    if constexpr (kToF32) NormalsF64(normal, second_normal, second_normal, normal);
    const Candidate candidate(Shape(Parameter<kUniform>(chunk_.alpha, index)), normal);
    // A v of 0 or less takes no uniform, and log(0) is not in the vectors' range.
    const MD rare = hn::Not(hn::And(candidate.positive, hn::Gt(u, hn::Zero(DD()))));
    MD accepted = candidate.accepted(u);
    if constexpr (kToF32) {
      accepted = hn::Or(accepted, candidate.squeezed(u));
      put_unless(rare, index, candidate.x());
    } else {
      Leave(chunk_, hn::And(rare, open_.mask(i)), index);
    }
    const MD rejected = hn::Not(hn::Or(rare, accepted));
    rejected_.append(hn::And(rejected, open_.mask(i)), index, open_.counter(i), second_normal,
                     open_.template column<3>(i));
  }

  // Not a number where it is left to the scalar code, as finish will see.
  HWY_INLINE void put_unless(MD left, V64 index, VD x) {
    const VD nan = BroadcastF64(std::numeric_limits<double>::quiet_NaN());
    Put(chunk_, index, hn::IfThenElse(left, nan, x));
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
    if constexpr (kToF32) {
      put_unless(hn::Not(accepted), index, candidate.x());
    } else {
      Leave(chunk_, hn::And(hn::Not(accepted), rejected_.mask(i)), index);
      Put(chunk_, index, candidate.x());
    }
    const V64 counter = hn::Add(rejected_.counter(i), Broadcast64(2));
    V64 a0, b0, c0, d0, a1, b1, c1, d1;
    PhiloxBlocks(keys_, high_, counter, counter, a0, b0, c0, d0, a1, b1, c1, d1);
    hn::ScatterIndex(UnitF64(c0, d0), dd, power_base_, AsOffset(index));
  }

  HWY_INLINE void finish(std::uint64_t i, bool powers) {
    const DD dd;
    VD x = hn::LoadU(dd, chunk_.out + i);
    if (powers) {
      const VD alpha = alphas(i);
      const VD one = BroadcastF64(1.0);
      const VD base = hn::LoadU(dd, power_base_ + i);
      const VD exponent = hn::Div(one, alpha);
      const VD power = kToF32 ? RoughPowOfUnit(base, exponent) : PowOfUnitF64(base, exponent);
      x = hn::IfThenElse(hn::Lt(alpha, one), hn::Mul(x, power), x);
      hn::StoreU(x, dd, chunk_.out + i);
    }
    if constexpr (kToF32) LeaveUncertain(chunk_, i, x);
  }

  GammaChunk& chunk_;
  FourBlocks blocks_;
  PhiloxKeys keys_;
  PhiloxHigh high_;
  Queue<4>
      open_;  // normal, uniform, second normal, second uniform; to f32 not the normals but their uniforms
  Queue<2> rejected_;  // second normal, second uniform
  // The uniforms of blocks 0 and 1, by what they are for.
  alignas(64) double radius_[kChunkPadded];
  alignas(64) double angle_[kChunkPadded];
  alignas(64) double uniform_[kChunkPadded];
  alignas(64) double power_base_[kChunkPadded];
};

template <bool kToF32>
void Draw(GammaChunk& chunk) {
  if (!chunk.uniform) {
    GammaKernel<false, kToF32>(chunk).run();
  } else {
    GammaKernel<true, kToF32>(chunk).run();
  }
}

const char* DrawGamma(GammaChunk& chunk) {
  if (chunk.uniform && chunk.alpha.values[0] == 1) return draw_exponential_chunk(chunk);
  // Lanes beyond the count: any parameters and streams will do.
  for (std::uint64_t i = 0; i < 4; ++i) {
    hn::StoreU(BroadcastF64(2.0), DD(), chunk.alpha.values + chunk.count + i * hn::Lanes(DD()));
    hn::StoreU(Broadcast64(0), D64(), chunk.counter + chunk.count + i * hn::Lanes(D64()));
  }
  chunk.to_f32 ? Draw<true>(chunk) : Draw<false>(chunk);
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
