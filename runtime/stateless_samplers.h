// Stateless samplers: gamma, Poisson, categorical and bounded normal, as TensorFlow's. Pure
// functions of a seed of two integers, for Philox only: for other algorithms TensorFlow defines
// none, and they are invalid_argument.
//
//   cp::Tensor g = cp::stateless_gamma<float>({1000}, {1, 2}, /*alpha=*/2.5, /*beta=*/0.5);
//   cp::Tensor p = cp::stateless_poisson<std::int32_t>({8, 2}, {1, 2}, rates);  // rates: [2]
//   cp::Tensor c = cp::stateless_categorical<std::int64_t>(logits, 5, {1, 2});  // logits: [R, K]
//   cp::fill_stateless_gamma(std::span(buffer), {1, 2}, 0.3);
//
// `shape` is that of the result and must end with the shape that the parameters broadcast to.
// Thread-safety: pure. Determinism: the same bits on every machine and instruction set. All is
// TensorFlow's to the bit but f64 gammas and bounded normals, since the C library's logarithms,
// sines and powers, which TensorFlow takes, differ in last bits between libraries and between
// processors. Of a million f64 gammas each against the same formulas with glibc 2.36's functions, 91
// in a hundred have the same bits where alpha is below 1 (nearly all others are 1 or 2 ULP off, the
// worst 54), 93 at alpha = 1 (1 ULP), and 9,996 in 10,000 above (the worst 17, where 1 + c z, from a
// normal z, cancels). The answers recorded from TensorFlow are met within 2 ULP.
// Errors: invalid_argument for shapes, types and parameters, also NaN; an array to fill is then as
// it was. In a traced function they draw at once, and parameters that are nodes of a trace are
// failed_precondition. A draw takes up to 256 KiB of the calling thread's stack.
// Source: docs/streams.md sections 12 to 15, which name the papers.
#pragma once

#include "counterpoint/runtime/fill_target.h"
#include "counterpoint/runtime/parameter.h"
#include "counterpoint/runtime/stateless_seed.h"

