// When a fill goes past the cache.
//
//   const bool stream = streams(fill);     // worth writing with non-temporal stores
//
// Internal. Thread-safety: pure.
#pragma once

#include <algorithm>
#include <cstdint>

#include "counterpoint/kernels/stream_definition.h"

namespace counterpoint::inline v1::kernels {

// A plain store reads its line first, which costs half of the bandwidth once lines come from
// memory. Outputs that the last-level cache can hold are likely still wanted there by whoever reads
// them next, and are written several times faster.
inline constexpr std::uint64_t kStreamBytes = std::uint64_t{32} << 20;

constexpr bool streams(const Fill& fill) {
  return std::max(fill.count, fill.total_count) >= kStreamBytes / dtype_size(fill.dtype);
}

}  // namespace counterpoint::inline v1::kernels
