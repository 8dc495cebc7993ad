// ThreeFry's vector paths: every kind of draw on every layout is the scalar reference's bytes on every
// instruction set, and that instruction set is the one that ran.
#include <gtest/gtest.h>

#include <cmath>

#include "counterpoint/kernels/targets.h"
#include "kernels/fills.h"

namespace counterpoint::kernels_test {
namespace {

using kernels::fill_naming_target;
using kernels::threefry_scalar_stream;
using kernels::threefry_stream;
using Shape = std::vector<std::int64_t>;

std::uint64_t elements(const Shape& shape) {
  std::uint64_t count = 1;
  for (const std::int64_t side : shape) count *= static_cast<std::uint64_t>(side);
  return count;
}

// Split along the only axis, the last, the first, one in the middle; halves odd and even; lengths even
// and odd; rows of one element, of fewer than a vector, of more than a piece.
const Shape kShapes[] = {{300},         {301},      {302},      {303},      {3, 100},   {7, 43},
                         {101, 3},      {102, 3},   {100, 3},   {2, 150},   {4, 75},    {3, 4, 25},
                         {3, 2, 5, 10}, {5, 5, 12}, {2, 1'500}, {4, 1'101}, {3, 2, 700}};

class ThreefryTargets : public testing::TestWithParam<std::string> {
 protected:
  const kernels::ForcedTarget forced_{GetParam()};
};
INSTANTIATE_TEST_SUITE_P(Every, ThreefryTargets, testing::ValuesIn(kernels::available_targets()),
                         [](const auto& target) { return target.param; });

// `all`: the bytes of the whole draw by the scalar reference.
void expect_slice(Fill fill, const std::vector<std::byte>& all, std::uint64_t first,
                  std::uint64_t count, std::size_t shift, std::string_view target) {
  const std::size_t size = dtype_size(fill.dtype);
  std::vector<std::byte> out((count + shift) * size + 64, std::byte{0x5a});
  fill.first_element = first;
  fill.count = count;
  fill.output = out.data() + shift * size;
  const std::uint64_t few = fill.distribution == Distribution::normal ? 1 : 4;
  ASSERT_EQ(fill_naming_target(threefry_stream(), fill), count <= few ? "scalar" : target)
      << describe(fill);
  ASSERT_TRUE(same_bytes(fill.output, std::span(all).subspan(first * size, count * size)))
      << describe(fill);
  for (std::size_t i = 0; i < shift * size; ++i) ASSERT_EQ(out[i], std::byte{0x5a});
  for (std::size_t i = (shift + count) * size; i < out.size(); ++i) {
    ASSERT_EQ(out[i], std::byte{0x5a}) << describe(fill);
  }
}

template <class Check>
void for_every_draw(const Check& check) {
  int draws = 0;
  for (Fill fill : every_kind(threefry_stream())) {
    for (const Shape& shape : kShapes) {
      fill.shape = shape;
      fill.counter = {7, 0};
      check(fill, draw_bytes(threefry_scalar_stream(), fill, 0, elements(shape)), elements(shape));
      ++draws;
    }
  }
  ASSERT_EQ(draws, (4 + 4 * 3 + 2 * 4 * 2 + 2) * 17);
}

TEST_P(ThreefryTargets, EveryLength) {
  for_every_draw([](const Fill& fill, const auto& all, std::uint64_t) {
    for (std::uint64_t count = 0; count <= 300; ++count) {
      ASSERT_NO_FATAL_FAILURE(expect_slice(fill, all, 0, count, count % 5, GetParam()));
    }
  });
}

TEST_P(ThreefryTargets, EveryOffset) {
  for_every_draw([](const Fill& fill, const auto& all, std::uint64_t total) {
    for (std::uint64_t first = 0; first < 300; ++first) {
      for (const std::uint64_t count :
           {std::uint64_t{1}, std::uint64_t{5}, std::uint64_t{66}, total - first}) {
        if (first + count > total) continue;
        ASSERT_NO_FATAL_FAILURE(expect_slice(fill, all, first, count, 0, GetParam()));
      }
    }
  });
}

TEST_P(ThreefryTargets, LongFillsCutAnywhere) {
  const Shape shapes[] = {{20'011}, {20'012}, {40, 501}, {3, 2, 3'335}, {9, 2'223}};
  for (Fill fill : every_kind(threefry_stream())) {
    for (const Shape& shape : shapes) {
      fill.shape = shape;
      const std::uint64_t total = elements(shape);
      const std::size_t size = dtype_size(fill.dtype);
      const auto all = draw_bytes(threefry_scalar_stream(), fill, 0, total);
      for (const std::uint64_t piece :
           {std::uint64_t{997}, std::uint64_t{4'096}, std::uint64_t{12'345}, total}) {
        std::vector<std::byte> joined(all.size());
        for (std::uint64_t first = 0; first < total; first += piece) {
          fill.first_element = first;
          fill.count = std::min(piece, total - first);
          fill.output = joined.data() + first * size;
          ASSERT_EQ(fill_naming_target(threefry_stream(), fill), GetParam());
        }
        ASSERT_EQ(joined, all) << describe(fill) << " in pieces of " << piece;
      }
    }
  }
}

TEST_P(ThreefryTargets, CountersThatCarry) {
  for (const std::uint64_t counter :
       {std::uint64_t{0xffffffffu - 100}, ~std::uint64_t{0} - 77, std::uint64_t{0xfffffffeu}}) {
    for (Fill fill : every_kind(threefry_stream())) {
      for (const Shape& shape : kShapes) {
        fill.shape = shape;
        fill.counter = {counter, 0};
        const auto all = draw_bytes(threefry_scalar_stream(), fill, 0, elements(shape));
        for (const std::uint64_t first : {0u, 1u, 63u}) {
          ASSERT_NO_FATAL_FAILURE(
              expect_slice(fill, all, first, elements(shape) - first, 0, GetParam()));
        }
      }
    }
  }
}

TEST_P(ThreefryTargets, ScalesOfEverySize) {
  const Shape shape = {1'000};
  for (Fill fill : every_kind(threefry_stream())) {
    if (!fill.scaled) continue;
    fill.shape = shape;
    for (const double scale : {1e-8, 3e-5, 6e4, 1e30, -2.5, 0.0, -0.0, 1e-300, 1e300}) {
      for (const double offset : {0.0, -0.0, -1e-7, 40000.0, 1.0}) {
        if (fill.dtype == DType::f16 && std::abs(scale) > 65504) continue;
        if (fill.dtype != DType::f64 && scale != 0 && std::abs(std::log10(std::abs(scale))) > 40) {
          continue;
        }
        fill.scale = scale;
        fill.offset = offset;
        const auto all = draw_bytes(threefry_scalar_stream(), fill, 0, 1'000);
        std::vector<std::byte> out(all.size());
        fill.count = 1'000;
        fill.output = out.data();
        // Scales near overflow or underflow of an f64 are left to the reference.
        const bool fusible = scale == 0 || (scale < 1e200 && std::abs(scale) > 1e-200);
        ASSERT_EQ(fill_naming_target(threefry_stream(), fill), fusible ? GetParam() : "scalar");
        ASSERT_EQ(out, all) << describe(fill) << " scale " << scale << " offset " << offset;
      }
    }
  }
}

}  // namespace
}  // namespace counterpoint::kernels_test
