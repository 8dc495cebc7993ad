// Which instruction sets the vector kernels can use on this machine, and which one a fill used.
//
//   for (const std::string& name : available_targets()) {      // "AVX3", "AVX2", "SSE4", "scalar"
//     const ForcedTarget forced(name);
//     EXPECT_EQ(fill_naming_target(philox_stream(), fill), name);
//   }
//
// For tests and benchmarks: a ForcedTarget holds for the whole process, and must not be made or
// destroyed while another thread fills. Determinism: every target gives the same bits.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "counterpoint/kernels/export.h"
#include "counterpoint/kernels/stream_definition.h"

namespace counterpoint::inline v1::kernels {

// Best first; "scalar" is the reference implementation, where it is a target of its own.
COUNTERPOINT_PUBLIC std::vector<std::string> available_targets();

// Makes fills use one of the available targets while it lives.
class COUNTERPOINT_PUBLIC ForcedTarget {
 public:
  // An unknown name leaves the choice free.
  explicit ForcedTarget(std::string_view name);
  ~ForcedTarget();
  ForcedTarget(const ForcedTarget&) = delete;
  ForcedTarget& operator=(const ForcedTarget&) = delete;
};

// stream.fill(fill), and the target whose code ran; "scalar" also for fills of a few elements.
COUNTERPOINT_PUBLIC std::string_view fill_naming_target(const StreamDefinition& stream,
                                                        const Fill& fill);

// Philox's samplers, likewise; "scalar" also for draws that need no random numbers.
COUNTERPOINT_PUBLIC std::string_view fill_naming_target(const BinomialFill& fill);
COUNTERPOINT_PUBLIC std::string_view fill_naming_target(const GammaFill& fill);
COUNTERPOINT_PUBLIC std::string_view fill_naming_target(const PoissonFill& fill);

// The same streams, computed by the scalar references only.
COUNTERPOINT_PUBLIC const StreamDefinition& philox_scalar_stream();
COUNTERPOINT_PUBLIC const StreamDefinition& threefry_scalar_stream();

}  // namespace counterpoint::inline v1::kernels
