// Writes the checkpoint that read_back_test.py expects, or reads the one it laid out by hand.
//
//   read_back write FILE
//   read_back read FILE
#include <cstdio>
#include <string>

#include "checkpoint/support.h"
#include "counterpoint/checkpoint/checkpoint.h"

namespace {

namespace cp = counterpoint;
using checkpoint_tests::FakeGenerator;

void write(const std::string& path) {
  auto noise = std::make_shared<FakeGenerator>(std::vector<std::int64_t>{10, 0, -7});
  std::int64_t step = 17;
  cp::Tensor weights = cp::Tensor::from<float>({1.5f, -2.0f, 0.0f, 3.25f, 1e30f, -0.5f}, {2, 3});
  cp::Tensor half(cp::DType::f16, {2});
  half.values<cp::Float16>()[0] = cp::Float16::from_float(1.5f);
  half.values<cp::Float16>()[1] = cp::Float16::from_float(-65504.0f);
  cp::Tensor brain(cp::DType::bf16, {2});
  brain.values<cp::BFloat16>()[0] = cp::BFloat16::from_float(1.5f);
  brain.values<cp::BFloat16>()[1] = cp::BFloat16::from_float(-2.0f);
  cp::Checkpoint(
      checkpoint_tests::one_rank(),
      {{"noise", noise}, {"step", step}, {"weights", weights}, {"half", half}, {"brain", brain}})
      .save(path);
}

void read(const std::string& path) {
  std::int64_t step = 0;
  cp::Tensor weights;
  cp::Checkpoint(checkpoint_tests::one_rank(), {{"step", step}, {"weights", weights}})
      .restore(path);
  std::printf("%lld\n", static_cast<long long>(step));
  for (const float weight : weights.values<float>())
    std::printf("%g\n", static_cast<double>(weight));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  std::string(argv[1]) == "write" ? write(argv[2]) : read(argv[2]);
}
