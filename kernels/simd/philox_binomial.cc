// Binomial by Philox: geometric steps, and transformed rejection.
#include "counterpoint/kernels/simd/sampler_chunks.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "counterpoint/kernels/simd/philox_binomial.cc"
#include <hwy/foreach_target.h>
// After foreach_target.
#include "counterpoint/kernels/internal/stirling_tail.h"
#include "counterpoint/kernels/simd/dispatch-inl.h"
#include "counterpoint/kernels/simd/rough_f64-inl.h"
#include "counterpoint/kernels/simd/rounds-inl.h"

HWY_BEFORE_NAMESPACE();
namespace counterpoint::inline v1::kernels::HWY_NAMESPACE {
namespace {

#if COUNTERPOINT_VECTOR_MEMBERS

// ------------------------------------------------------------------ geometric steps

HWY_INLINE VD ExactStep(VD u, VD log_of_failure) {
  const VD log = hn::IfThenElse(hn::Gt(u, hn::Zero(DD())), LogF64(u),
                                BroadcastF64(-std::numeric_limits<double>::infinity()));
  return hn::Ceil(hn::Div(log, log_of_failure));
}

// ceil(log(u) / log_of_failure). Only quotients next to an integer need all bits of the logarithm.
HWY_INLINE VD Step(VD u, VD log_of_failure, VD reciprocal) {
  const DD d;
  const VD quotient = hn::Mul(RoughLog(u), reciprocal);
  const VD distance = hn::Abs(hn::Sub(quotient, hn::Round(quotient)));
  const MD clear =
      hn::And(hn::Gt(distance, hn::Mul(quotient, BroadcastF64(0x1p-40))), hn::Gt(u, hn::Zero(d)));
  const VD rough = hn::Ceil(quotient);
  if (HWY_LIKELY(hn::AllTrue(d, clear))) return rough;
  return hn::IfThenElse(clear, rough, ExactStep(u, log_of_failure));
}

// math::log1p(-p) for 0 < p <= 1/2.
HWY_INLINE VD LogOfFailure(VD p) {
  VD u, u_lo;
  TwoSum(BroadcastF64(1.0), hn::Neg(p), u, u_lo);
  return hn::Add(LogF64(u), hn::Div(u_lo, u));
}

template <bool kUniform>
void DrawSteps(BinomialStepChunk& chunk) {
  const DD dd;
  if (!kUniform) Pad(chunk.p, chunk.count);
  for (std::uint64_t i = 0; i < (kUniform ? 1 : chunk.count); i += hn::Lanes(dd)) {
    SetColumn(chunk.log_of_failure, i, LogOfFailure(Parameters<kUniform>(chunk.p, i)));
  }
  Queue<1> first, second;  // trials so far
  first.start(chunk, hn::Zero(dd));
  VD successes = hn::Zero(dd);  // before this round
  const VD one = BroadcastF64(1.0);
  const VD reciprocal_of_all = hn::Div(one, BroadcastF64(chunk.log_of_failure.values[0]));
  DrawRounds(
      chunk, first, second,
      [&](const auto& queue, std::uint64_t i, VD u, VD v, auto& next) {
        const V64 index = queue.index(i);
        const VD trials = Parameter<kUniform>(chunk.n, index);
        const VD log_of_failure = Parameter<kUniform>(chunk.log_of_failure, index);
        const VD reciprocal = kUniform ? reciprocal_of_all : hn::Div(one, log_of_failure);
        const VD sum = hn::Add(queue.template column<0>(i), Step(u, log_of_failure, reciprocal));
        const VD sum2 = hn::Add(sum, Step(v, log_of_failure, reciprocal));
        const MD done = hn::Gt(sum, trials);
        const MD done2 = hn::Or(done, hn::Gt(sum2, trials));
        Put(chunk, index, hn::IfThenElse(done, successes, hn::Add(successes, one)));
        next.append(hn::And(hn::Not(done2), queue.mask(i)), index,
                    hn::Add(queue.counter(i), Broadcast64(1)), sum2);
      },
      [&](auto&) { successes = hn::Add(successes, BroadcastF64(2.0)); });
}

// ------------------------------------------------------------------ transformed rejection

// stirling_tail(k) for k >= 0.
HWY_INLINE VD StirlingTail(VD k) {
  const DD d;
  const VD x = hn::Add(k, BroadcastF64(1.0));
  const VD square = hn::Mul(x, x);
  const VD inner = hn::Sub(BroadcastF64(1.0 / 360), hn::Div(BroadcastF64(1.0 / 1260), square));
  const VD series = hn::Div(hn::Sub(BroadcastF64(1.0 / 12), hn::Div(inner, square)), x);
  const MD small = hn::Le(k, BroadcastF64(9));
  if (hn::AllFalse(d, small)) return series;
  const V64 whole = hn::BitCast(D64(), hn::Add(hn::Floor(k), BroadcastF64(0x1p52)));
  const VD exact = hn::GatherIndex(d, kStirlingTails, AsOffset(hn::And(whole, Broadcast64(15))));
  return hn::IfThenElse(small, exact, series);
}

// What draws of a pair share: Btrs' constants.
HWY_INLINE void SetPairs(BinomialChunk& chunk, std::uint64_t i, VD n, VD p) {
  const VD one = BroadcastF64(1.0);
  const VD np = hn::Mul(n, p);
  const VD failure = hn::Sub(one, p);
  const VD deviation = hn::Sqrt(hn::Mul(np, failure));
  const VD b = hn::Add(BroadcastF64(1.15), hn::Mul(BroadcastF64(2.53), deviation));
  const VD r = hn::Div(p, failure);
  const VD m = hn::Floor(hn::Mul(hn::Add(n, one), p));
  const VD rest = hn::Sub(n, m);
  const VD at_mode = hn::Div(hn::Add(m, one), hn::Mul(r, hn::Add(rest, one)));
  SetColumn(chunk.a, i,
            hn::Add(hn::Add(BroadcastF64(-0.0873), hn::Mul(BroadcastF64(0.0248), b)),
                    hn::Mul(BroadcastF64(0.01), p)));
  SetColumn(chunk.b, i, b);
  SetColumn(chunk.c, i, hn::Add(np, BroadcastF64(0.5)));
  SetColumn(chunk.v_r, i, hn::Sub(BroadcastF64(0.92), hn::Div(BroadcastF64(4.2), b)));
  SetColumn(chunk.r, i, r);
  SetColumn(chunk.alpha, i,
            hn::Mul(hn::Add(BroadcastF64(2.83), hn::Div(BroadcastF64(5.1), b)), deviation));
  SetColumn(chunk.m, i, m);
  SetColumn(chunk.log_at_mode, i, hn::Mul(hn::Add(m, BroadcastF64(0.5)), LogF64(at_mode)));
  SetColumn(chunk.tail_of_m, i, StirlingTail(m));
  SetColumn(chunk.tail_of_rest, i, StirlingTail(rest));
}

// A log of numbers that are positive and normal; others are noted as rare.
HWY_INLINE VD LogOrRare(VD x, MD& rare) {
  const MD normal = hn::And(hn::Ge(x, BroadcastF64(std::numeric_limits<double>::min())),
                            hn::Le(x, BroadcastF64(std::numeric_limits<double>::max())));
  rare = hn::Or(rare, hn::Not(normal));
  return LogF64(x);
}

// Whether k is accepted, from log(v * alpha / (a / us^2 + b)) on.
template <bool kUniform>
HWY_INLINE MD Accepted(const BinomialChunk& chunk, V64 index, VD k, VD v, VD us, MD& rare) {
  const VD one = BroadcastF64(1.0);
  const VD half = BroadcastF64(0.5);
  const VD n = Parameter<kUniform>(chunk.n, index);
  const VD m = Parameter<kUniform>(chunk.m, index);
  const VD r = Parameter<kUniform>(chunk.r, index);
  const VD height = hn::Add(hn::Div(Parameter<kUniform>(chunk.a, index), hn::Mul(us, us)),
                            Parameter<kUniform>(chunk.b, index));
  const VD ratio = hn::Div(hn::Mul(v, Parameter<kUniform>(chunk.alpha, index)), height);
  const VD log_v = LogOrRare(ratio, rare);
  const VD rest = hn::Add(hn::Sub(n, k), one);
  const VD rest_of_m = hn::Add(hn::Sub(n, m), one);
  const VD log_rest = LogOrRare(hn::Div(rest_of_m, rest), rare);
  const VD k1 = hn::Add(k, one);
  const VD log_k = LogOrRare(hn::Div(hn::Mul(r, rest), k1), rare);
  VD bound =
      hn::Add(Parameter<kUniform>(chunk.log_at_mode, index), hn::Mul(hn::Add(n, one), log_rest));
  bound = hn::Add(bound, hn::Mul(hn::Add(k, half), log_k));
  bound = hn::Add(bound, Parameter<kUniform>(chunk.tail_of_m, index));
  bound = hn::Add(bound, Parameter<kUniform>(chunk.tail_of_rest, index));
  bound = hn::Sub(bound, StirlingTail(k));
  bound = hn::Sub(bound, StirlingTail(hn::Sub(n, k)));
  return hn::Le(log_v, bound);
}

template <bool kUniform>
void DrawTransformed(BinomialChunk& chunk) {
  const DD dd;
  if (!kUniform) {
    Pad(chunk.n, chunk.count);
    Pad(chunk.p, chunk.count);
  }
  for (std::uint64_t i = 0; i < (kUniform ? 1 : chunk.count); i += hn::Lanes(dd)) {
    SetPairs(chunk, i, Parameters<kUniform>(chunk.n, i), Parameters<kUniform>(chunk.p, i));
  }
  Queue<0> first, second;
  Queue<3> open;  // k, v, us
  first.start(chunk);
  open.clear();
  DrawRounds(
      chunk, first, second,
      [&](const auto& queue, std::uint64_t i, VD uniform, VD v, auto& next) {
        const V64 index = queue.index(i);
        const VD a = Parameter<kUniform>(chunk.a, index);
        const VD b = Parameter<kUniform>(chunk.b, index);
        const VD u = hn::Sub(uniform, BroadcastF64(0.5));
        const VD us = hn::Sub(BroadcastF64(0.5), hn::Abs(u));
        const VD slope = hn::Add(hn::Div(hn::Mul(BroadcastF64(2.0), a), us), b);
        const VD k = hn::Floor(hn::Add(hn::Mul(slope, u), Parameter<kUniform>(chunk.c, index)));
        const MD quick = hn::And(hn::Ge(us, BroadcastF64(0.07)),
                                 hn::Le(v, Parameter<kUniform>(chunk.v_r, index)));
        const MD possible =
            hn::And(hn::Ge(k, hn::Zero(dd)), hn::Le(k, Parameter<kUniform>(chunk.n, index)));
        const MD undecided = hn::And(hn::And(possible, hn::Not(quick)), queue.mask(i));
        Put(chunk, index, k);
        const V64 counter = hn::Add(queue.counter(i), Broadcast64(1));
        open.append(undecided, index, counter, k, v, us);
        next.append(hn::And(hn::Not(hn::Or(undecided, quick)), queue.mask(i)), index, counter);
      },
      [&](auto& next) {
        open.close();
        for (std::uint64_t i = 0; i < open.size(); i += hn::Lanes(dd)) {
          const V64 index = open.index(i);
          MD rare = hn::FirstN(dd, 0);
          const MD accepted =
              Accepted<kUniform>(chunk, index, open.template column<0>(i),
                                 open.template column<1>(i), open.template column<2>(i), rare);
          Leave(chunk, hn::And(rare, open.mask(i)), index);
          const MD rejected = hn::Not(hn::Or(accepted, rare));
          next.append(hn::And(rejected, open.mask(i)), index, open.counter(i));
        }
        open.clear();
      });
}

const char* DrawBinomialSteps(BinomialStepChunk& chunk) {
  chunk.uniform ? DrawSteps<true>(chunk) : DrawSteps<false>(chunk);
  return hwy::TargetName(HWY_TARGET);
}

const char* DrawBinomialTransformed(BinomialChunk& chunk) {
  chunk.uniform ? DrawTransformed<true>(chunk) : DrawTransformed<false>(chunk);
  return hwy::TargetName(HWY_TARGET);
}

#else
const char* DrawBinomialSteps(BinomialStepChunk& chunk) { return leave_chunk(chunk); }
const char* DrawBinomialTransformed(BinomialChunk& chunk) { return leave_chunk(chunk); }
#endif

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace counterpoint::inline v1::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

COUNTERPOINT_DISPATCH(draw_binomial_chunk, DrawBinomialSteps, BinomialStepChunk&)
COUNTERPOINT_DISPATCH(draw_binomial_chunk, DrawBinomialTransformed, BinomialChunk&)
