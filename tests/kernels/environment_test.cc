// Fills in the floating-point environment: they raise no exception by what memory happened to hold.
#include <gtest/gtest.h>

#include <cfenv>
#include <limits>

#include "counterpoint/kernels/targets.h"
#include "kernels/fills.h"

namespace counterpoint::kernels_test {
namespace {

using kernels::available_targets;
using kernels::ForcedTarget;
using kernels::philox_stream;
using kernels::threefry_stream;

class Environment : public testing::TestWithParam<std::string> {
 protected:
  const ForcedTarget forced_{GetParam()};
};
INSTANTIATE_TEST_SUITE_P(Every, Environment, testing::ValuesIn(available_targets()),
                         [](const auto& target) { return target.param; });

// Leaves signaling NaNs, of f32 and of f64, where the next call's variables will be.
[[gnu::noinline]] void use_stack(std::uint32_t word) {
  volatile std::uint32_t used[20'000];
  for (volatile std::uint32_t& at : used) at = word;
}

TEST_P(Environment, UnusedLanesRaiseNothing) {
  alignas(64) double out[300];
  int fills = 0;
  for (const StreamDefinition* stream : {&philox_stream(), &threefry_stream()}) {
    for (Fill fill : every_kind(*stream)) {
      if (!is_floating(fill.dtype)) continue;
      for (std::uint64_t count = 1; count < 300; ++count) {
        const std::int64_t shape[] = {static_cast<std::int64_t>(count)};
        fill.shape = shape;
        fill.count = count;
        fill.output = out;
        for (const std::uint32_t word : {0x7f812345u, 0x7ff23456u, 0x7f7fffffu}) {
          use_stack(word);
          std::feclearexcept(FE_ALL_EXCEPT);
          stream->fill(fill);
          ASSERT_EQ(std::fetestexcept(FE_INVALID | FE_DIVBYZERO | FE_OVERFLOW), 0)
              << stream->name << " " << describe(fill) << " over " << word;
          ++fills;
        }
      }
    }
  }
  EXPECT_GT(fills, 10'000);
}

}  // namespace
}  // namespace counterpoint::kernels_test
