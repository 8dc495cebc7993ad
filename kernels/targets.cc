#include "counterpoint/kernels/targets.h"

#include <hwy/targets.h>

#include "counterpoint/kernels/philox_scalar.h"
#include "counterpoint/kernels/simd/philox_fills.h"

namespace counterpoint::inline v1::kernels {
namespace {

bool without_vectors(std::int64_t target) { return target == HWY_SCALAR || target == HWY_EMU128; }

std::string name_of(std::int64_t target) {
  return without_vectors(target) ? "scalar" : hwy::TargetName(target);
}

StreamDefinition scalar_philox() {
  StreamDefinition stream = philox_stream();
  stream.fill = fill_philox_scalar;
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
  stream.fill(fill);
  return "scalar";
}

const StreamDefinition& philox_scalar_stream() {
  static const StreamDefinition stream = scalar_philox();
  return stream;
}

}  // namespace counterpoint::inline v1::kernels
