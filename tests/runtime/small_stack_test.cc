// Draws on a thread of little stack: what generator.h and stateless_samplers.h say that they need.
#include <gtest/gtest.h>
#include <pthread.h>

#include <array>
#include <vector>

#include "counterpoint/kernels/targets.h"
#include "counterpoint/runtime/generator.h"
#include "counterpoint/runtime/stateless.h"
#include "counterpoint/runtime/stateless_samplers.h"

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // which need more
namespace counterpoint {
namespace {

constexpr std::size_t kFillStack = 64 << 10;
constexpr std::size_t kSamplerStack = 256 << 10;
constexpr std::size_t kBeside = 16 << 10;  // glibc's, and the test's own

// Runs `work` on a thread with `stack` bytes of stack. One that needs more ends the program.
template <class Work>
void on_stack(std::size_t stack, Work work) {
  pthread_attr_t attributes;
  ASSERT_EQ(pthread_attr_init(&attributes), 0);
  ASSERT_EQ(pthread_attr_setstacksize(&attributes, stack + kBeside), 0);
  pthread_t thread;
  const auto run = [](void* argument) -> void* {
    (*static_cast<Work*>(argument))();
    return nullptr;
  };
  ASSERT_EQ(pthread_create(&thread, &attributes, run, &work), 0);
  pthread_attr_destroy(&attributes);
  ASSERT_EQ(pthread_join(thread, nullptr), 0);
}

TEST(SmallStack, Fills) {
  int fills = 0;
  std::vector<std::uint64_t> buffer(std::size_t{1} << 18);
  for (const std::string& target : kernels::available_targets()) {
    const kernels::ForcedTarget forced(target);
    for (const Algorithm algorithm : {Algorithm::philox, Algorithm::threefry}) {
      auto generator = Generator::from_seed(1, algorithm);
      const auto fill_type = [&]<class T>(T) {
        for (const std::size_t count : {std::size_t{3'001}, buffer.size()}) {
          const std::span<T> out(reinterpret_cast<T*>(buffer.data()), count);
          on_stack(kFillStack, [&] {
            if constexpr (is_floating(dtype_of<T>)) {
              generator.fill_uniform(out, -1.0, 3.0);
              generator.fill_normal(out, 1.0, 2.0);
              if (algorithm == Algorithm::philox || dtype_of<T> == DType::f32) {
                generator.fill_truncated_normal(out);
              }
            } else {
              generator.fill_uniform_full_int(out);
              generator.fill_uniform(out, 0, 9);
            }
          });
          ++fills;
        }
      };
      fill_type(Float16{});
      fill_type(BFloat16{});
      fill_type(float{});
      fill_type(double{});
      fill_type(std::int32_t{});
      fill_type(std::int64_t{});
      fill_type(std::uint32_t{});
      fill_type(std::uint64_t{});
    }
  }
  EXPECT_GE(fills, 32);
}

TEST(SmallStack, Samplers) {
  int samplers = 0;
  const StatelessSeed seed = {1, 2};
  std::vector<double> doubles(3'000);
  std::vector<std::int64_t> integers(doubles.size());
  const Tensor alphas = Tensor::from<double>({0.3, 1, 2.5}, {3});
  const Tensor rates = Tensor::from<double>({0.5, 9, 40}, {3});
  const Tensor trials = Tensor::from<double>({5, 100, 1e6}, {3});
  const Tensor logits = Tensor::from<float>({0.1f, 0.2f, 0.3f}, {1, 3});
  const std::array<std::int64_t, 2> shape = {1'000, 3};
  for (const std::string& target : kernels::available_targets()) {
    const kernels::ForcedTarget forced(target);
    on_stack(kSamplerStack, [&] {
      fill_stateless_gamma(std::span(doubles), seed, 0.5, 2.0);
      fill_stateless_gamma(std::span(doubles), seed, alphas, 2.0, shape);
      fill_stateless_poisson(std::span(integers), seed, 3.5);
      fill_stateless_poisson(std::span(integers), seed, rates, shape);
      fill_stateless_binomial(std::span(integers), seed, 10.0, 0.3);
      fill_stateless_binomial(std::span(integers), seed, trials, 0.3, shape);
      fill_stateless_categorical(std::span(integers), logits, 3'000, seed);
      fill_stateless_parameterized_truncated_normal(std::span(doubles), seed, 0, 1, -1, 5);
    });
    ++samplers;
  }
  EXPECT_GE(samplers, 1);
}

}  // namespace
}  // namespace counterpoint
#endif
