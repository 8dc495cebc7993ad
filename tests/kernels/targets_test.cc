// Every instruction set that this machine has gives the bytes of the scalar reference, and is the
// one that ran.
#include "counterpoint/kernels/targets.h"

#include <gtest/gtest.h>
#include <hwy/detect_targets.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <set>

#include "counterpoint/kernels/internal/math_xla.h"
#include "counterpoint/kernels/simd/probe.h"
#include "kernels/fills.h"

namespace counterpoint::kernels_test {
namespace {

using kernels::available_targets;
using kernels::Counter;
using kernels::fill_naming_target;
using kernels::ForcedTarget;
using kernels::philox_scalar_stream;
using kernels::philox_stream;
using kernels::ProbedStep;

// An f16 normal of key 0x0123456789abcdef, counter 0, that is -0.
constexpr std::uint64_t kNegativeZero = 88'905'413;

class Targets : public testing::TestWithParam<std::string> {
 protected:
  const ForcedTarget forced_{GetParam()};
};
INSTANTIATE_TEST_SUITE_P(Every, Targets, testing::ValuesIn(available_targets()),
                         [](const auto& target) { return target.param; });

// Fills a margin too, and checks that it is left alone.
void expect_scalar_bytes(Fill fill, std::uint64_t first, std::uint64_t count, std::size_t shift,
                         std::string_view target) {
  const std::size_t size = dtype_size(fill.dtype);
  const auto expected = draw_bytes(philox_scalar_stream(), fill, first, count);
  std::vector<std::byte> out(expected.size() + 256 + shift * size, std::byte{0x5a});
  fill.first_element = first;
  fill.count = count;
  fill.output = out.data() + shift * size;
  const std::string_view ran = fill_naming_target(philox_stream(), fill);
  ASSERT_EQ(ran, count <= 4 ? "scalar" : target) << describe(fill);
  ASSERT_TRUE(same_bytes(fill.output, expected)) << describe(fill);
  for (std::size_t i = shift * size + expected.size(); i < out.size(); ++i) {
    ASSERT_EQ(out[i], std::byte{0x5a}) << describe(fill);
  }
}

TEST(TargetList, HasTheMachinesVectors) {
  const auto names = available_targets();
  ASSERT_FALSE(names.empty());
  EXPECT_EQ(std::set(names.begin(), names.end()).size(), names.size());
#if defined(__x86_64__)
  // Of those that the compiler may take for granted, as by -march=native, only the best is made.
  const auto expect = [&](const char* name, std::int64_t target, bool supported) {
    EXPECT_EQ(std::count(names.begin(), names.end(), name),
              supported && target <= HWY_STATIC_TARGET ? 1 : 0)
        << name;
  };
  expect("AVX3", HWY_AVX3, __builtin_cpu_supports("avx512vl") != 0);
  expect("AVX2", HWY_AVX2, __builtin_cpu_supports("avx2") != 0);
  expect("SSE4", HWY_SSE4, __builtin_cpu_supports("sse4.2") != 0);
  EXPECT_EQ(names.back() == "scalar", HWY_STATIC_TARGET > HWY_SSE4);
#endif
}

TEST_P(Targets, EveryLength) {
  for (const Fill& fill : every_kind(philox_stream())) {
    for (std::uint64_t count = 0; count <= 300; ++count) {
      ASSERT_NO_FATAL_FAILURE(expect_scalar_bytes(fill, 0, count, 0, GetParam()));
    }
  }
}

TEST_P(Targets, EveryOffsetAndAlignment) {
  for (const Fill& fill : every_kind(philox_stream())) {
    for (std::uint64_t first = 0; first <= 70; ++first) {
      ASSERT_NO_FATAL_FAILURE(expect_scalar_bytes(fill, first, 333, first % 17, GetParam()));
    }
  }
}

TEST_P(Targets, LongFills) {
  for (Fill fill : every_kind(philox_stream())) {
    for (const std::uint64_t key : {std::uint64_t{0}, std::uint64_t{0xfedcba9876543210u}}) {
      fill.key = key;
      ASSERT_NO_FATAL_FAILURE(expect_scalar_bytes(fill, 5, 40'003, 1, GetParam()));
    }
  }
}

TEST_P(Targets, CountersThatCarry) {
  const std::uint64_t all_ones = ~std::uint64_t{0};
  const Counter starts[] = {{0xffffffffu - 100, 3},     {all_ones - 100, 3},
                            {all_ones - 100, all_ones}, {0x7ffffffffffff000u, 0x10u},
                            {all_ones - 30000, 7},      {all_ones, all_ones}};
  for (Fill fill : every_kind(philox_stream())) {
    for (const Counter start : starts) {
      fill.counter = start;
      ASSERT_NO_FATAL_FAILURE(expect_scalar_bytes(fill, 3, 2'000, 0, GetParam()));
      ASSERT_NO_FATAL_FAILURE(expect_scalar_bytes(fill, 0, 16, 0, GetParam()));
    }
  }
}

TEST_P(Targets, FillsBeyondTheCache) {
  // Told that they are part of something large, fills bypass the cache, from any alignment.
  for (Fill fill : every_kind(philox_stream())) {
    constexpr std::uint64_t kCount = 20'000;
    const auto whole = draw_bytes(philox_scalar_stream(), fill, 0, kCount);
    fill.total_count = std::uint64_t{1} << 40;
    const std::size_t size = dtype_size(fill.dtype);
    for (const std::uint64_t first : {0u, 4u, 7u}) {
      for (const std::size_t shift : {0u, 16u, 24u, 8u}) {
        std::vector<std::byte> out(whole.size() + 128, std::byte{0x5a});
        fill.first_element = first;
        fill.count = kCount - first;
        fill.output = out.data() + shift;
        ASSERT_EQ(fill_naming_target(philox_stream(), fill), GetParam());
        ASSERT_EQ(std::memcmp(fill.output, whole.data() + first * size, fill.count * size), 0)
            << describe(fill);
        for (std::size_t i = shift + fill.count * size; i < out.size(); ++i) {
          ASSERT_EQ(out[i], std::byte{0x5a}) << describe(fill);
        }
      }
    }
  }
}

TEST_P(Targets, ScalesThatOverflowAndVanish) {
  for (Fill fill : every_kind(philox_stream())) {
    if (!fill.scaled) continue;
    for (const double scale : {1e-8, 3e-5, 6e4, 1e30, -2.5, 0.0}) {
      for (const double offset : {0.0, -1e-7, 40000.0}) {
        if (fill.dtype == DType::f16 && std::abs(scale) > 65504) continue;
        fill.scale = scale;
        fill.offset = offset;
        ASSERT_NO_FATAL_FAILURE(expect_scalar_bytes(fill, 1, 1'000, 0, GetParam()))
            << scale << " " << offset;
      }
    }
  }
}

// The standard draw, scaled by 1 from 0: f16 and bf16 have a short cut.
TEST_P(Targets, ScalesOfOne) {
  for (Fill fill : every_kind(philox_stream())) {
    if (!fill.scaled) continue;
    fill.scale = 1;
    for (const double offset : {0.0, -0.0}) {
      fill.offset = offset;
      ASSERT_NO_FATAL_FAILURE(expect_scalar_bytes(fill, 1, 10'003, 0, GetParam())) << offset;
    }
  }
  // A normal of f16 that is rounded to -0, where alone the standard draw differs from itself + 0.
  Fill fill{.distribution = Distribution::normal, .dtype = DType::f16, .key = 0x0123456789abcdefu};
  ASSERT_EQ(draw<Float16>(philox_stream(), fill, kNegativeZero, 1)[0].bits, 0x8000u);
  fill.scaled = true;
  for (const double offset : {0.0, -0.0}) {
    fill.offset = offset;
    ASSERT_NO_FATAL_FAILURE(expect_scalar_bytes(fill, kNegativeZero - 40, 100, 0, GetParam()))
        << offset;
  }
}

TEST_P(Targets, RangesOfEverySize) {
  for (Fill fill : every_kind(philox_stream())) {
    if (fill.distribution != Distribution::uniform_int || fill.range != 15) continue;
    for (int bits = 0; bits < 64; ++bits) {
      const std::uint64_t power = std::uint64_t{1} << bits;
      for (const std::uint64_t range : {power - 1, power, power + 1, power * 3}) {
        if (range == 0 || static_cast<std::uint32_t>(range) == 0) continue;
        fill.range = range;
        ASSERT_NO_FATAL_FAILURE(expect_scalar_bytes(fill, 0, 500, 0, GetParam()));
      }
    }
  }
}

TEST_P(Targets, EveryStepOfBoxMullerOnEveryInput) {
  const std::pair<ProbedStep, const char*> steps[] = {
      {ProbedStep::log, "207fef8ffa8c82caf82c478ee40c5bdbcc5d64d385cd8a1ce60d832fcf03b59b"},
      {ProbedStep::radius, "fdc535262631687fa65a0f429714d6f986c52c0b2f94a3f83a3c700cb3adf356"},
      {ProbedStep::angle, "560dbe060112514e585dcf177867f71c2ee003b55e0cf1d0e4dd8c395a32e066"},
      {ProbedStep::sine, "c718616d24ba03d8eb34fe59f6febc3b383c7d947dec50bdf58c10fbf51946b5"},
      {ProbedStep::cosine, "b085eb29bc0360f27b736db7ccc9c80d33b0e35e0b810174d45e42383540001c"},
  };
  std::vector<std::uint32_t> words(std::size_t{1} << 23);
  for (std::uint32_t i = 0; i < words.size(); ++i)
    words[i] = i | 0xab800000u;  // upper bits are ignored
  std::vector<float> out(words.size());
  for (const auto& [step, digest] : steps) {
    kernels::probe_steps(step, words.data(), out.data(), words.size());
    EXPECT_EQ(sha256(out), digest) << static_cast<int>(step);
  }
}

TEST_P(Targets, EveryStepOfXlasOnEveryInput) {
  const std::pair<ProbedStep, const char*> steps[] = {
      {ProbedStep::xla_log, "e6a8cc47c27a455782cfd6303e6a84f89d1d150e275d91344c2538848ede2831"},
      {ProbedStep::xla_sine, "159d981ca228525f2417e2b7a8c4badc4f04ff71fa41419f4c14be37f7f6e9d6"},
      {ProbedStep::xla_cosine, "70f3a6e8532d193432fb7ca6c96e1623ccae9f0421e482a787c734b908004b83"},
  };
  std::vector<std::uint32_t> words(std::size_t{1} << 23);
  for (std::uint32_t i = 0; i < words.size(); ++i) words[i] = i << 9 | 0x1ffu;
  std::vector<float> out(words.size());
  for (const auto& [step, digest] : steps) {
    kernels::probe_steps(step, words.data(), out.data(), words.size());
    EXPECT_EQ(sha256(out), digest) << static_cast<int>(step);
  }
  kernels::probe_steps(ProbedStep::xla_truncated, words.data(), out.data(), words.size());
  for (std::uint32_t i = 0; i < words.size(); ++i) {
    const float u = static_cast<float>(i) * 0x1p-23f;
    ASSERT_EQ(out[i], kernels::math::xla_truncated_normal_f32(u)) << u;
  }
}

TEST_P(Targets, HalvesAreRoundedAsByTheScalarTypes) {
  // Every sign, exponent and upper 14 mantissa bits, with the bits below zero, least, greatest.
  constexpr std::size_t kBatch = 1 << 16;
  struct alignas(64) Buffers {
    float in[kBatch];
    std::uint16_t out[kBatch];
  };
  const auto buffers = std::make_unique<Buffers>();
  for (const std::uint32_t low : {0x0u, 0x1u, 0x1ffu}) {
    for (std::uint32_t batch = 0; batch < (1u << 23) / kBatch; ++batch) {
      for (std::uint32_t i = 0; i < kBatch; ++i) {
        buffers->in[i] =
            std::bit_cast<float>((batch * static_cast<std::uint32_t>(kBatch) + i) << 9 | low);
      }
      kernels::probe_f16(buffers->in, buffers->out, kBatch);
      for (std::size_t i = 0; i < kBatch; ++i) {
        ASSERT_EQ(buffers->out[i], Float16::from_float(buffers->in[i]).bits) << buffers->in[i];
      }
      kernels::probe_bf16(buffers->in, buffers->out, kBatch);
      for (std::size_t i = 0; i < kBatch; ++i) {
        ASSERT_EQ(buffers->out[i], BFloat16::from_float(buffers->in[i]).bits) << buffers->in[i];
      }
    }
  }
}

}  // namespace
}  // namespace counterpoint::kernels_test
