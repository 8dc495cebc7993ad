// Sees that the compiler keeps IEEE arithmetic, of which the promised bits are made.
//
//   #include "counterpoint/kernels/internal/ieee_arithmetic.h"   // nothing else to do
//
// Every private header of the kernels through which numbers pass includes it: -ffast-math fails to
// compile, and so do processors that compute floats in wider registers.
#pragma once

#include <cfloat>

#if defined(__FAST_MATH__) || defined(__ASSOCIATIVE_MATH__) || defined(__RECIPROCAL_MATH__) || \
    (defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__)
#error \
    "Counterpoint's kernels need IEEE arithmetic: compile them without -ffast-math, -Ofast and \
their parts, or with -fno-fast-math -ffp-contract=off after them"
#endif

// 16 is 0 for all types but _Float16, which nothing here computes in.
static_assert(FLT_EVAL_METHOD == 0 || FLT_EVAL_METHOD == 16,
              "Counterpoint's kernels need float and double computed in their own types: on x86 "
              "compile with -msse2 -mfpmath=sse");
