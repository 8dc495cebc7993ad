// Samplers by vectors: on every instruction set that this machine has they give the bytes of the
// scalar samplers, whatever the parameters, lengths and slices, and are what ran.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "counterpoint/kernels/targets.h"

namespace counterpoint::kernels_test {
namespace {

using kernels::BatchedDraw;
using kernels::BinomialFill;
using kernels::Counter;
using kernels::fill_naming_target;
using kernels::GammaFill;
using kernels::philox_scalar_stream;
using kernels::philox_stream;
using kernels::PoissonFill;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

class SamplerTargets : public testing::TestWithParam<std::string> {
 protected:
  const kernels::ForcedTarget forced_{GetParam()};
};
INSTANTIATE_TEST_SUITE_P(Every, SamplerTargets, testing::ValuesIn(kernels::available_targets()),
                         [](const auto& target) { return target.param; });

void fill_scalar(const GammaFill& fill) { philox_scalar_stream().samplers.gamma(fill); }
void fill_scalar(const PoissonFill& fill) { philox_scalar_stream().samplers.poisson(fill); }
void fill_scalar(const BinomialFill& fill) { philox_scalar_stream().fill_binomial(fill); }

BatchedDraw& layout(GammaFill& fill) { return fill.draw; }
BatchedDraw& layout(PoissonFill& fill) { return fill.draw; }
BinomialFill& layout(BinomialFill& fill) { return fill; }

// Draws `count` outputs from `first` on, and a margin that is to be left alone. Returns what ran.
template <class Fill>
std::string expect_scalar_bytes(Fill fill, std::uint64_t first, std::uint64_t count) {
  const std::size_t bytes = count * dtype_size(fill.dtype);
  std::vector<std::byte> expected(bytes + 64, std::byte{0x5a});
  std::vector<std::byte> out = expected;
  layout(fill).first_element = first;
  layout(fill).count = count;
  layout(fill).output = expected.data();
  fill_scalar(fill);
  layout(fill).output = out.data();
  const std::string ran(fill_naming_target(fill));
  EXPECT_TRUE(out == expected) << "of " << count << " from " << first;
  for (std::size_t i = bytes; i < out.size(); ++i) EXPECT_EQ(out[i], std::byte{0x5a});
  return ran;
}

// Parameters in each of the types that a sampler has.
struct Values {
  explicit Values(std::vector<double> values) : f64(std::move(values)) {
    for (const double x : f64) {
      f32.push_back(static_cast<float>(x));
      f16.push_back(Float16::from_float(static_cast<float>(x)));
    }
  }
  const void* of(DType dtype) const {
    if (dtype == DType::f64) return f64.data();
    return dtype == DType::f32 ? static_cast<const void*>(f32.data()) : f16.data();
  }
  std::uint64_t size() const { return f64.size(); }

