// Filling a caller's array allocates nothing, whatever is drawn: by generators, stateless functions and
// kernels, of every distribution, type and algorithm, few elements or many; Fills in
// tests/house/house_test.cc sees that none is left out. Scalar parameters: tensors that broadcast are
// combined in memory of their own, but for bounded normals, which allocate nothing with them either.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <new>
#include <vector>

#include "counterpoint/kernels/targets.h"
#include "counterpoint/runtime/generator.h"
#include "counterpoint/runtime/sharded_draws.h"
#include "counterpoint/runtime/stateless.h"
#include "counterpoint/runtime/stateless_samplers.h"

namespace {

std::atomic<std::uint64_t> allocations{0};

void* counted(std::size_t size, std::size_t alignment = alignof(std::max_align_t)) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  const std::size_t whole = (size + alignment) / alignment * alignment;
  void* const memory = std::aligned_alloc(alignment, whole);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

void* operator new(std::size_t size) { return counted(size); }
void* operator new[](std::size_t size) { return counted(size); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return counted(size, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t size, std::align_val_t alignment) {
  return counted(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

namespace counterpoint {
namespace {

constexpr std::size_t kMost = std::size_t{1} << 20;

class NoAllocation : public testing::Test {
 protected:
  // Expects that `call` allocates nothing.
  template <class Call>
  void check(const Call& call, const char* what) {
    const std::uint64_t before = allocations.load();
    call();
    EXPECT_EQ(allocations.load() - before, 0u) << what;
    ++calls_;
  }

  // Every length, of which the last is split among threads. The first calls of a process count too, as
  // the first large one, which starts the helpers.
  template <class T, class Fill>
  void check_lengths(std::vector<T>& buffer, const Fill& fill, const char* what) {
    for (const std::size_t count :
         {std::size_t{1}, std::size_t{5}, std::size_t{64}, std::size_t{3'001}, kMost}) {
      const std::span<T> out(buffer.data(), count);
      check([&] { fill(out); }, what);
    }
  }

  int calls_ = 0;
};

template <class Visit>
void for_each_type(Visit visit) {
  visit(Float16{});
  visit(BFloat16{});
  visit(float{});
  visit(double{});
  visit(std::int32_t{});
  visit(std::int64_t{});
  visit(std::uint32_t{});
  visit(std::uint64_t{});
}

TEST_F(NoAllocation, TheCounterCounts) {
  const std::uint64_t before = allocations.load();
  const std::vector<int> some(3);
  EXPECT_EQ(allocations.load() - before, 1u);
  auto generator = Generator::from_seed(1);
  const std::uint64_t between = allocations.load();
  (void)generator.normal<float>({3});
  EXPECT_GT(allocations.load(), between);
}

TEST_F(NoAllocation, Generators) {
  for (const Algorithm algorithm : {Algorithm::philox, Algorithm::threefry}) {
    auto generator = Generator::from_seed(1, algorithm);
    const bool philox = algorithm == Algorithm::philox;
    for_each_type([&]<class T>(T) {
      std::vector<T> buffer(kMost);
      if constexpr (is_floating(dtype_of<T>)) {
        check_lengths(
            buffer, [&](auto out) { generator.fill_uniform(out, -1.0, 3.0); }, "uniform");
        check_lengths(
            buffer, [&](auto out) { generator.fill_normal(out, 1.0, 2.0); }, "normal");
        if (philox || dtype_of<T> == DType::f32) {
          check_lengths(
              buffer, [&](auto out) { generator.fill_truncated_normal(out); }, "truncated normal");
        }
      } else {
        check_lengths(
            buffer, [&](auto out) { generator.fill_uniform_full_int(out); }, "full int");
        check_lengths(
            buffer, [&](auto out) { generator.fill_uniform(out, 0, 9); }, "int range");
      }
      if constexpr (dtype_of<T> == DType::i32 || dtype_of<T> == DType::f32) {
        if (philox) {
          check([&] { generator.fill_binomial(std::span(buffer.data(), 3'001), 10.0, 0.3); },
                "binomial");
        }
      }
    });
    check([&] { (void)generator(); }, "one u64");
  }
  EXPECT_EQ(calls_, (4 * 3 * 5 + 4 * 2 * 5 + 2 + 1) + (4 * 2 * 5 + 5 + 4 * 2 * 5 + 1));
}

TEST_F(NoAllocation, ShardedDraws) {
  auto generator = Generator::from_seed(1);
  const auto sharded = generator.sharded();
  std::vector<float> floats(kMost);
  std::vector<std::int64_t> integers(kMost);
  const auto shape_of = [](auto out) {
    return std::array<std::int64_t, 2>{static_cast<std::int64_t>(out.size()), 1};
  };
  check_lengths(
      floats, [&](auto out) { sharded.fill_normal(out, shape_of(out), 1.0, 2.0); },
      "sharded normal");
  check_lengths(
      integers, [&](auto out) { sharded.fill_uniform(out, shape_of(out), 0, 9); },
      "sharded int range");
  EXPECT_EQ(calls_, 2 * 5);
}

TEST_F(NoAllocation, StatelessFunctions) {
  for_each_type([&]<class T>(T) {
    std::vector<T> buffer(kMost);
    const StatelessSeed seed = {1, 2};
    if constexpr (is_floating(dtype_of<T>)) {
      check_lengths(
          buffer, [&](auto out) { fill_stateless_uniform(out, seed, 0.0, 2.0); },
          "stateless uniform");
      check_lengths(
          buffer, [&](auto out) { fill_stateless_normal(out, seed); }, "stateless normal");
      check_lengths(
          buffer, [&](auto out) { fill_stateless_truncated_normal(out, seed); },
          "stateless truncated normal");
    } else {
      check_lengths(
          buffer, [&](auto out) { fill_stateless_uniform_full_int(out, seed); },
          "stateless full int");
      check_lengths(
          buffer, [&](auto out) { fill_stateless_uniform(out, seed, 0, 9); },
          "stateless int range");
    }
  });
  EXPECT_EQ(calls_, 4 * 3 * 5 + 4 * 2 * 5);
}

TEST_F(NoAllocation, StatelessSamplers) {
  const StatelessSeed seed = {1, 2};
  std::vector<float> floats(kMost);
  std::vector<std::int64_t> integers(kMost);
  check_lengths(
      floats, [&](auto out) { fill_stateless_gamma(out, seed, 0.5, 2.0); }, "gamma");
  check_lengths(
      integers, [&](auto out) { fill_stateless_poisson(out, seed, 3.5); }, "Poisson");
  check_lengths(
      integers, [&](auto out) { fill_stateless_binomial(out, seed, 10.0, 0.3); }, "binomial");
  const Tensor logits = Tensor::from<float>({0.1f, 0.2f, 0.3f}, {1, 3});
  check_lengths(
      integers,
      [&](auto out) {
        fill_stateless_categorical(out, logits, static_cast<std::int64_t>(out.size()), seed);
      },
      "categorical");
  check_lengths(
      floats,
      [&](auto out) { fill_stateless_normal(out, seed, 0.0, 1.0, {}, Algorithm::threefry); },
      "ThreeFry normal");
  EXPECT_EQ(calls_, 5 * 5);
}

TEST_F(NoAllocation, BoundedNormals) {
  const StatelessSeed seed = {1, 2};
  const auto check_type = [&]<class T>(T) {
    std::vector<T> buffer(kMost);
    check_lengths(
        buffer,
        [&](auto out) { fill_stateless_parameterized_truncated_normal(out, seed, 0, 1, -1, 5); },
        "bounded normal");
    check_lengths(
        buffer,
        [&](auto out) { fill_stateless_parameterized_truncated_normal(out, seed, 0, 1, 100, 101); },
        "bounded normal that may fail");
    const Tensor low = Tensor::from<double>({-1, 0, 100}, {3, 1});
    const Tensor scale = Tensor::from<float>({1, 2}, {2});
    const std::array<std::int64_t, 3> shape = {50, 3, 2};
    check(
        [&] {
          fill_stateless_parameterized_truncated_normal(std::span(buffer.data(), 300), seed, 0,
                                                        scale, low, 101, shape);
        },
        "bounded normal of tensors");
  };
  check_type(Float16{});
  check_type(float{});
  check_type(double{});
  EXPECT_EQ(calls_, 3 * (2 * 5 + 1));
}

// The kernels alone, on every instruction set.
TEST_F(NoAllocation, Kernels) {
  std::vector<double> buffer(70'000);
  const std::int64_t shape[] = {70, 1'000};
  for (const std::string& target : kernels::available_targets()) {
    const kernels::ForcedTarget forced(target);
    for (const StreamDefinition* stream :
         {&kernels::philox_stream(), &kernels::threefry_stream()}) {
      for (int distribution = 0; distribution < 5; ++distribution) {
        for (int dtype = 0; dtype < 8; ++dtype) {
          kernels::Fill fill{.distribution = static_cast<kernels::Distribution>(distribution),
                             .dtype = static_cast<DType>(dtype),
                             .shape = shape,
                             .key = 7,
                             .range = 10,
                             .output = buffer.data()};
          if (!stream->supports(fill.distribution, fill.dtype)) continue;
          fill.scaled = is_floating(fill.dtype);
          for (const std::uint64_t count : {1u, 7u, 70'000u}) {
            fill.count = count;
            check([&] { stream->fill(fill); }, target.c_str());
          }
        }
      }
    }
  }
  const auto targets = static_cast<int>(kernels::available_targets().size());
  EXPECT_EQ(calls_, targets * 3 * (4 * 2 + 4 * 3 + 4 * 2 + 4 * 2 + 1));
}

}  // namespace
}  // namespace counterpoint
