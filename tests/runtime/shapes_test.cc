// Shapes that no memory holds, or that are empty however long their other dimensions: each function that
// takes one gives an empty result or an Error, and nothing else.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "counterpoint/runtime/generator.h"
#include "counterpoint/runtime/sharded_draws.h"
#include "counterpoint/runtime/stateless.h"
#include "runtime/expect_error.h"

namespace counterpoint {
namespace {

constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kLong = std::int64_t{1} << 40;

// Makes a tensor of the shape.
struct Maker {
  std::string name;
  std::function<Tensor(const Shape&)> make;
};

std::vector<Maker> draws_of(const AlgorithmName& algorithm) {
  const auto g = [=] { return Generator::from_seed({1, 2, 3}, algorithm); };
  const StatelessSeed seed{1, 2};
  return {
      {"normal", [=](const Shape& s) { return g().normal<float>(s); }},
      {"truncated_normal", [=](const Shape& s) { return g().truncated_normal<float>(s); }},
      {"uniform", [=](const Shape& s) { return g().uniform<double>(s); }},
      {"uniform of integers", [=](const Shape& s) { return g().uniform<int>(s, 0, 5); }},
      {"uniform_full_int", [=](const Shape& s) { return g().uniform_full_int<std::uint32_t>(s); }},
      {"sharded normal", [=](const Shape& s) { return g().sharded().normal<float>(s); }},
      {"sharded truncated_normal",
       [=](const Shape& s) { return g().sharded().truncated_normal<float>(s); }},
      {"sharded uniform", [=](const Shape& s) { return g().sharded().uniform<double>(s); }},
      {"sharded uniform of integers",
       [=](const Shape& s) { return g().sharded().uniform<int>(s, 0, 5); }},
      {"sharded uniform_full_int",
       [=](const Shape& s) { return g().sharded().uniform_full_int<std::uint32_t>(s); }},
      {"stateless_normal",
       [=](const Shape& s) { return stateless_normal<float>(s, seed, 0, 1, algorithm); }},
      {"stateless_truncated_normal",
       [=](const Shape& s) { return stateless_truncated_normal<float>(s, seed, 0, 1, algorithm); }},
      {"stateless_uniform",
       [=](const Shape& s) { return stateless_uniform<Float16>(s, seed, 0, 1, algorithm); }},
      {"stateless_uniform of integers",
       [=](const Shape& s) { return stateless_uniform<int>(s, seed, 0, 5, algorithm); }},
      {"stateless_uniform_full_int",
       [=](const Shape& s) {
         return stateless_uniform_full_int<std::int64_t>(s, seed, algorithm);
       }},
  };
}

std::vector<Maker> all_makers() {
  const StatelessSeed seed{1, 2};
  const auto g = [] { return Generator::from_seed({1, 2, 3}); };
  std::vector<Maker> makers = {
      {"Tensor", [](const Shape& s) { return Tensor(DType::f16, s); }},
      {"Tensor::from", [](const Shape& s) { return Tensor::from<float>({}, s); }},
      {"binomial", [=](const Shape& s) { return g().binomial<int>(s, 10, 0.5); }},
      {"stateless_binomial",
       [=](const Shape& s) { return stateless_binomial<int>(s, seed, 10, 0.5); }},
      {"stateless_gamma", [=](const Shape& s) { return stateless_gamma<float>(s, seed, 2.5); }},
      {"stateless_poisson", [=](const Shape& s) { return stateless_poisson<int>(s, seed, 2.5); }},
      {"stateless_parameterized_truncated_normal",
       [=](const Shape& s) {
         return stateless_parameterized_truncated_normal<float>(s, seed, 0, 1, -1, 1);
       }},
      {"stateless_shuffle",
       [=](const Shape& s) { return stateless_shuffle(Tensor(DType::f32, s), seed); }},
      // The parameters, too, are of the shape.
      {"normal of means",
       [=](const Shape& s) { return g().normal<float>(s, Tensor(DType::f32, s)); }},
      {"uniform of bounds",
       [=](const Shape& s) {
         return g().uniform<float>(s, Tensor(DType::f32, s), Tensor(DType::f64, s));
       }},
      {"binomial of counts",
       [=](const Shape& s) { return g().binomial<int>(s, Tensor(DType::f32, s), 0.5); }},
      {"stateless_gamma of alphas",
       [=](const Shape& s) { return stateless_gamma<float>(s, seed, Tensor(DType::f32, s), 2); }},
      {"stateless_poisson of rates",
       [=](const Shape& s) { return stateless_poisson<float>(s, seed, Tensor(DType::f32, s)); }},
      {"stateless_parameterized_truncated_normal of means",
       [=](const Shape& s) {
         return stateless_parameterized_truncated_normal<float>(s, seed, Tensor(DType::f32, s), 1,
                                                                -1, 1);
       }},
  };
  for (const Algorithm algorithm : {Algorithm::philox, Algorithm::threefry}) {
    const std::vector<Maker> draws = draws_of(algorithm);
    makers.insert(makers.end(), draws.begin(), draws.end());
  }
  return makers;
}

TEST(Shapes, EmptyOnesAreEmptyHoweverLong) {
  const std::vector<Shape> shapes = {{0},        {kLong, 0, kLong}, {0, kMost}, {kMost, kMost, 0},
                                     {kMost, 0}, {3, 0, kMost, 5},  {1, 0}};
  for (const Maker& maker : all_makers()) {
    for (const Shape& shape : shapes) {
      SCOPED_TRACE(maker.name + " of " + shape_to_string(shape));
      ASSERT_NO_THROW({
        const Tensor made = maker.make(shape);
        EXPECT_EQ(made.shape(), shape);
        EXPECT_EQ(made.size(), 0);
        EXPECT_EQ(Tensor(made).to_string().substr(0, 3), "[] ");
      });
    }
  }
}

TEST(Shapes, ThatNoMemoryHoldsAreErrors) {
  const std::vector<Shape> shapes = {
      {kMost},        {kMost, 1},     {1, kMost},       {std::int64_t{1} << 62},
      {kMost, kMost}, {kLong, kLong}, {kLong, 1 << 20}, {1, 1 << 30, 3 << 28},
      {-1},           {0, -1},        {kMost, -1, 0}};
  for (const Maker& maker : all_makers()) {
    for (const Shape& shape : shapes) {
      SCOPED_TRACE(maker.name + " of " + shape_to_string(shape));
      try {
        (void)maker.make(shape);
        ADD_FAILURE() << "nothing was thrown";
      } catch (const Error& error) {
        EXPECT_TRUE(error.code() == ErrorCode::invalid_argument ||
                    error.code() == ErrorCode::resource_exhausted)
            << error.what();
      } catch (const std::exception& exception) {
        ADD_FAILURE() << exception.what();
      }
    }
  }
}

TEST(Shapes, OfArraysAreCheckedBeforeTheyAreFilled) {
  const StatelessSeed seed{1, 2};
  const Shape empty = {kLong, 0, kLong};
  const Shape huge = {kMost, kMost};
  std::vector<float> none;
  auto g = Generator::from_seed({1, 2, 3});
  g.fill_normal(none, 0.0, 1.0, empty);
  g.sharded().fill_normal(none, empty);
  fill_stateless_normal(std::span(none), seed, 0, 1, empty);
  fill_stateless_gamma(std::span(none), seed, 2, 1, empty);
  fill_stateless_poisson(std::span(none), seed, 2, empty);
  fill_stateless_binomial(std::span(none), seed, 2, 0.5, empty);
  fill_stateless_parameterized_truncated_normal(std::span(none), seed, 0, 1, -1, 1, empty);
  const std::vector<std::function<void()>> refused = {
      [&] { g.fill_normal(none, 0.0, 1.0, huge); },
      [&] { g.sharded().fill_normal(none, huge); },
      [&] { fill_stateless_normal(std::span(none), seed, 0, 1, huge); },
      [&] { fill_stateless_gamma(std::span(none), seed, 2, 1, huge); },
      [&] { fill_stateless_poisson(std::span(none), seed, 2, huge); },
      [&] { fill_stateless_binomial(std::span(none), seed, 2, 0.5, huge); },
      [&] {
        fill_stateless_parameterized_truncated_normal(std::span(none), seed, 0, 1, -1, 1, huge);
      },
  };
  for (const auto& call : refused) expect_error(ErrorCode::invalid_argument, {"2^62"}, call);
}

// Where the parameters make an empty result of a long shape, nothing is drawn.
TEST(Shapes, ParametersMayMakeALongShapeEmpty) {
  auto g = Generator::from_seed({1, 2, 3});
  EXPECT_EQ(g.normal<float>({kLong, kLong >> 20, 1}, Tensor(DType::f32, {0})).shape(),
            (Shape{kLong, kLong >> 20, 0}));
}

TEST(Shapes, OfLogits) {
  const StatelessSeed seed{1, 2};
  const auto drawn = [&](const Shape& logits, std::int64_t samples, DType dtype) {
    return stateless_categorical(Tensor(DType::f32, logits), samples, seed, dtype);
  };
  EXPECT_EQ(drawn({0, kMost}, 5, DType::i64).shape(), (Shape{0, 5}));
  EXPECT_EQ(drawn({0, 3}, kMost, DType::i64).shape(), (Shape{0, kMost}));
  EXPECT_EQ(drawn({2, 300}, 0, DType::i64).shape(), (Shape{2, 0}));
  expect_error(ErrorCode::invalid_argument, {"one class or more"}, [&] {
    (void)drawn({kMost, 0}, 5, DType::i64);
  });
  expect_error(ErrorCode::resource_exhausted, {"no memory"}, [&] {
    (void)drawn({2, 3}, kLong << 15, DType::i64);
  });
  expect_error(ErrorCode::invalid_argument, {"2^62"}, [&] {
    (void)drawn({2, 3}, kMost, DType::i64);
  });
  // As many classes as an i32 counts, 0 to 2^31 - 2 and none.
  constexpr std::int64_t kClasses = std::numeric_limits<std::int32_t>::max();
  EXPECT_EQ(drawn({0, kClasses}, 5, DType::i32).shape(), (Shape{0, 5}));
  expect_error(ErrorCode::invalid_argument, {"more classes than an i32 counts"}, [&] {
    (void)drawn({0, kClasses + 1}, 5, DType::i32);
  });
  EXPECT_EQ(drawn({0, kClasses + 1}, 5, DType::i64).shape(), (Shape{0, 5}));
}

TEST(Shapes, OfShuffles) {
  const StatelessSeed seed{1, 2};
  constexpr std::uint64_t kItems = std::uint64_t{1} << 32;
  EXPECT_LT(ShuffleOffsets(kItems, seed).next(), kItems);
  expect_error(ErrorCode::invalid_argument, {"2^32", "4294967297"},
               [&] { ShuffleOffsets(kItems + 1, seed); });
  ShuffleOffsets offsets(3, seed);
  for (std::uint64_t left = 3; left > 0; --left) EXPECT_LT(offsets.next(), left);
  expect_error(ErrorCode::failed_precondition, {"3 items"}, [&] { (void)offsets.next(); });
  expect_error(ErrorCode::failed_precondition, {"0 items"},
               [&] { (void)ShuffleOffsets(0, seed).next(); });
  const std::vector<int> items = {0, 1, 2, 3};
  std::vector<int> shuffled = items;
  for (const std::size_t size : {std::size_t{2}, std::size_t{4}}) {
    ShuffleOffsets of_three(3, seed);
    expect_error(ErrorCode::invalid_argument, {"3 items", std::to_string(size) + " items"},
                 [&] { of_three.shuffle(std::span(shuffled).first(size)); });
    EXPECT_LT(of_three.next(), 3u);  // it was not touched
    expect_error(ErrorCode::invalid_argument, {"1 of them"},
                 [&] { of_three.shuffle(std::span(shuffled).first(3)); });
  }
  EXPECT_EQ(shuffled, items);
}

TEST(Shapes, OfChildren) {
  const StatelessSeed seed{1, 2};
  auto g = Generator::from_seed({1, 2, 3});
  EXPECT_EQ(g.make_seeds(0).shape(), (Shape{2, 0}));
  for (const std::int64_t count : {kMost, std::int64_t{1} << 62, std::int64_t{1} << 55}) {
    // Beyond what a vector may ask for: a sanitizer's operator new aborts where others throw.
    const std::int64_t most = std::max(count, std::int64_t{1} << 60);
    const std::vector<std::function<void()>> refused = {
        [&] { (void)g.make_seeds(count); },
        [&] { (void)g.split(count); },
        [&] { (void)g.split_separated(count); },
        [&] { (void)split(seed, most); },
        [&] {
          (void)split({std::int64_t{1}, 2}, most);
        },
    };
    for (const auto& call : refused) EXPECT_THROW(call(), Error);
  }
  EXPECT_EQ(rows_of_replica(kMost, 2, 3).count, kMost / 3);
}

}  // namespace
}  // namespace counterpoint
