// ThreeFry: blocks, layouts, XLA's steps over every input, its recorded draws, slices.
#include "counterpoint/kernels/threefry.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>

#include "counterpoint/kernels/internal/math_xla.h"
#include "counterpoint/kernels/internal/uniform.h"
#include "kernels/fills.h"

namespace counterpoint::kernels_test {
namespace {

using kernels::threefry_block;
using kernels::threefry_stream;
using kernels::ThreefryWords;
using nlohmann::json;

constexpr std::uint64_t kOneTwo = std::uint64_t{2} << 32 | 1;
using Shape = std::vector<std::int64_t>;

template <class T>
std::vector<T> whole(Distribution distribution, const Shape& shape, std::uint64_t key = kOneTwo,
                     std::uint64_t counter = 0) {
  std::uint64_t count = 1;
  for (const std::int64_t side : shape) count *= static_cast<std::uint64_t>(side);
  return draw<T>(
      threefry_stream(),
      {.distribution = distribution, .shape = shape, .key = key, .counter = {counter, 0}}, 0,
      count);
}

std::vector<std::uint32_t> bits_of(const std::vector<float>& values) {
  std::vector<std::uint32_t> bits;
  for (const float x : values) bits.push_back(std::bit_cast<std::uint32_t>(x));
  return bits;
}

TEST(Threefry, BlocksAreTheSpecifications) {
  EXPECT_EQ(threefry_block(0, 0), (ThreefryWords{0x6b200159u, 0x99ba4efeu}));
  EXPECT_EQ(threefry_block(0x85a308d3243f6a88u, 0x0370734413198a2eu),
            (ThreefryWords{0xc4923a9cu, 0x483df7a0u}));
}

TEST(Threefry, LayoutsFollowTheShape) {
  using V = std::vector<std::uint32_t>;
  EXPECT_EQ(whole<std::uint32_t>(Distribution::uniform_full_int, {5}),
            (V{0x257edf33, 0x8bb042e4, 0x87639233, 0x4836b2f1, 0x96a633a7}));
  EXPECT_EQ(whole<std::uint32_t>(Distribution::uniform_full_int, {2, 3}),
            (V{0x257edf33, 0x87639233, 0x96a633a7, 0x8bb042e4, 0x4836b2f1, 0xa53c05d2}));
  EXPECT_EQ(
      whole<std::uint64_t>(Distribution::uniform_full_int, {3}),
      (std::vector<std::uint64_t>{0x8bb042e4257edf33, 0x4836b2f187639233, 0xa53c05d296a633a7}));
}

TEST(Threefry, FloatsOfTheSpecification) {
  using V = std::vector<std::uint32_t>;
  EXPECT_EQ(bits_of(whole<float>(Distribution::uniform, {3})),
            (V{0x3e15fb78, 0x3f0bb042, 0x3f076392}));
  EXPECT_EQ(bits_of(whole<float>(Distribution::normal, {3})),
            (V{0xbeb5007f, 0xbff6c692, 0x3f8a0918}));
  EXPECT_EQ(bits_of(whole<float>(Distribution::normal, {2, 3})),
            (V{0xbf0dfbdf, 0x3f8d8d7e, 0xbf50c1b0, 0xbff0a2f9, 0xbe676eb5, 0xbf20fdb8}));
  EXPECT_EQ(bits_of(whole<float>(Distribution::normal, {})), (V{0xbf0dfbdf}));
}

std::string digest_over_all_mantissas(const std::function<float(float)>& function) {
  std::vector<float> values(std::size_t{1} << 23);
  for (std::uint32_t m = 0; m < values.size(); ++m)
    values[m] = function(static_cast<float>(m) * 0x1p-23f);
  return sha256(values);
}

float xla_angle(float u) { return static_cast<float>(kernels::math::kTwoPi) * u; }

TEST(Threefry, XlasStepsOnEveryUniform) {
  EXPECT_EQ(digest_over_all_mantissas([](float u) {
              return kernels::math::xla_log_f32(std::max(u, kernels::kSmallestUniform));
            }),
            "e6a8cc47c27a455782cfd6303e6a84f89d1d150e275d91344c2538848ede2831");
  EXPECT_EQ(digest_over_all_mantissas(xla_angle),
            "ae1ad8665d2a62cb70bc95d4fa57d04af805ebd7650b6df71fdc1ca4bb0500b9");
  EXPECT_EQ(digest_over_all_mantissas(
                [](float u) { return kernels::math::sincos_f32(xla_angle(u)).sin; }),
            "159d981ca228525f2417e2b7a8c4badc4f04ff71fa41419f4c14be37f7f6e9d6");
  EXPECT_EQ(digest_over_all_mantissas(
                [](float u) { return kernels::math::sincos_f32(xla_angle(u)).cos; }),
            "70f3a6e8532d193432fb7ca6c96e1623ccae9f0421e482a787c734b908004b83");
}

TEST(Threefry, FusedOperationsRoundOnce) {
  const auto u = draw<double>(kernels::philox_stream(),
                              {.distribution = Distribution::normal, .key = 5}, 0, 300'000);
  for (std::size_t i = 0; i + 2 < u.size(); i += 3) {
    for (const double scale : {1.0, 1e-9, 1e9}) {
      const double c = u[i + 2] * scale;
      ASSERT_EQ(kernels::math::fused_f64(u[i], u[i + 1], c), std::fma(u[i], u[i + 1], c));
      // Cancellation down to the product's rounding error.
      const double d = -(u[i] * u[i + 1]);
      ASSERT_EQ(kernels::math::fused_f64(u[i], u[i + 1], d), std::fma(u[i], u[i + 1], d));
      const auto a = static_cast<float>(u[i]);
      const auto b = static_cast<float>(u[i + 1]);
      ASSERT_EQ(kernels::math::fused_f32(a, b, static_cast<float>(c)),
                std::fma(a, b, static_cast<float>(c)));
      // Halfway cases, which two roundings would get wrong.
      const float tiny = static_cast<float>(c) * 0x1p-40f;
      ASSERT_EQ(kernels::math::fused_f32(1.0f + 0x1p-12f, 1.0f + 0x1p-12f, tiny),
                std::fma(1.0f + 0x1p-12f, 1.0f + 0x1p-12f, tiny));
    }
  }
}

TEST(Threefry, TruncatedNormalsAreTheInverseOfTheDistribution) {
  for (std::uint32_t m = 0; m < (1u << 23); m += 37) {
    const float u = static_cast<float>(m) * 0x1p-23f;
    const float z = kernels::math::xla_truncated_normal_f32(u);
    ASSERT_LE(std::abs(z), 2.0001f);
    const double probability = 0.5 * std::erfc(-static_cast<double>(z) / std::sqrt(2.0));
    const double lowest = 0.5 * std::erfc(std::sqrt(2.0));
    ASSERT_NEAR((probability - lowest) / (1 - 2 * lowest), u, 4e-7) << u;
  }
}

TEST(Threefry, EverySliceIsASliceOfTheWhole) {
  const Shape shapes[] = {{300}, {301}, {7, 6, 5}, {3, 5, 9}, {4, 77}, {1, 203}, {9, 9, 3}};
  int kinds = 0;
  for (Fill fill : every_kind(threefry_stream())) {
    ++kinds;
    for (const Shape& shape : shapes) {
      fill.shape = shape;
      fill.counter.high = 0;
      std::uint64_t total = 1;
      for (const std::int64_t side : shape) total *= static_cast<std::uint64_t>(side);
      const std::size_t size = dtype_size(fill.dtype);
      const auto all = draw_bytes(threefry_stream(), fill, 0, total);
      for (std::uint64_t first = 0; first < total; first += 1 + first / 7) {
        for (const std::uint64_t count : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{6},
                                          std::uint64_t{65}, total - first}) {
          if (first + count > total) continue;
          const auto part = draw_bytes(threefry_stream(), fill, first, count);
          ASSERT_TRUE(same_bytes(all.data() + first * size, part)) << describe(fill);
        }
      }
    }
  }
  EXPECT_EQ(kinds, 4 + 4 * 3 + 2 * 4 * 2 + 2);
}

std::uint64_t bits_of(const json& value) {
  if (value.is_string()) return std::stoull(value.get<std::string>(), nullptr, 16);
  return value.is_number_unsigned() ? value.get<std::uint64_t>()
                                    : static_cast<std::uint64_t>(value.get<std::int64_t>());
}

// Compares one recorded draw, and returns how many values it has.
int check_draw(const json& step, const std::string& op, std::uint64_t key, std::uint64_t counter) {
  const std::map<std::string, Distribution> known = {
      {"uniform_full_int", Distribution::uniform_full_int},
      {"uniform", Distribution::uniform},
      {"normal", Distribution::normal}};
  const auto shape = step["shape"].get<Shape>();
  Fill fill{.distribution = known.at(op), .shape = shape, .key = key, .counter = {counter, 0}};
  for (int i = 0; i < 8; ++i) {
    if (dtype_name(static_cast<DType>(i)) == step["dtype"].get<std::string>())
      fill.dtype = static_cast<DType>(i);
  }
  if (!is_floating(fill.dtype) && op == "uniform") {
    fill.distribution = Distribution::uniform_int;
    fill.low = bits_of(step["minval"]);
    fill.range = bits_of(step["maxval"]) - fill.low;
  } else if (op != "uniform_full_int") {
    const bool normal = op == "normal";
    const double offset = step[normal ? "mean" : "minval"].get<double>();
    const double high = step[normal ? "stddev" : "maxval"].get<double>();
    fill.scaled = true;
    fill.offset = offset;
    fill.scale = normal ? high : high - offset;
  }
  const json& want = step["want"];
  const auto got = draw_bytes(threefry_stream(), fill, 0, want.size());
  const std::size_t size = dtype_size(fill.dtype);
  for (std::size_t i = 0; i < want.size(); ++i) {
    std::uint64_t actual = 0;
    std::memcpy(&actual, got.data() + i * size, size);
    std::uint64_t expected = bits_of(want[i]);
    if (size == 4) expected &= 0xffffffffu;
    if (fill.dtype == DType::f64 && op == "normal") {
      EXPECT_LE(ulp_distance(std::bit_cast<double>(actual), std::bit_cast<double>(expected)), 2u);
    } else {
      EXPECT_EQ(actual, expected) << describe(fill) << " [" << i << "]";
    }
  }
  return static_cast<int>(want.size());
}

TEST(Threefry, RecordedDraws) {
  std::ifstream file(std::string(COUNTERPOINT_GOLDEN_DIR) + "/threefry.json");
  int values = 0;
  for (const json& test : json::parse(file)) {
    std::uint64_t counter = 0;
    std::uint64_t key = 0;
    for (const json& step : test["steps"]) {
      std::string op = step["op"];
      if (op.starts_with("stateless_")) {
        const std::int64_t seed[2] = {step["seed"][0].get<std::int64_t>(),
                                      step["seed"][1].get<std::int64_t>()};
        kernels::Counter start;
        threefry_stream().scramble_seed(seed, &key, &start);
        values += check_draw(step, op.substr(10), key, start.low);
        continue;
      }
      if (op == "make_seeds") {
        const auto keys = draw<std::uint64_t>(threefry_stream(),
                                              {.shape = {}, .key = key, .counter = {counter, 0}}, 0,
                                              step["count"].get<std::uint64_t>());
        for (std::size_t i = 0; i < keys.size(); ++i) EXPECT_EQ(keys[i], bits_of(step["want"][i]));
      } else if (op != "from_seed") {
        values += check_draw(step, op, key, counter);
        const auto after = threefry_stream().advance({counter, 0}, 256 * step["want"].size());
        EXPECT_EQ(after.low, bits_of(step["state"][0]));
      }
      counter = bits_of(step["state"][0]);
      key = bits_of(step["state"][1]);
    }
  }
  EXPECT_GT(values, 150);
}

}  // namespace
}  // namespace counterpoint::kernels_test
