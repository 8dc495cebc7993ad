// Seeds of two integers: what makes one, what folds into one and what one splits into.
#include <gtest/gtest.h>

#include <array>
#include <concepts>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "counterpoint/runtime/stateless.h"
#include "runtime/expect_error.h"

namespace counterpoint {
namespace {

using Ints = std::vector<std::int32_t>;

Ints elements(const Tensor& tensor) {
  const auto span = tensor.values<std::int32_t>();
  return {span.begin(), span.end()};
}

TEST(StatelessSeeds, AreTwoIntegers) {
  EXPECT_EQ(StatelessSeed(1, 2).dtype(), DType::i32);
  EXPECT_EQ(StatelessSeed(1, std::int64_t{2}).dtype(), DType::i64);
  EXPECT_EQ(StatelessSeed(1u, 2).dtype(), DType::i64);
  const StatelessSeed seed(Tensor::from<std::int32_t>({-1, 5}, {2}));
  EXPECT_EQ(seed.words(), (std::array<std::int64_t, 2>{-1, 5}));
  EXPECT_EQ(seed.dtype(), DType::i32);
  EXPECT_EQ(elements(seed.tensor()), (Ints{-1, 5}));
  const std::vector<std::int64_t> words = {3, 4};
  EXPECT_EQ(StatelessSeed(std::span(words)), StatelessSeed(std::int64_t{3}, std::int64_t{4}));

  for (const std::size_t size : {0u, 1u, 3u}) {
    const std::vector<std::int32_t> entries(size);
    expect_error(ErrorCode::invalid_argument, {"two integers", std::to_string(size)},
                 [&] { (void)StatelessSeed(std::span(entries)); });
  }
  expect_error(ErrorCode::invalid_argument, {"two integers", "f32"}, [] {
    (void)StatelessSeed(Tensor::from<float>({1, 2}, {2}));
  });
  expect_error(ErrorCode::invalid_argument, {"two integers", "[2, 1]"}, [] {
    (void)StatelessSeed(Tensor(DType::i64, {2, 1}));
  });
}

TEST(StatelessSeeds, FoldAndSplitAsRecorded) {
  const StatelessSeed seed{1, 2};
  EXPECT_EQ(fold_in(seed, 7), StatelessSeed(1105988140, 7));
  EXPECT_EQ(fold_in(seed, std::int64_t{7}),
            StatelessSeed(std::int64_t{7464880146280614444}, std::int64_t{7}));
  EXPECT_EQ(fold_in(seed, Tensor::scalar(std::int32_t{7})), fold_in(seed, 7));
  EXPECT_EQ(split(seed),
            (std::vector<StatelessSeed>{{1105988140, 1738052849}, {-335576002, 370444179}}));
  const StatelessSeed wide(std::int64_t{1}, std::int64_t{2});
  EXPECT_EQ(split(wide),
            (std::vector<StatelessSeed>{
                {std::int64_t{7464880146280614444}, std::int64_t{1591045637757961278}},
                {std::int64_t{-1057468755545501549}, std::int64_t{2524363516007002203}}}));
  EXPECT_TRUE(split(seed, 0).empty());
  expect_error(ErrorCode::invalid_argument, {"-1"}, [&] { (void)split(seed, -1); });
  expect_error(ErrorCode::resource_exhausted, {"no memory for 1152921504606846976 seeds"},
               [&] { (void)split(seed, std::int64_t{1} << 60); });
  expect_error(ErrorCode::invalid_argument, {"fold_in", "f32"},
               [&] { (void)fold_in(seed, Tensor::scalar(7.0f)); });

  // ThreeFry: the words of [2, 2], split along its first axis.
  const auto words = elements(stateless_uniform_full_int<std::int32_t>({2, 2}, seed, "threefry"));
  EXPECT_EQ(split(seed, 2, "threefry"),
            (std::vector<StatelessSeed>{{words[0], words[1]}, {words[2], words[3]}}));
}

template <class T>
concept Foldable = requires(StatelessSeed seed, T data) { fold_in(seed, data); };

// Every integer folds in, by its type: i32 where that holds the type, else i64.
template <class T>
void expect_folded(bool as_i32) {
  const StatelessSeed seed{1, 2};
  for (const T data : {T{7}, std::numeric_limits<T>::min()}) {
    const auto word = static_cast<std::int64_t>(data);
    const StatelessSeed want = fold_in(
        seed, as_i32 ? Tensor::scalar(static_cast<std::int32_t>(data)) : Tensor::scalar(word));
    EXPECT_EQ(fold_in(seed, data), want);
    EXPECT_EQ(fold_in(seed, data)[1], word);
  }
}

TEST(StatelessSeeds, FoldEveryInteger) {
  expect_folded<signed char>(true);
  expect_folded<unsigned char>(true);
  expect_folded<char>(true);
  expect_folded<short>(true);           // NOLINT(google-runtime-int)
  expect_folded<unsigned short>(true);  // NOLINT(google-runtime-int)
  expect_folded<int>(true);
  expect_folded<unsigned>(false);
  expect_folded<long>(false);                // NOLINT(google-runtime-int)
  expect_folded<unsigned long>(false);       // NOLINT(google-runtime-int)
  expect_folded<long long>(false);           // NOLINT(google-runtime-int)
  expect_folded<unsigned long long>(false);  // NOLINT(google-runtime-int)
  expect_folded<std::size_t>(false);
  expect_folded<std::ptrdiff_t>(false);
  expect_folded<char32_t>(false);
  static_assert(!Foldable<bool> && !Foldable<double> && Foldable<std::size_t>);

  const StatelessSeed seed{1, 2};
  const std::uint64_t most = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ(fold_in(seed, most)[1], std::numeric_limits<std::int64_t>::max());
  expect_error(ErrorCode::invalid_argument, {"9223372036854775808", "beyond i64"},
               [&] { (void)fold_in(seed, most + 1); });
  EXPECT_EQ(fold_in(seed, std::size_t{7}, Algorithm::threefry),
            fold_in(seed, std::int64_t{7}, Algorithm::threefry));
  expect_error(ErrorCode::invalid_argument, {"fold_in", "[2]"},
               [&] { (void)fold_in(seed, Tensor(DType::i32, {2})); });
  expect_error(ErrorCode::invalid_argument, {"fold_in", "[0]"},
               [&] { (void)fold_in(seed, Tensor(DType::i64, {0})); });
}

}  // namespace
}  // namespace counterpoint
