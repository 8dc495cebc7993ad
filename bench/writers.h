// The ways of writing memory that fills are measured against.
//
//   write_past_cache(buffer.data(), buffer.bytes(), 1);
//
// Thread-safety: any, for other bytes.
#pragma once

#include <cstddef>
#include <cstring>
#if defined(__x86_64__)
#include <emmintrin.h>
#endif

namespace counterpoint::bench {

inline void write_plainly(std::byte* out, std::size_t bytes, int value) {
  std::memset(out, value, bytes);
}

// `out` is aligned to 16 bytes, and `bytes` a multiple of them.
inline void write_past_cache(std::byte* out, std::size_t bytes, int value) {
#if defined(__x86_64__)
  const __m128i v = _mm_set1_epi8(static_cast<char>(value));
  for (std::size_t i = 0; i < bytes; i += 16)
    _mm_stream_si128(reinterpret_cast<__m128i*>(out + i), v);
  _mm_sfence();
#else
  std::memset(out, value, bytes);
#endif
}

}  // namespace counterpoint::bench