  std::vector<double> f64;
  std::vector<float> f32;
  std::vector<Float16> f16;
};

BatchedDraw draw_of(std::uint64_t batch, std::uint64_t samples) {
  return {.batch = batch, .samples = samples, .key = 0x123456789abcdefu, .counter = {77, 5}};
}

GammaFill gamma_fill(const Values& alpha, const Values& beta, DType dtype, std::uint64_t samples) {
  return {.draw = draw_of(alpha.size(), samples),
          .dtype = dtype,
          .alpha = alpha.of(dtype),
          .beta = beta.of(dtype)};
}

BinomialFill binomial_fill(const Values& counts, const Values& probabilities, DType dtype,
                           DType parameter_dtype, std::uint64_t samples) {
  return {.dtype = dtype,
          .parameter_dtype = parameter_dtype,
          .counts = counts.of(parameter_dtype),
          .probabilities = probabilities.of(parameter_dtype),
          .batch = counts.size(),
          .samples = samples,
          .key = 99,
          .counter = {1, 2}};
}

constexpr std::uint64_t kMany = 20'000;
constexpr DType kFloats[] = {DType::f64, DType::f32, DType::f16};
constexpr DType kOutputs[] = {DType::f64, DType::i64, DType::i32, DType::f32, DType::f16};

// Of these one is drawn many times, others a few times, and all of them side by side.
const std::vector<double> kAlphas = {1e-3, 6e-3,    0.1, 0.3,  0.5,    0.9375, 1,   1.001,
                                     1.5,  2.53125, 10,  99.5, 1234.5, 1e4,    3e4, 6e4};
const std::vector<double> kRates = {0,  -1,   1e-9,  0.1,  0.5, 1,   4,   9.9,       9.9999,
                                    10, 10.5, 12.75, 31.1, 100, 1e3, 1e4, kInfinity, 65504};
const std::vector<double> kLargeRates = {1e6, 2e9, 1e12, 1e15, 1e18};
const std::vector<double> kCounts = {0,  1,   3,   10,   10,   10, 25.5, 40,    100,  100,
                                     99, 1e3, 1e3, 20.5, 2048, 5,  6e4,  64000, 1000, 17};
const std::vector<double> kProbabilities = {0.5,  0.5, 0.1,  0.3,  0.9,  0.999, 0.45,
                                            0.25, 0.5, 0.1,  0.7,  1e-3, 0.99,  0.49,
                                            0.5,  1,   0.01, 1e-4, 0,    0.6};

TEST_P(SamplerTargets, GammaOfOneAlpha) {
  const Values beta({2.5});
  for (const DType dtype : kFloats) {
    std::vector<double> alphas = kAlphas;
    if (dtype != DType::f16) alphas.insert(alphas.end(), {1e6, 3e-5});
    if (dtype == DType::f64) alphas.insert(alphas.end(), {1e-300, 1e200, 5e-324, 1e308});
    for (const double alpha : alphas) {
      const Values one({alpha});
      const GammaFill fill = gamma_fill(one, beta, dtype, kMany);
      ASSERT_EQ(expect_scalar_bytes(fill, 0, kMany), GetParam()) << alpha;
      ASSERT_FALSE(HasFailure()) << alpha << ' ' << dtype_name(dtype);
    }
  }
}

TEST_P(SamplerTargets, PoissonOfOneRate) {
  for (const DType dtype : kOutputs) {
    std::vector<double> rates = kRates;
    if (dtype != DType::f16) rates.insert(rates.end(), {1e6, 1e9, 2147483647.0});
    if (dtype == DType::f64 || dtype == DType::i64) {
      rates.insert(rates.end(), kLargeRates.begin(), kLargeRates.end());
      rates.push_back(9223372036854774784.0);
    }
    if (dtype == DType::f64) rates.insert(rates.end(), {1e-300, 1e100, 1e300, 1.7e308});
    for (const double rate : rates) {
      const PoissonFill fill{.draw = draw_of(1, kMany), .dtype = dtype, .rates = &rate};
      const bool certain = rate <= 0 || rate == kInfinity;
      ASSERT_EQ(expect_scalar_bytes(fill, 0, kMany), certain ? "scalar" : GetParam()) << rate;
      ASSERT_FALSE(HasFailure()) << rate << ' ' << dtype_name(dtype);
    }
  }
}

TEST_P(SamplerTargets, BinomialOfOnePair) {
  for (const DType parameter_dtype : kFloats) {
    std::vector<double> counts = kCounts;
    std::vector<double> probabilities = kProbabilities;
    if (parameter_dtype != DType::f16) {
      counts.insert(counts.end(), {1e6, 1e6, 1e9, 1e12, 1e15, 3e9});
      probabilities.insert(probabilities.end(), {0.3, 1e-6, 0.7, 1e-12, 1e-15, 0.5});
    }
    if (parameter_dtype == DType::f64) {
      counts.insert(counts.end(), {1e17, 1e300, 1e300, 1e308, 1e20});
      probabilities.insert(probabilities.end(), {0.5, 1e-290, 1e-300, 0.25, 1 - 0x1p-53});
    }
    for (std::size_t i = 0; i < counts.size(); ++i) {
      for (const DType dtype : {DType::f64, DType::i32}) {
        const Values count({counts[i]});
        const Values probability({probabilities[i]});
        const BinomialFill fill = binomial_fill(count, probability, dtype, parameter_dtype, 5000);
        const bool certain = counts[i] <= 0 || probabilities[i] <= 0 || probabilities[i] >= 1;
        ASSERT_EQ(expect_scalar_bytes(fill, 0, 5000), certain ? "scalar" : GetParam());
        ASSERT_FALSE(HasFailure()) << counts[i] << ' ' << probabilities[i];
      }
    }
  }
}

// Every parameter beside every other: all types of outputs, all lengths, slices from anywhere.
TEST_P(SamplerTargets, ManyParametersAndEverySlice) {
  const Values alpha(kAlphas);
  std::vector<double> betas;
  for (std::size_t i = 0; i < kAlphas.size(); ++i)
    betas.push_back(0.25 * static_cast<double>(i + 1));
  const Values beta(betas);
  const Values counts(kCounts);
  const Values probabilities(kProbabilities);
  constexpr std::uint64_t kSamples = 150;
  const auto expect_slices = [&](auto fill, std::uint64_t batch) {
    const std::uint64_t total = batch * kSamples;
    EXPECT_EQ(expect_scalar_bytes(fill, 0, total), GetParam());
    for (const std::uint64_t first : {std::uint64_t{1}, batch + 3, total - 700}) {
      for (const std::uint64_t count : {0u, 1u, 4u, 5u, 17u, 64u, 257u, 512u, 513u, 700u}) {
        const std::string ran = expect_scalar_bytes(fill, first, count);
        if (count <= 4 || count >= 64) {
          EXPECT_EQ(ran, count <= 4 ? "scalar" : GetParam());
        }
      }
    }
  };
  for (const DType dtype : kFloats) {
    expect_slices(gamma_fill(alpha, beta, dtype, kSamples), alpha.size());
    expect_slices(binomial_fill(counts, probabilities, DType::f64, dtype, kSamples), counts.size());
    ASSERT_FALSE(HasFailure()) << dtype_name(dtype);
  }
  for (const DType dtype : kOutputs) {
    expect_slices(
        PoissonFill{
            .draw = draw_of(kRates.size(), kSamples), .dtype = dtype, .rates = kRates.data()},
        kRates.size());
    expect_slices(binomial_fill(counts, probabilities, dtype, DType::f32, kSamples), counts.size());
    ASSERT_FALSE(HasFailure()) << dtype_name(dtype);
  }
}

TEST_P(SamplerTargets, EveryLengthOfOneParameter) {
  const Values alpha({0.75});
  const Values beta({1.0});
  const Values count({30.0});
  const Values probability({0.375});
  const double small_rate = 3;
  const double large_rate = 40;
  for (std::uint64_t length = 0; length <= 130; ++length) {
    const GammaFill gamma = gamma_fill(alpha, beta, DType::f32, 200);
    EXPECT_EQ(expect_scalar_bytes(gamma, 7, length), length <= 4 ? "scalar" : GetParam());
    for (const double* rate : {&small_rate, &large_rate}) {
      const PoissonFill fill{.draw = draw_of(1, 200), .dtype = DType::i32, .rates = rate};
      expect_scalar_bytes(fill, 3, length);
    }
    expect_scalar_bytes(binomial_fill(count, probability, DType::i32, DType::f32, 200), 9, length);
    ASSERT_FALSE(HasFailure()) << length;
  }
}

// Streams that carry into the counter's upper half are the scalar code's.
TEST_P(SamplerTargets, CountersThatCarry) {
  const Values alpha({2.5});
  const Values beta({1.0});
  const std::uint64_t end = ~std::uint64_t{0};
  for (const std::uint64_t low :
       {end, end - 256 * 300, end - 256 * 600 - 1000, end - 256 * 600 - 5000, end - (1 << 30)}) {
    GammaFill fill = gamma_fill(alpha, beta, DType::f64, 600);
    fill.draw.counter = {low, 41};
    const bool carries = low > end - 256 * 600 - 1024;
    EXPECT_EQ(expect_scalar_bytes(fill, 0, 600), carries ? "scalar" : GetParam()) << low;
  }
}

TEST_P(SamplerTargets, CategoricalOfEveryWidth) {
  const std::uint64_t widths[] = {1, 2, 3, 7, 8, 9, 23, 24, 25, 64, 100, 511, 512, 513, 1000, 4097};
  for (const std::uint64_t classes : widths) {
    for (const std::uint64_t samples : {1u, 3u, 8u, 70u, 700u}) {
      const std::uint64_t rows = samples == 1 ? 60 : 7;
      std::vector<double> logits(rows * classes);
      for (std::size_t i = 0; i < logits.size(); ++i) {
        logits[i] = 30 * std::sin(static_cast<double>(i * i % 1009));
        if (i % 41 == 5) logits[i] = i % 3 == 0 ? kInfinity : -kInfinity;
        if (i % 97 == 3) logits[i] = std::numeric_limits<double>::quiet_NaN();
        if (i % 211 == 9) logits[i] = -1e308;
      }
      for (std::size_t j = 0; j < classes; ++j) logits[2 * classes + j] = kInfinity;
      const Values held(logits);
      for (const DType dtype : kFloats) {
        std::vector<double> sums(classes);
        std::vector<std::int32_t> expected(rows * samples + 1, -1);
        std::vector<std::int32_t> out = expected;
        kernels::CategoricalFill fill{.dtype = DType::i32,
                                      .logits_dtype = dtype,
                                      .logits = held.of(dtype),
                                      .classes = classes,
                                      .samples = samples,
                                      .key = 11,
                                      .counter = {~std::uint64_t{0} - 20, 3},
                                      .output = expected.data(),
                                      .first_row = 0,
                                      .row_count = rows,
                                      .sums = sums.data()};
        philox_scalar_stream().samplers.categorical(fill);
        fill.output = out.data();
        philox_stream().samplers.categorical(fill);
        ASSERT_EQ(out, expected) << classes << ' ' << samples << ' ' << dtype_name(dtype);
        ASSERT_EQ(out.back(), -1);
        ASSERT_EQ(out[2 * samples], static_cast<std::int32_t>(classes));
      }
    }
  }
}

}  // namespace
}  // namespace counterpoint::kernels_test
