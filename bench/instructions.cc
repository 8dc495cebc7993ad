// A fixed amount of work for callgrind to count: <distribution> <dtype>, 65,536 values from Philox.
#include <cstdio>
#include <string_view>
#include <vector>

#include "counterpoint/kernels/stream_definition.h"

int main(int argc, char** argv) {
  using namespace counterpoint;
  using kernels::Distribution;
  constexpr std::string_view kNames[] = {"full_int", "int_range", "uniform", "normal",
                                         "truncated_normal"};
  constexpr std::uint64_t kCount = 65536;
  if (argc != 3) return 2;
  kernels::Fill fill{.key = 7, .range = 1000, .count = kCount};
  int found = 0;
  for (int i = 0; i < 5; ++i) {
    if (kNames[i] == argv[1]) fill.distribution = static_cast<Distribution>(i), ++found;
  }
  for (int i = 0; i < 8; ++i) {
    if (dtype_name(static_cast<DType>(i)) == argv[2]) fill.dtype = static_cast<DType>(i), ++found;
  }
  if (found != 2 || !kernels::philox_stream().supports(fill.distribution, fill.dtype)) return 2;
  std::vector<double> out(kCount);
  fill.output = out.data();
  kernels::philox_stream().fill(fill);
  return out[kCount / 4] == 0 ? 1 : 0;
}
