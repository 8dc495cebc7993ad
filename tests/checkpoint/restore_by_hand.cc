// Restores the checkpoint that docs/format.md lays out by hand, into a strategy, and says what it
// got: a line for each number.
//
//   restore_by_hand FILE
#include <cstdio>
#include <string>

#include "checkpoint/support.h"
#include "counterpoint/checkpoint/checkpoint.h"
#include "counterpoint/runtime/generator.h"
#include "counterpoint/strategy/mirrored_strategy.h"

namespace {

namespace cp = counterpoint;

struct Model {
  cp::MirroredVariable weights;
  cp::Tensor scales = cp::Tensor(cp::DType::bf16, {3});
  cp::NamedObjects members() { return {{"weights", weights}, {"scales", scales}}; }
};

void restore(const std::string& path) {
  cp::MirroredStrategy strategy({.replicas_per_rank = 2});
  const auto scope = strategy.scope();
  std::int64_t step = 0;
  auto noise = cp::Generator::from_seed(0);
  Model model{.weights = strategy.variable<float>({2, 2})};
  const auto report = cp::Checkpoint(checkpoint_tests::one_rank(),
                                     {{"step", step}, {"noise", noise}, {"model", model}})
                          .restore(path);
  for (const cp::ObjectReport& object : report.objects) {
    std::printf("%s %s\n", object.name.c_str(),
                std::string(cp::object_result_name(object.result)).c_str());
  }
  std::printf("%lld\n", static_cast<long long>(step));
  const cp::Tensor state = noise.state();
  for (const std::int64_t word : state.values<std::int64_t>()) {
    std::printf("%lld\n", static_cast<long long>(word));
  }
  for (const float weight : model.weights.values<float>()) {
    std::printf("%g\n", static_cast<double>(weight));
  }
  for (const cp::BFloat16 scale : model.scales.values<cp::BFloat16>()) {
    std::printf("%g\n", static_cast<double>(scale.to_float()));
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  restore(argv[1]);
}
