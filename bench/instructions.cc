// A fixed amount of work for callgrind to count: <distribution> <dtype> <values> of one fill by
// Philox, or draws/1_normal (64_normals, empty, 1_word; in_run/1_normal, in_run/64_normals) f32
// <draws> through Generator.
#include <cstdlib>
#include <iostream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "counterpoint/counterpoint.h"
#include "counterpoint/kernels/targets.h"

namespace {

using namespace counterpoint;

// 0 if it knows `what`.
int draw(std::string_view what, std::uint64_t draws) {
  float out[64] = {};
  auto noise = Generator::from_seed(1);
  std::uint64_t sum = 0;
  const auto normals = [&](Generator& generator, std::size_t count) {
    for (std::uint64_t i = 0; i < draws; ++i) generator.fill_normal(std::span(out, count));
  };
  if (what == "1_word") {
    for (std::uint64_t i = 0; i < draws; ++i) sum += noise();
    out[0] = static_cast<float>(sum);
  } else if (what == "empty") {
    normals(noise, 0);
    out[0] = 1;
  } else if (what == "1_normal") {
    normals(noise, 1);
  } else if (what == "64_normals") {
    normals(noise, 64);
  } else if (what.starts_with("in_run/")) {
    MirroredStrategy strategy({.replicas_per_rank = 1});
    const auto scope = strategy.scope();
    auto mirrored = Generator::from_seed(1);
    strategy.run([&](ReplicaContext&) { normals(mirrored, what == "in_run/1_normal" ? 1 : 64); });
  } else {
    return 2;
  }
  return out[0] == 0 ? 1 : 0;
}

}  // namespace

int main(int argc, char** argv) {
  using kernels::Distribution;
  constexpr std::string_view kNames[] = {"full_int", "int_range", "uniform", "normal",
                                         "truncated_normal"};
  if (argc != 4) return 2;
  const std::uint64_t count = std::strtoull(argv[3], nullptr, 10);
  if (const std::string_view what = argv[1]; what.starts_with("draws/")) {
    return draw(what.substr(6), count);
  }
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
  return out[count / 8] == 0 ? 1 : 0;  // written, whatever the type
}
