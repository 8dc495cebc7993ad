// Every wrong argument is an Error with its values, and moves nothing.
#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "counterpoint/runtime/generator.h"
#include "runtime/expect_error.h"

namespace counterpoint {
namespace {

using Words = std::vector<std::int64_t>;

struct BadCall {
  const char* name;
  std::function<void(Generator&)> call;
  std::vector<std::string> told;
};

std::vector<BadCall> bad_calls() {
  static const Tensor two = Tensor::from<float>({1, 2}, {2});
  static const Tensor half = Tensor::from<Float16>({Float16{0}}, {1});
  static const Tensor doubles = Tensor::from<double>({0.5}, {1});
  static std::vector<float> array(5);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinity = std::numeric_limits<double>::infinity();
  return {
      {"negative length",
       [](auto& g) {
         (void)g.template normal<float>({2, -3});
       },
       {"[2, -3]"}},
      {"too many elements",
       [](auto& g) {
         (void)g.template normal<float>({std::int64_t{1} << 61, 8});
       },
       {"2^62"}},
      {"normals of integers",
       [](auto& g) { (void)g.normal({2}, 0.0, 1.0, DType::i32); },
       {"normal", "i32"}},
      {"truncated normals of integers",
       [](auto& g) { (void)g.truncated_normal({2}, 0.0, 1.0, DType::u64); },
       {"truncated_normal", "u64"}},
      {"full integers of floats",
       [](auto& g) { (void)g.uniform_full_int({2}, DType::f32); },
       {"f32"}},
      {"empty range", [](auto& g) { (void)g.template uniform<int>({2}, 5, 5); }, {"5"}},
      {"reversed range",
       [](auto& g) { (void)g.template uniform<std::int64_t>({2}, 5, -5); },
       {"5", "-5"}},
      {"bound beyond the type",
       [](auto& g) { (void)g.template uniform<int>({2}, 0, std::int64_t{1} << 40); },
       {"maxval", "1099511627776", "i32"}},
      {"negative bound of unsigned",
       [](auto& g) { (void)g.template uniform<std::uint32_t>({2}, -1, 5); },
       {"minval", "-1", "u32"}},
      {"fraction as a bound", [](auto& g) { (void)g.template uniform<int>({2}, 0.5, 3); }, {"0.5"}},
      {"tensor as an integer bound",
       [](auto& g) { (void)g.template uniform<int>({2}, 0, two); },
       {"[2]"}},
      {"mean that does not broadcast",
       [](auto& g) { (void)g.template normal<float>({3}, two); },
       {"[3]", "[2]"}},
      {"array of another size",
       [](auto& g) {
         g.fill_normal(array, 0.0, 1.0, Shape{2, 2});
       },
       {"5", "4", "[2, 2]"}},
      {"array too small for the broadcast",
       [](auto& g) {
         g.fill_normal(array, Tensor::from<float>({1, 2}, {2, 1}));
       },
       {"5", "10"}},
      {"probability above 1",
       [](auto& g) { (void)g.template binomial<int>({2}, 10, 1.5); },
       {"1.5"}},
      {"probability below 0",
       [](auto& g) { (void)g.template binomial<int>({2}, 10, -0.25); },
       {"-0.25"}},
      {"probability that is no number",
       [nan](auto& g) { (void)g.template binomial<int>({2}, 10, nan); },
       {"nan"}},
      {"count that is no number",
       [nan](auto& g) { (void)g.template binomial<float>({2}, nan, 0.5); },
       {"nan"}},
      {"infinite count",
       [infinity](auto& g) { (void)g.template binomial<float>({2}, infinity, 0.5); },
       {"inf"}},
      {"count beyond the result's type",
       [](auto& g) { (void)g.template binomial<int>({2}, 1e12, 0.5); },
       {"i32"}},
      {"count that f32 rounds",
       [](auto& g) { (void)g.template binomial<std::int64_t>({2}, 16777217, 1.0); },
       {"16777217", "16777216", "f32", "f64"}},
      {"largest i32 as a count",
       [](auto& g) { (void)g.template binomial<int>({2}, std::numeric_limits<int>::max(), 0.5); },
       {"2147483647, which is 2147483648 in f32"}},
      {"count that f32 rounds, with probabilities",
       [](auto& g) { (void)g.template binomial<std::int64_t>({2}, 16777217, two); },
       {"16777217"}},
      {"element of integers that f32 rounds",
       [](auto& g) {
         const Tensor counts = Tensor::from<std::int32_t>({4, 16777217}, {2});
         (void)g.template binomial<std::int64_t>({2}, counts, 0.5);
       },
       {"16777217, which is 16777216 in f32", "pass a tensor of f64"}},
      {"element of integers that f32 rounds, with probabilities",
       [](auto& g) {
         const Tensor counts = Tensor::from<std::uint64_t>({(std::uint64_t{1} << 40) + 1}, {1});
         (void)g.template binomial<std::int64_t>({1}, counts, Tensor::from<float>({1}, {1}));
       },
       {"1099511627777, which is 1099511627776 in f32"}},
      {"element of integers that is infinite in f16",
       [](auto& g) {
         const Tensor counts = Tensor::from<std::int64_t>({100'000}, {1});
         (void)g.template binomial<std::int64_t>({1}, counts, half);
       },
       {"100000, which is inf in f16"}},
      {"count that is infinite in f32",
       [](auto& g) { (void)g.template binomial<double>({2}, 1e39, 0.5); },
       {"1e+39", "inf"}},
      {"probability just above 1",
       [](auto& g) { (void)g.template binomial<int>({2}, 10, 1.00000000001); },
       {"1.00000000001"}},
      {"probability that is 0 in f32",
       [](auto& g) { (void)g.template binomial<int>({2}, 10, 1e-50); },
       {"1e-50", "f32"}},
      {"shape without the parameters'",
       [](auto& g) { (void)g.template binomial<int>({3}, two, 0.5); },
       {"[3]", "[2]"}},
      {"scalar shape for vector parameters",
       [](auto& g) { (void)g.template binomial<int>({}, two, 0.5); },
       {"[2]"}},
      {"binomials in u32", [](auto& g) { (void)g.binomial({2}, 5, 0.5, DType::u32); }, {"u32"}},
      {"parameters of two types",
       [](auto& g) { (void)g.template binomial<int>({1}, half, doubles); },
       {"f16", "f64"}},
      {"negative number of seeds", [](auto& g) { (void)g.make_seeds(-1); }, {"-1"}},
      {"negative number of children", [](auto& g) { (void)g.split(-2); }, {"-2"}},
      {"short state",
       [](auto& g) {
         g.reset(Words{1, 2});
       },
       {"3 words", "2"}},
      {"state of another shape",
       [](auto& g) {
         g.reset(Tensor::from<std::int64_t>({1, 2, 3}, {3, 1}));
       },
       {"[3, 1]"}},
      {"state of another type",
       [](auto& g) {
         g.reset(Tensor::from<float>({1, 2, 3}, {3}));
       },
       {"f32"}},
      {"short counter", [](auto& g) { g.reset_from_key_counter(1, Words{1}); }, {"2 words"}},
  };
}

TEST(BadInput, IsNamedAndMovesNothing) {
  auto g = Generator::from_state(Words{10, 20, 30});
  const std::vector<BadCall> calls = bad_calls();
  ASSERT_FALSE(calls.empty());
  for (const BadCall& bad : calls) {
    SCOPED_TRACE(bad.name);
    try {
      bad.call(g);
      ADD_FAILURE() << "nothing was thrown";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::invalid_argument) << error.what();
      for (const std::string& text : bad.told)
        EXPECT_THAT(error.message(), testing::HasSubstr(text));
    }
    const Tensor state = g.state();
    EXPECT_EQ(Words(state.values<std::int64_t>().begin(), state.values<std::int64_t>().end()),
              (Words{10, 20, 30}));
  }
}

TEST(BadInput, NoMemoryMovesNothing) {
  auto g = Generator::from_state(Words{10, 20, 30});
  expect_error(ErrorCode::resource_exhausted, {"no memory"},
               [&] { (void)g.normal<float>({std::int64_t{1} << 55}); });
  expect_error(ErrorCode::resource_exhausted, {"no memory"},
               [&] { (void)g.split(std::int64_t{1} << 55); });
  // Bytes that no 64-bit number counts.
  for (const std::int64_t length :
       {std::int64_t{1} << 59, std::int64_t{1} << 60, (std::int64_t{1} << 60) + 1}) {
    expect_error(ErrorCode::resource_exhausted, {"no memory"},
                 [&] { (void)g.normal<double>({length}); });
    expect_error(ErrorCode::resource_exhausted, {"no memory"}, [&] { (void)g.make_seeds(length); });
    expect_error(ErrorCode::resource_exhausted, {"no memory"}, [&] { (void)g.split(length); });
  }
  EXPECT_EQ(g.state().item<std::int64_t>(0), 10);
}

// As in TensorFlow, a draw of nothing checks no values.
TEST(BadInput, AnEmptyDrawChecksNoValues) {
  auto g = Generator::from_seed(1);
  EXPECT_EQ(g.uniform<int>({0}, 5, 5).size(), 0);
  EXPECT_EQ(g.binomial<int>({0}, 10, 7.0).size(), 0);
  EXPECT_EQ(g.normal<float>({4, 0}, 0.0, -1.0).shape(), (Shape{4, 0}));
}

TEST(BadInput, WhereAGeneratorIsMade) {
  expect_error(ErrorCode::invalid_argument, {"3 words", "2"}, [] {
    Generator::from_state(Words{1, 2});
  });
  expect_error(ErrorCode::invalid_argument, {"2 words", "3"}, [] {
    Generator::from_key_counter(1, Words{1, 2, 3});
  });
}

}  // namespace
}  // namespace counterpoint
