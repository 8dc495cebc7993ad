// A fixed amount of work for callgrind to count: <distribution> <dtype> <values> of Philox.
#include <cstdlib>
#include <iostream>
#include <string_view>
#include <vector>

#include "counterpoint/kernels/targets.h"

int main(int argc, char** argv) {
  using namespace counterpoint;
  using kernels::Distribution;
  constexpr std::string_view kNames[] = {"full_int", "int_range", "uniform", "normal",
                                         "truncated_normal"};
  if (argc != 4) return 2;
  const std::uint64_t count = std::strtoull(argv[3], nullptr, 10);
  kernels::Fill fill{.key = 7, .range = 1000, .count = count};
  int found = 0;
  for (int i = 0; i < 5; ++i) {
    if (kNames[i] == argv[1]) fill.distribution = static_cast<Distribution>(i), ++found;
  }
  for (int i = 0; i < 8; ++i) {
    if (dtype_name(static_cast<DType>(i)) == argv[2]) fill.dtype = static_cast<DType>(i), ++found;
  }
  if (found != 2 || !kernels::philox_stream().supports(fill.distribution, fill.dtype)) return 2;
  std::vector<double> out(count + 1);
  fill.output = out.data();
  std::cerr << "target " << kernels::fill_naming_target(kernels::philox_stream(), fill) << '\n';
  return out[count / 4] == 0 ? 1 : 0;
}
