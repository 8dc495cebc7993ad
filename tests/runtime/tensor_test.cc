// Tensors are values, print readably, and name what is wrong.
#include "counterpoint/runtime/tensor.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <limits>
#include <sstream>
#include <utility>

#include "runtime/expect_error.h"

namespace counterpoint {
namespace {

TEST(Tensor, StartsAsZerosAndCopiesCopy) {
  Tensor a(DType::f32, {2, 2});
  EXPECT_EQ(a.size(), 4);
  for (const float value : a.values<float>()) EXPECT_EQ(value, 0.0f);
  Tensor b = a;
  b.values<float>()[0] = 5;
  EXPECT_EQ(a.values<float>()[0], 0.0f);
  a = b;
  EXPECT_EQ(a.values<float>()[0], 5.0f);
  const Tensor c = std::move(b);
  EXPECT_EQ(c.values<float>()[0], 5.0f);
  EXPECT_EQ(b.shape(), Shape{0});  // NOLINT(bugprone-use-after-move): the promise of the header
  EXPECT_EQ(b.size(), 0);
}

TEST(Tensor, ScalarsAndEmptyShapes) {
  EXPECT_EQ(Tensor::scalar(7).item<int>(), 7);
  EXPECT_EQ(Tensor(DType::f64, {}).size(), 1);
  EXPECT_EQ(Tensor(DType::f64, {3, 0, 2}).size(), 0);
  EXPECT_EQ(Tensor().shape(), Shape{0});
}

TEST(Tensor, AdoptedMemoryIsFreedOnce) {
  static int freed = 0;
  freed = 0;
  {
    auto* data = static_cast<float*>(std::malloc(2 * sizeof(float)));
    data[0] = 1;
    data[1] = 2;
    Tensor tensor = Tensor::adopt(DType::f32, {2}, {}, data, [](void* p) {
      ++freed;
      std::free(p);
    });
    const Tensor moved = std::move(tensor);
    EXPECT_EQ(moved.values<float>()[1], 2.0f);
  }
  EXPECT_EQ(freed, 1);
}

TEST(Tensor, PrintsLikeNumPy) {
  EXPECT_EQ(Tensor::from<float>({0.5f, -1, 2.25f, 10}, {2, 2}).to_string(),
            "[[ 0.5   -1]\n [2.25   10]] (f32 [2, 2])");
  EXPECT_EQ(Tensor::scalar<std::int64_t>(-3).to_string(), "-3 (i64 [])");
  EXPECT_EQ(Tensor(DType::i32, {0}).to_string(), "[] (i32 [0])");
  EXPECT_EQ(Tensor::from<std::int32_t>({1, 2, 3, 4}, {1, 2, 2}).to_string(),
            "[[[1 2]\n  [3 4]]] (i32 [1, 2, 2])");
  std::ostringstream stream;
  stream << Tensor(DType::u32, {2000});
  EXPECT_EQ(stream.str(), "[0 0 0 ... 0 0 0] (u32 [2000])");
  EXPECT_EQ(Tensor::scalar(BFloat16::from_float(1.5f)).to_string(), "1.5 (bf16 [])");
}

TEST(Tensor, WrongUsesAreNamed) {
  const Tensor tensor(DType::f32, {2, 3});
  expect_error(ErrorCode::invalid_argument, {"f32", "f64"}, [&] { (void)tensor.values<double>(); });
  expect_error(ErrorCode::invalid_argument, {"[2, 3]"}, [&] { (void)tensor.item<float>(); });
  EXPECT_EQ(tensor.item<float>(5), 0.0f);
  expect_error(ErrorCode::invalid_argument, {"element 6", "[2, 3]"},
               [&] { (void)tensor.item<float>(6); });
  expect_error(ErrorCode::invalid_argument, {"[2, -1]", "negative"}, [] {
    Tensor(DType::f32, {2, -1});
  });
  expect_error(ErrorCode::invalid_argument, {"2^62"}, [] {
    Tensor(DType::f32, {std::int64_t{1} << 40, std::int64_t{1} << 40});
  });
  expect_error(ErrorCode::resource_exhausted, {"no memory"},
               [] { Tensor(DType::f64, {std::int64_t{1} << 50}); });
  expect_error(ErrorCode::invalid_argument, {"3 values", "[2, 2]"}, [] {
    Tensor::from<float>({1, 2, 3}, {2, 2});
  });
  // A zero length hides no overflow of the others.
  EXPECT_EQ(element_count(Shape{std::int64_t{1} << 40, std::int64_t{1} << 40, 0}), 0);
}

}  // namespace
}  // namespace counterpoint