namespace counterpoint::inline v1 {

// Gamma variates of shape parameter `alpha` and rate `beta`, never below the type's smallest normal
// number; infinite where the quotient by beta is above its largest, as with a denormal beta. f16, f32, f64:
// the type of parameters and results. Errors: also invalid_argument unless alpha and beta are finite and
// above 0 in that type.
COUNTERPOINT_PUBLIC Tensor stateless_gamma(const Shape& shape, const StatelessSeed& seed,
                                           const Parameter& alpha, const Parameter& beta,
                                           DType dtype,
                                           const AlgorithmName& algorithm = Algorithm::auto_select);

// Poisson variates of rate `lam` in f16, f32, f64, i32 or i64. A floating number becomes f32, as in
// TensorFlow; one that would be infinite or 0 there is invalid_argument: pass a tensor of f64.
// Rates of 0 and below give 0; infinity gives infinity, or 0 in an integer type. TensorFlow's formula
// decides in f64 by the difference of terms of size rate * log(rate): up to rates of 1e13 400,000 draws
// cannot be told from a Poisson's, at 1e14 their variance is 0.7 % off (3 standard errors), at 1e15 3 %,
// and from 3e15 on 13 to 64 %. Errors: also invalid_argument for a rate that is NaN or above the result
// type's largest value, after the number became f32: 2147483647.0 is 2147483648 there, and too large for i32.
COUNTERPOINT_PUBLIC Tensor
stateless_poisson(const Shape& shape, const StatelessSeed& seed, const Parameter& lam, DType dtype,
                  const AlgorithmName& algorithm = Algorithm::auto_select);

// [R, num_samples] classes in 0 .. K - 1 for `logits` [R, K] of any type, in i32 or i64: class j of
// row r with a probability proportional to exp(logits[r, j]). A logit that is not finite weighs
// nothing; a row without a finite one gives K. Errors: also invalid_argument for K = 0.
COUNTERPOINT_PUBLIC Tensor stateless_categorical(
    const Tensor& logits, std::int64_t num_samples, const StatelessSeed& seed,
    DType dtype = DType::i64, const AlgorithmName& algorithm = Algorithm::auto_select);

// Normals of `mean` and `stddev` conditioned on lying between `minval` and `maxval`, in f16, f32 or
// f64. The normal lies between the bounds before TensorFlow's z * stddev + mean, whose rounding may put
// the result an ULP or a few beyond one: mean 0.2816, stddev 0.422 and bounds -1.68083358 and -1.68082726
// give -1.68082714 in f32. Errors: also invalid_argument unless stddev > 0 and minval < maxval, mean and stddev are
// finite and one bound is; and for bounds so unlikely that 1001 candidates in a row were rejected.
// f16 follows the same rules, unchecked against TensorFlow.
COUNTERPOINT_PUBLIC Tensor stateless_parameterized_truncated_normal(
    const Shape& shape, const StatelessSeed& seed, const Parameter& mean, const Parameter& stddev,
    const Parameter& minval, const Parameter& maxval, DType dtype,
    const AlgorithmName& algorithm = Algorithm::auto_select);

template <Element T>
Tensor stateless_gamma(const Shape& shape, const StatelessSeed& seed, const Parameter& alpha,
                       const Parameter& beta = 1.0,
                       const AlgorithmName& algorithm = Algorithm::auto_select) {
  return stateless_gamma(shape, seed, alpha, beta, dtype_of<T>, algorithm);
}
template <Element T>
Tensor stateless_poisson(const Shape& shape, const StatelessSeed& seed, const Parameter& lam,
                         const AlgorithmName& algorithm = Algorithm::auto_select) {
  return stateless_poisson(shape, seed, lam, dtype_of<T>, algorithm);
}
template <Element T>
Tensor stateless_categorical(const Tensor& logits, std::int64_t num_samples,
                             const StatelessSeed& seed,
                             const AlgorithmName& algorithm = Algorithm::auto_select) {
  return stateless_categorical(logits, num_samples, seed, dtype_of<T>, algorithm);
}
template <Element T>
Tensor stateless_parameterized_truncated_normal(
    const Shape& shape, const StatelessSeed& seed, const Parameter& mean, const Parameter& stddev,
    const Parameter& minval, const Parameter& maxval,
    const AlgorithmName& algorithm = Algorithm::auto_select) {
  return stateless_parameterized_truncated_normal(shape, seed, mean, stddev, minval, maxval,
                                                  dtype_of<T>, algorithm);
}

// ---- filling a caller's array -------------------------------------------------------------------
// The same numbers, without an allocation where parameters are scalars (the bounded normal's may be
// tensors too, which must not lie in the array) and classes 256 at most. `shape` is one dimension by
// default. Errors: also invalid_argument if the array has another number of elements.

COUNTERPOINT_PUBLIC void fill_stateless_gamma(
    const FillTarget& out, const StatelessSeed& seed, const Parameter& alpha,
    const Parameter& beta = 1.0, ShapeView shape = {},
    const AlgorithmName& algorithm = Algorithm::auto_select);
COUNTERPOINT_PUBLIC void fill_stateless_poisson(
    const FillTarget& out, const StatelessSeed& seed, const Parameter& lam, ShapeView shape = {},
    const AlgorithmName& algorithm = Algorithm::auto_select);
// `out` holds R rows of num_samples.
COUNTERPOINT_PUBLIC void fill_stateless_categorical(
    const FillTarget& out, const Tensor& logits, std::int64_t num_samples,
    const StatelessSeed& seed, const AlgorithmName& algorithm = Algorithm::auto_select);
COUNTERPOINT_PUBLIC void fill_stateless_parameterized_truncated_normal(
    const FillTarget& out, const StatelessSeed& seed, const Parameter& mean,
    const Parameter& stddev, const Parameter& minval, const Parameter& maxval, ShapeView shape = {},
    const AlgorithmName& algorithm = Algorithm::auto_select);

}  // namespace counterpoint::inline v1
