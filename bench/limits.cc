// What writing memory costs: memset, and stores that bypass the cache.
#include "benchmarks.h"
#include "writers.h"

namespace counterpoint::bench {
namespace {

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
  register_limit("memset", write_plainly, false);
  if (small) return;
  register_limit("memset", write_plainly, true);
  register_limit("non_temporal", write_past_cache, true);
}

const bool kAdded = Suites::add(register_limits);

}  // namespace
}  // namespace counterpoint::bench
