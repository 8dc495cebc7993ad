// When a fill goes past the cache.
//
//   if (streams(bytes)) ...                // worth writing with non-temporal stores
//
// Internal. Thread-safety: pure.
#pragma once

#include <cstdint>

namespace counterpoint::inline v1::kernels {

// A plain store reads the line first, which costs half of the bandwidth once lines come from
// memory. Smaller outputs are likely still wanted in the cache by whoever reads them next.
inline constexpr std::uint64_t kStreamBytes = std::uint64_t{4} << 20;

constexpr bool streams(std::uint64_t bytes) { return bytes >= kStreamBytes; }

}  // namespace counterpoint::inline v1::kernels
