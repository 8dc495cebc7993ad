// The vector paths of Arm against the scalar reference, for an emulator: paths NAME runs every kind of
// fill on instruction set NAME ("NEON", "SVE", ...); without arguments, lists what was compiled.
//
// Stands in for the parts of libhwy that find out what the processor has: run.sh says it.
#include <hwy/targets.h>

#include <cstdio>
#include <cstring>
#include <string_view>
#include <vector>

#include "counterpoint/kernels/internal/philox_scalar.h"
#include "counterpoint/kernels/internal/threefry_scalar.h"
#include "counterpoint/kernels/simd/philox_fills.h"
#include "counterpoint/kernels/simd/threefry_fills.h"

namespace hwy {
namespace {
int64_t supported = 0;
}
int64_t SupportedTargets() { return supported; }
ChosenTarget& GetChosenTarget() {
  static ChosenTarget chosen;
  return chosen;
}
}  // namespace hwy

namespace counterpoint::kernels {
namespace {

struct Algorithm {
  void (*scalar)(const Fill&);
  const char* (*vectors)(const Fill&);
  bool truncates_all;
};
constexpr Algorithm kAlgorithms[] = {{fill_philox_scalar, fill_philox, true},
                                     {fill_threefry_scalar, fill_threefry, false}};
constexpr std::int64_t kShapes[][2] = {{1, 3'001}, {1, 3'004}, {60, 50}, {7, 431}, {500, 3}};

// Fills both ways; false if they differ, or another instruction set ran.
bool same(const Algorithm& algorithm, Fill fill, std::uint64_t total, std::string_view target) {
  std::vector<double> expected(total + 1);
  std::vector<double> got(total + 1);
  fill.output = expected.data();
  algorithm.scalar(fill);
  fill.output = got.data();
  return algorithm.vectors(fill) == target &&
         std::memcmp(expected.data(), got.data(), expected.size() * sizeof(double)) == 0;
}

bool is_drawn(const Algorithm& algorithm, const Fill& fill) {
  const bool integers = fill.distribution <= Distribution::uniform_int;
  if (integers == is_floating(fill.dtype) || (integers && fill.scaled)) return false;
  return fill.distribution != Distribution::truncated_normal || algorithm.truncates_all ||
         fill.dtype == DType::f32;
}

int run(std::string_view target) {
  int fills = 0;
  int different = 0;
  for (const Algorithm& algorithm : kAlgorithms) {
    for (int kind = 0; kind < 5 * 8 * 2; ++kind) {
      Fill fill{.distribution = static_cast<Distribution>(kind / 16),
                .dtype = static_cast<DType>(kind / 2 % 8),
                .key = 0x0123456789abcdefu,
                .counter = {0xffffff00u, algorithm.truncates_all ? 5u : 0u},
                .scaled = kind % 2 != 0,
                .scale = 3.25,
                .offset = -1.5,
                .range = 1'000,
                .low = 3};
      if (!is_drawn(algorithm, fill)) continue;
      for (const auto& shape : kShapes) {
        const auto total = static_cast<std::uint64_t>(shape[0] * shape[1]);
        fill.shape = shape;
        for (const std::uint64_t first : {0u, 1u, 6u, 77u}) {
          for (const std::uint64_t count : {std::uint64_t{5}, std::uint64_t{130}, total - first}) {
            fill.first_element = first;
            fill.count = count;
            ++fills;
            if (same(algorithm, fill, total, target)) continue;
            ++different;
            std::printf("distribution %d dtype %s shape %d first %d count %d differs\n", kind / 16,
                        std::string(dtype_name(fill.dtype)).c_str(), static_cast<int>(shape[0]),
                        static_cast<int>(first), static_cast<int>(count));
          }
        }
      }
    }
  }
  std::printf("%s: %d fills, %d differ\n", std::string(target).c_str(), fills, different);
  return different != 0 || fills < 2'000 ? 1 : 0;
}

}  // namespace
}  // namespace counterpoint::kernels

int main(int argc, char** argv) {
  for (int bit = 0; bit < 62; ++bit) {
    const int64_t target = int64_t{1} << bit;
    if ((HWY_TARGETS & target) == 0) continue;
    if (argc < 2) std::printf("%s\n", hwy::TargetName(target));
    if (argc == 2 && std::string_view(argv[1]) == hwy::TargetName(target)) {
      hwy::supported = target;
      return counterpoint::kernels::run(argv[1]);
    }
  }
  return argc < 2 ? 0 : 2;
}
