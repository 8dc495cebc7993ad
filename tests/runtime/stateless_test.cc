// Stateless functions: the recorded examples of docs/streams.md, that arrays and tensors
// agree, and that bad arguments are errors which change nothing.
#include "counterpoint/runtime/stateless.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "runtime/expect_error.h"

namespace counterpoint {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

template <class T>
std::vector<T> elements(const Tensor& tensor) {
  const auto span = tensor.values<T>();
  return {span.begin(), span.end()};
}
std::vector<std::uint32_t> bits(const Tensor& tensor) {
  std::vector<std::uint32_t> result;
  for (const float x : tensor.values<float>()) result.push_back(std::bit_cast<std::uint32_t>(x));
  return result;
}
using Bits = std::vector<std::uint32_t>;
using Ints = std::vector<std::int32_t>;
using Longs = std::vector<std::int64_t>;

TEST(Stateless, RecordedExamples) {
  EXPECT_EQ(bits(stateless_normal<float>({2, 3}, {1, 2})),
            (Bits{0x3f0b4acd, 0x3e545b81, 0x3d96a8e4, 0x3d3e3228, 0xbfa69a7f, 0xbf742ff1}));
  EXPECT_EQ(bits(stateless_gamma<float>({2}, {1, 2}, 0.3)), (Bits{0x3bbd3b73, 0x3e9fffa2}));
  EXPECT_EQ(stateless_gamma<float>({2}, {1, 2}, 1).item<float>(0), 3.4994423f);
  EXPECT_EQ(elements<std::int32_t>(stateless_poisson<std::int32_t>({4}, {1, 2}, 3)),
            (Ints{5, 5, 4, 6}));
  EXPECT_EQ(elements<std::int32_t>(stateless_poisson<std::int32_t>({4}, {1, 2}, 12.0)),
            (Ints{16, 14, 17, 21}));
  const Tensor rates = Tensor::from<float>({3, 12}, {2});
  EXPECT_EQ(elements<std::int64_t>(stateless_poisson<std::int64_t>({2, 2}, {1, 2}, rates)),
            (Longs{5, 17, 5, 21}));
  const Tensor logits = Tensor::from<float>({0, 1, 2, -1, 3, .1f, .2f, .3f}, {2, 4});
  EXPECT_EQ(elements<std::int64_t>(stateless_categorical<std::int64_t>(logits, 5, {1, 2})),
            (Longs{2, 3, 1, 2, 2, 0, 0, 0, 0, 0}));
  const auto bounded = [](double mean, double stddev, double low, double high) {
    return bits(
        stateless_parameterized_truncated_normal<float>({3}, {1, 2}, mean, stddev, low, high));
  };
  EXPECT_EQ(bounded(0, 1, -2, 2), (Bits{0x3f0b4acd, 0x3e545b81, 0x3d96a8e4}));
  EXPECT_EQ(bounded(1, 2, 0, 1.5), (Bits{0x3fa20f42, 0x3e937da6, 0x3fbf465d}));
  EXPECT_EQ(bounded(0, 1, 3, 4), (Bits{0x404348fd, 0x404012c5, 0x40593abf}));
}

TEST(Stateless, ThreefrysRecordedExamples) {
  const StatelessSeed seed{1, 2};
  const auto alg = Algorithm::threefry;
  EXPECT_EQ(elements<std::uint32_t>(stateless_uniform_full_int<std::uint32_t>({2, 3}, seed, alg)),
            (Bits{0x257edf33, 0x87639233, 0x96a633a7, 0x8bb042e4, 0x4836b2f1, 0xa53c05d2}));
  EXPECT_EQ(bits(stateless_normal<float>({2, 3}, seed, 0, 1, alg)),
            (Bits{0xbf0dfbdf, 0x3f8d8d7e, 0xbf50c1b0, 0xbff0a2f9, 0xbe676eb5, 0xbf20fdb8}));
  EXPECT_EQ(bits(stateless_normal<float>({}, seed, 0, 1, alg)), (Bits{0xbf0dfbdf}));
  EXPECT_EQ(elements<std::int32_t>(stateless_uniform<std::int32_t>({3}, seed, -10, 10, alg)),
            (Ints{-3, -6, 1}));
}

TEST(Stateless, WhatTensorFlowLacksForThreefryIsAnErrorThatSaysSo) {
  const auto alg = Algorithm::threefry;
  const Tensor logits(DType::f32, {1, 3});
  const auto expect_undefined = [](const char* what, auto call) {
    expect_error(ErrorCode::invalid_argument, {what, "threefry", "use Philox"}, call);
  };
  expect_undefined("binomial", [&] { (void)stateless_binomial<int>({2}, {1, 2}, 3, 0.5, alg); });
  expect_undefined("gamma", [&] { (void)stateless_gamma<float>({2}, {1, 2}, 1, 1, alg); });
  expect_undefined("poisson", [&] { (void)stateless_poisson<float>({2}, {1, 2}, 1, alg); });
  expect_undefined("categorical", [&] {
    (void)stateless_categorical<int>(logits, 1, {1, 2}, alg);
  });
  expect_undefined("parameterized_truncated_normal", [&] {
    (void)stateless_parameterized_truncated_normal<float>({2}, {1, 2}, 0, 1, 0, 1, alg);
  });
  expect_undefined("shuffle", [&] { (void)stateless_shuffle(logits, {1, 2}, alg); });
  expect_error(ErrorCode::invalid_argument, {"threefry", "truncated_normal", "f64"}, [&] {
    (void)stateless_truncated_normal<double>({2}, {1, 2}, 0, 1, alg);
  });
}

TEST(Stateless, ArraysGetWhatTensorsGet) {
  const StatelessSeed seed{8, 9};
  std::vector<float> f32(24);
  std::vector<double> f64(24);
  std::vector<std::int32_t> i32(24);
  const std::array<std::int64_t, 2> shape = {4, 6};
  for (const Algorithm alg : {Algorithm::philox, Algorithm::threefry}) {
    fill_stateless_normal(f32, seed, 1, 2, shape, alg);
    EXPECT_EQ(f32, elements<float>(stateless_normal<float>({4, 6}, seed, 1, 2, alg)));
    fill_stateless_truncated_normal(std::span(f32), seed, 1, 2, {}, alg);
    EXPECT_EQ(f32, elements<float>(stateless_truncated_normal<float>({24}, seed, 1, 2, alg)));
    fill_stateless_uniform(f64, seed, -1, 3, shape, alg);
    EXPECT_EQ(f64, elements<double>(stateless_uniform<double>({4, 6}, seed, -1, 3, alg)));
    fill_stateless_uniform_full_int(i32, seed, shape, alg);
    EXPECT_EQ(i32,
              elements<std::int32_t>(stateless_uniform_full_int<std::int32_t>({4, 6}, seed, alg)));
  }
  fill_stateless_binomial(i32, seed, 20, 0.3, shape);
  EXPECT_EQ(i32, elements<std::int32_t>(stateless_binomial<std::int32_t>({4, 6}, seed, 20, 0.3)));
  fill_stateless_gamma(f64, seed, 0.7, 2, shape);
  EXPECT_EQ(f64, elements<double>(stateless_gamma<double>({4, 6}, seed, 0.7, 2)));
  fill_stateless_poisson(f32, seed, 40);
  EXPECT_EQ(f32, elements<float>(stateless_poisson<float>({24}, seed, 40)));
  const Tensor logits = stateless_normal<double>({4, 9}, {1, 1});
  fill_stateless_categorical(i32, logits, 6, seed);
  EXPECT_EQ(i32, elements<std::int32_t>(stateless_categorical<std::int32_t>(logits, 6, seed)));
  fill_stateless_parameterized_truncated_normal(f64, seed, 0, 1, -1, 5);
  EXPECT_EQ(f64, elements<double>(
                     stateless_parameterized_truncated_normal<double>({24}, seed, 0, 1, -1, 5)));
}

// Stream number b * samples + s of parameter set b lies at s * batch + b.
TEST(Stateless, ParametersBroadcastAgainstEachOther) {
  const Tensor alpha = Tensor::from<float>({0.3f, 1, 2.5f}, {3});
  const Tensor beta = Tensor::from<float>({1, 2}, {2, 1});
  const Tensor all = stateless_gamma<float>({5, 2, 3}, {1, 2}, alpha, beta);
  for (int b = 0; b < 6; ++b) {
    const Tensor whole =
        stateless_gamma<float>({30}, {1, 2}, alpha.item<float>(b % 3), beta.item<float>(b / 3));
    for (int s = 0; s < 5; ++s) {
      EXPECT_EQ(all.item<float>(s * 6 + b), whole.item<float>(b * 5 + s)) << b << ' ' << s;
    }
  }
  expect_error(ErrorCode::invalid_argument, {"gamma", "[2]", "end with [2, 3]"}, [&] {
    (void)stateless_gamma<float>({2}, {1, 2}, alpha, beta);
  });
}

TEST(Stateless, EmptyShapesOfAnyRank) {
  EXPECT_EQ(stateless_normal<float>({3, 0, 2}, {1, 2}).shape(), (Shape{3, 0, 2}));
  EXPECT_EQ(stateless_gamma<float>({0}, {1, 2}, 2).size(), 0);
  EXPECT_EQ(stateless_poisson<float>({2, 0}, {1, 2}, Tensor(DType::f32, {0})).size(), 0);
  EXPECT_EQ(stateless_categorical<int>(Tensor(DType::f32, {0, 3}), 4, {1, 2}).shape(),
            (Shape{0, 4}));
  EXPECT_EQ(stateless_categorical<int>(Tensor(DType::f32, {3, 3}), 0, {1, 2}).shape(),
            (Shape{3, 0}));
  EXPECT_EQ(stateless_parameterized_truncated_normal<float>({0, 2}, {1, 2}, 0, 1, 0, 1).size(), 0);
}

TEST(Stateless, BadParametersAreErrorsAndNeverHangs) {
  const auto invalid = [](auto call) { expect_error(ErrorCode::invalid_argument, {}, call); };
  const StatelessSeed seed{1, 2};
  for (const double bad : {kNan, 0.0, -1.0, kInfinity}) {
    invalid([&] { (void)stateless_gamma<double>({2}, seed, bad); });
    invalid([&] { (void)stateless_gamma<double>({2}, seed, 1, bad); });
    invalid(
        [&] { (void)stateless_parameterized_truncated_normal<float>({2}, seed, 0, bad, 0, 1); });
  }
  invalid([&] { (void)stateless_gamma<Float16>({2}, seed, 1e-9); });  // 0 in f16
  invalid([&] { (void)stateless_gamma<BFloat16>({2}, seed, 1); });
  invalid([&] { (void)stateless_gamma<int>({2}, seed, 1); });
  expect_error(ErrorCode::invalid_argument, {"rate", "1e+39", "inf in f32", "f64"},
               [&] { (void)stateless_poisson<std::int32_t>({2}, seed, 1e39); });
  invalid([&] { (void)stateless_poisson<double>({2}, seed, 1e200); });
  invalid([&] { (void)stateless_poisson<double>({2}, seed, 1e-50); });
  expect_error(ErrorCode::invalid_argument, {"alpha", "1e+39", "inf in f32", "f64"},
               [&] { (void)stateless_gamma<float>({2}, seed, 1e39); });
  expect_error(ErrorCode::invalid_argument, {"beta", "1e-50", "f32"},
               [&] { (void)stateless_gamma<float>({2}, seed, 1, 1e-50); });
  invalid([&] { (void)stateless_poisson<float>({2}, seed, kNan); });
  invalid([&] { (void)stateless_poisson<std::int32_t>({2}, seed, 3e9); });
  invalid([&] { (void)stateless_poisson<Float16>({2}, seed, 1e5); });
  invalid([&] { (void)stateless_poisson<std::uint32_t>({2}, seed, 1); });
  invalid([&] { (void)stateless_categorical<int>(Tensor(DType::f32, {2, 0}), 1, seed); });
  invalid([&] { (void)stateless_categorical<int>(Tensor(DType::f32, {2}), 1, seed); });
  invalid([&] { (void)stateless_categorical<int>(Tensor(DType::f32, {2, 2}), -1, seed); });
  invalid([&] { (void)stateless_categorical<float>(Tensor(DType::f32, {2, 2}), 1, seed); });
  const auto bounded = [&](double mean, double low, double high) {
    (void)stateless_parameterized_truncated_normal<double>({2}, seed, mean, 1, low, high);
  };
  invalid([&] { bounded(0, 1, 1); });
  invalid([&] { bounded(0, 2, 1); });
  invalid([&] { bounded(kNan, 0, 1); });
  for (const double mean : {kNan, kInfinity, -kInfinity}) {
    expect_error(ErrorCode::invalid_argument, {"finite mean"}, [&] { bounded(mean, 0, 1); });
  }
  invalid([&] { bounded(0, kNan, 1); });
  invalid([&] { bounded(0, -kInfinity, kInfinity); });
  invalid([&] { (void)stateless_uniform<int>({2}, seed, 3, 3); });
  invalid([&] { (void)stateless_normal<int>({2}, seed); });
  invalid([&] { (void)stateless_normal<float>({-1}, seed); });
  invalid([&] { (void)stateless_normal<float>({2}, seed, 0, 1, "mersenne"); });
}

TEST(Stateless, FailedFillsChangeNothing) {
  std::vector<float> values(4, 7.0f);
  const std::array<std::int64_t, 1> five = {5};
  const auto invalid = [](auto call) { expect_error(ErrorCode::invalid_argument, {}, call); };
  invalid([&] { fill_stateless_normal(values, {1, 2}, 0, 1, five); });
  invalid([&] { fill_stateless_gamma(values, {1, 2}, 1, 1, five); });
  invalid([&] { fill_stateless_gamma(values, {1, 2}, -1); });
  // The density underflows so far out, so that every candidate of the second set is rejected; by
  // then the first set has been drawn.
  const Tensor low = Tensor::from<float>({-1, 1e30f}, {2});
  const Tensor high = Tensor::from<float>({1, 2e30f}, {2});
  const std::array<std::int64_t, 2> shape = {2, 2};
  expect_error(ErrorCode::invalid_argument, {"1001 candidates", "minval 1.00000"}, [&] {
    fill_stateless_parameterized_truncated_normal(values, {1, 2}, 0, 1, low, high, shape);
  });
  EXPECT_TRUE(std::ranges::all_of(values, [](float x) { return x == 7; }));
}

TEST(Stateless, EdgesOfParameters) {
  const StatelessSeed seed{5, 6};
  const Tensor rates = Tensor::from<double>({-1, 0, kInfinity}, {3});
  EXPECT_EQ(elements<float>(stateless_poisson<float>({3}, seed, rates)),
            (std::vector<float>{0, 0, std::numeric_limits<float>::infinity()}));
  EXPECT_EQ(elements<std::int32_t>(stateless_poisson<std::int32_t>({3}, seed, rates)),
            (Ints{0, 0, 0}));
  for (const std::int32_t x :
       elements<std::int32_t>(stateless_poisson<std::int32_t>({1000}, seed, 2147483647))) {
    EXPECT_GT(x, 2147000000);  // what lies above the type is drawn again
  }
  const Tensor tiny = stateless_gamma<float>({1000}, seed, 1e-3);
  EXPECT_EQ(std::ranges::min(tiny.values<float>()), std::numeric_limits<float>::min());
  // Not finite weighs nothing; a row without anything finite gives K.
  const float inf = std::numeric_limits<float>::infinity();
  const Tensor logits = Tensor::from<float>({-inf, 0, inf, NAN, inf, -inf, NAN, inf}, {2, 4});
  const Ints drawn = elements<std::int32_t>(stateless_categorical<std::int32_t>(logits, 3, seed));
  EXPECT_EQ(drawn, (Ints{1, 1, 1, 4, 4, 4}));
  const Tensor halves = stateless_parameterized_truncated_normal<Float16>({500}, seed, 0, 1, -1, 2);
  for (const Float16 x : halves.values<Float16>()) {
    EXPECT_GE(x.to_float(), -1.0f);
    EXPECT_LE(x.to_float(), 2.0f);
  }
}

}  // namespace
}  // namespace counterpoint
