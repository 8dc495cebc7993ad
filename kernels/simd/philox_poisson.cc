// Poisson by Philox: products of uniforms, and transformed rejection.
#include "counterpoint/kernels/simd/sampler_chunks.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "counterpoint/kernels/simd/philox_poisson.cc"
#include <hwy/foreach_target.h>
// After foreach_target.
#include "counterpoint/kernels/simd/dispatch-inl.h"
#include "counterpoint/kernels/simd/exp_f64-inl.h"
#include "counterpoint/kernels/simd/rounds-inl.h"

HWY_BEFORE_NAMESPACE();
namespace counterpoint::inline v1::kernels::HWY_NAMESPACE {
namespace {

#if COUNTERPOINT_VECTOR_MEMBERS

template <bool kUniform>
void DrawProducts(PoissonProductChunk& chunk) {
  if (!kUniform) Pad(chunk.rate, chunk.count);
  for (std::uint64_t i = 0; i < (kUniform ? 1 : chunk.count); i += hn::Lanes(DD())) {
    SetColumn(chunk.limit, i, ExpF64(hn::Neg(Parameters<kUniform>(chunk.rate, i))));
  }
  Queue<1> first, second;  // the product so far
  first.start(chunk, BroadcastF64(1.0));
  VD successes = hn::Zero(DD());  // before this round
  DrawRounds(
      chunk, first, second,
      [&](const auto& queue, std::uint64_t i, VD u, VD v, auto& next) {
        const V64 index = queue.index(i);
        const VD limit = Parameter<kUniform>(chunk.limit, index);
        const VD product = hn::Mul(queue.template column<0>(i), u);
        const VD product2 = hn::Mul(product, v);
        const MD done = hn::Le(product, limit);
        const MD done2 = hn::Or(done, hn::Le(product2, limit));
        const VD x = hn::IfThenElse(done, successes, hn::Add(successes, BroadcastF64(1.0)));
        Put(chunk, index, x);
        next.append(hn::And(hn::Not(done2), queue.mask(i)), index,
                    hn::Add(queue.counter(i), Broadcast64(1)), product2);
      },
      [&](auto&) { successes = hn::Add(successes, BroadcastF64(2.0)); });
}

// What draws of a rate share: PoissonRate's constants.
HWY_INLINE void SetRates(PoissonChunk& chunk, std::uint64_t i, VD rate) {
  const VD b = hn::Add(BroadcastF64(0.931), hn::Mul(BroadcastF64(2.53), hn::Sqrt(rate)));
  const VD a = hn::Add(BroadcastF64(-0.059), hn::Mul(BroadcastF64(0.02483), b));
  const VD b_less = hn::Sub(b, BroadcastF64(3.4));
  SetColumn(chunk.log_rate, i, LogF64(rate));
  SetColumn(chunk.a, i, a);
  SetColumn(chunk.b, i, b);
  SetColumn(chunk.inverse_alpha, i,
            hn::Add(BroadcastF64(1.1239), hn::Div(BroadcastF64(1.1328), b_less)));
  SetColumn(
      chunk.v_r, i,
      hn::Sub(BroadcastF64(0.9277), hn::Div(BroadcastF64(3.6224), hn::Sub(b, BroadcastF64(2.0)))));
}

template <bool kUniform>
void DrawTransformed(PoissonChunk& chunk) {
  const DD dd;
  if (!kUniform) Pad(chunk.rate, chunk.count);
  for (std::uint64_t i = 0; i < (kUniform ? 1 : chunk.count); i += hn::Lanes(dd)) {
    SetRates(chunk, i, Parameters<kUniform>(chunk.rate, i));
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
        const VD shifted = hn::Add(hn::Mul(slope, u), Parameter<kUniform>(chunk.rate, index));
        const VD k = hn::Floor(hn::Add(shifted, BroadcastF64(0.43)));
        const MD fits = hn::And(hn::Le(k, BroadcastF64(chunk.largest)), queue.mask(i));
        const MD quick = hn::And(hn::Ge(us, BroadcastF64(0.07)),
                                 hn::Le(v, Parameter<kUniform>(chunk.v_r, index)));
        const MD outside = hn::And(hn::Lt(us, BroadcastF64(0.013)), hn::Gt(v, us));
        const MD possible = hn::And(hn::Ge(k, hn::Zero(dd)), hn::Not(outside));
        const MD undecided = hn::And(hn::And(fits, possible), hn::Not(quick));
        Put(chunk, index, k);
        const V64 counter = hn::Add(queue.counter(i), Broadcast64(1));
        open.append(undecided, index, counter, k, v, us);
        const MD again = hn::Not(hn::Or(undecided, hn::And(fits, quick)));
        next.append(hn::And(again, queue.mask(i)), index, counter);
      },
      [&](auto& next) {
        open.close();
        for (std::uint64_t i = 0; i < open.size(); i += hn::Lanes(dd)) {
          const V64 index = open.index(i);
          const VD k = open.template column<0>(i);
          const VD us = open.template column<2>(i);
          const VD height = hn::Add(hn::Div(Parameter<kUniform>(chunk.a, index), hn::Mul(us, us)),
                                    Parameter<kUniform>(chunk.b, index));
          const VD scaled =
              hn::Mul(open.template column<1>(i), Parameter<kUniform>(chunk.inverse_alpha, index));
          const VD ratio = hn::Div(scaled, height);
          const VD k_log_rate = hn::Mul(k, Parameter<kUniform>(chunk.log_rate, index));
          const VD minus_rate = hn::Neg(Parameter<kUniform>(chunk.rate, index));
          const VD bound = hn::Sub(hn::Add(minus_rate, k_log_rate), LogFactorialF64(k));
          // The log of a number below the normal ones, or 0, is the scalar code's.
          const MD normal = hn::Ge(ratio, BroadcastF64(std::numeric_limits<double>::min()));
          Leave(chunk, hn::And(hn::Not(normal), open.mask(i)), index);
          const MD rejected = hn::And(normal, hn::Not(hn::Le(LogF64(ratio), bound)));
          next.append(hn::And(rejected, open.mask(i)), index, open.counter(i));
        }
        open.clear();
      });
}

const char* DrawPoissonProducts(PoissonProductChunk& chunk) {
  chunk.uniform ? DrawProducts<true>(chunk) : DrawProducts<false>(chunk);
  return hwy::TargetName(HWY_TARGET);
}

const char* DrawPoissonTransformed(PoissonChunk& chunk) {
  chunk.uniform ? DrawTransformed<true>(chunk) : DrawTransformed<false>(chunk);
  return hwy::TargetName(HWY_TARGET);
}

#else
const char* DrawPoissonProducts(PoissonProductChunk& chunk) { return leave_chunk(chunk); }
const char* DrawPoissonTransformed(PoissonChunk& chunk) { return leave_chunk(chunk); }
#endif

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace counterpoint::inline v1::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

COUNTERPOINT_DISPATCH(draw_poisson_chunk, DrawPoissonProducts, PoissonProductChunk&)
COUNTERPOINT_DISPATCH(draw_poisson_chunk, DrawPoissonTransformed, PoissonChunk&)
