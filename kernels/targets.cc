#include "counterpoint/kernels/targets.h"

#include <hwy/targets.h>

#include "counterpoint/kernels/internal/philox_samplers.h"
#include "counterpoint/kernels/internal/philox_scalar.h"
#include "counterpoint/kernels/internal/threefry_scalar.h"
#include "counterpoint/kernels/simd/philox_fills.h"
#include "counterpoint/kernels/simd/threefry_fills.h"

namespace counterpoint::inline v1::kernels {
namespace {

bool without_vectors(std::int64_t target) { return target == HWY_SCALAR || target == HWY_EMU128; }

std::string name_of(std::int64_t target) {
  return without_vectors(target) ? "scalar" : hwy::TargetName(target);
}

StreamDefinition with_fill(StreamDefinition stream, void (*fill)(const Fill&)) {
  stream.fill = fill;
  return stream;
}

}  // namespace

std::vector<std::string> available_targets() {
  std::vector<std::string> names;
  for (const std::int64_t target : hwy::SupportedAndGeneratedTargets()) {
    names.push_back(name_of(target));
  }
  return names;
}

ForcedTarget::ForcedTarget(std::string_view name) {
  for (const std::int64_t target : hwy::SupportedAndGeneratedTargets()) {
    if (name_of(target) == name) hwy::SetSupportedTargetsForTest(target);
  }
}

ForcedTarget::~ForcedTarget() { hwy::SetSupportedTargetsForTest(0); }

std::string_view fill_naming_target(const StreamDefinition& stream, const Fill& fill) {
  if (stream.fill == philox_stream().fill) return fill_philox(fill);
  if (stream.fill == threefry_stream().fill) return fill_threefry(fill);
  stream.fill(fill);
  return "scalar";
}

std::string_view fill_naming_target(const BinomialFill& fill) { return fill_philox_binomial(fill); }
std::string_view fill_naming_target(const GammaFill& fill) { return fill_philox_gamma(fill); }
std::string_view fill_naming_target(const PoissonFill& fill) { return fill_philox_poisson(fill); }

const StreamDefinition& philox_scalar_stream() {
  static const StreamDefinition stream = [] {
    StreamDefinition scalar = with_fill(philox_stream(), fill_philox_scalar);
    scalar.fill_binomial = fill_philox_binomial_scalar;
    scalar.samplers.gamma = fill_philox_gamma_scalar;
    scalar.samplers.poisson = fill_philox_poisson_scalar;
    scalar.samplers.categorical = fill_philox_categorical_scalar;
    return scalar;
  }();
  return stream;
}

const StreamDefinition& threefry_scalar_stream() {
  static const StreamDefinition stream = with_fill(threefry_stream(), fill_threefry_scalar);
  return stream;
}

}  // namespace counterpoint::inline v1::kernels
