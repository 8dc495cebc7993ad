// What writing memory costs: memset, and stores that bypass the cache.
#include "benchmarks.h"
#if defined(__x86_64__)
#include <emmintrin.h>
#endif

namespace counterpoint::bench {
namespace {

void store_past_cache(std::byte* out, std::size_t bytes, int value) {
#if defined(__x86_64__)
  const __m128i v = _mm_set1_epi8(static_cast<char>(value));
  for (std::size_t i = 0; i < bytes; i += 16)
    _mm_stream_si128(reinterpret_cast<__m128i*>(out + i), v);
  _mm_sfence();
#else
  std::memset(out, value, bytes);
#endif
}

void plain_memset(std::byte* out, std::size_t bytes, int value) { std::memset(out, value, bytes); }

void register_limit(const char* who, void (*write)(std::byte*, std::size_t, int), bool beyond) {
  const std::string name = std::string("limit/f32/") + (beyond ? "memory/" : "cache/") + who;
  benchmark::RegisterBenchmark(name.c_str(), [=](benchmark::State& state) {
    Buffer buffer(beyond ? kBeyondBytes : kCacheBytes);
    int value = 0;
    for (auto _ : state) {
      write(buffer.data(), buffer.bytes(), ++value & 0x7f);
      benchmark::ClobberMemory();
    }
    if (buffer.data()[buffer.bytes() - 1] != static_cast<std::byte>(value & 0x7f)) {
      state.SkipWithError("not written");
    }
    count_values(state, buffer.bytes() / sizeof(float));
  });
}

void register_limits(bool small) {
  register_limit("memset", plain_memset, false);
  if (small) return;
  register_limit("memset", plain_memset, true);
  register_limit("non_temporal", store_past_cache, true);
}

const bool kAdded = Suites::add(register_limits);

}  // namespace
}  // namespace counterpoint::bench
