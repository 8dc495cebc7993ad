// What the benchmarks share: buffers in and beyond the cache, digests, registration.
//
//   benchmark::RegisterBenchmark(name, [=](benchmark::State& state) {
//     if (!verified(state, digest_of(draw), expected)) return;      // never time wrong numbers
//     for (auto _ : state) fill(buffer);
//     count_values(state, n);                                       // ns a value in the report
//   });
//
// A file of benchmarks adds itself, and stands in CMakeLists.txt: in counterpoint_bench, or in
// counterpoint_bench_ranks (ranks.h) if it communicates.
//
//   const bool kAdded = Suites::add([](bool small) { benchmark::RegisterBenchmark(...); });
//
// Names of fills are <what>/<dtype>/<where>/<how>, as in "normal/f32/cache/AVX3"; others begin with
// the file's name, as in "checkpoint/save/64_MiB". scripts/bench.sh reads them: fills and peers go
// into its table, others are listed, and targets.json says which are to be how fast.
#pragma once

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace counterpoint::bench {

inline constexpr std::size_t kCacheBytes = 64 << 10;  // 16,384 floats
inline constexpr std::size_t kBeyondBytes = std::size_t{256} << 20;

// Where a benchmark writes: 64-byte aligned, touched once so that no page faults are timed.
class Buffer {
 public:
  explicit Buffer(std::size_t bytes)
      : memory_(static_cast<std::byte*>(std::aligned_alloc(64, (bytes + 63) / 64 * 64))),
        bytes_(bytes) {
    std::memset(memory_.get(), 1, bytes);
  }
  std::byte* data() { return memory_.get(); }
  std::size_t bytes() const { return bytes_; }

 private:
  struct Free {
    void operator()(std::byte* p) const { std::free(p); }
  };
  std::unique_ptr<std::byte, Free> memory_;
  std::size_t bytes_;
};

// FNV-1a, 64 bits.
inline std::uint64_t digest(std::span<const std::byte> bytes) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (const std::byte b : bytes) hash = (hash ^ static_cast<std::uint64_t>(b)) * 0x100000001b3u;
  return hash;
}

// Fails the benchmark unless the digests are equal.
inline bool verified(benchmark::State& state, std::uint64_t actual, std::uint64_t expected) {
  if (actual == expected) return true;
  state.SkipWithError("wrong numbers: nothing was measured");
  return false;
}

// Reports `values` a run: items per second, and ns a value.
inline void count_values(benchmark::State& state, std::size_t values) {
  const auto total = static_cast<double>(state.iterations()) * static_cast<double>(values);
  state.SetItemsProcessed(static_cast<std::int64_t>(total));
}

// Whether a sample of standard normals (or of uniforms on [0, 1)) has about their first two
// moments: for peers, whose bits are their own. 65,536 values; six standard errors.
template <class T>
bool plausible(std::span<const T> values, double mean, double variance) {
  double sum = 0;
  double squares = 0;
  for (const T x : values) {
    sum += x;
    squares += (x - mean) * (x - mean);
  }
  const auto n = static_cast<double>(values.size());
  const double error = 6 / std::sqrt(n);
  return std::abs(sum / n - mean) < error && std::abs(squares / n - variance) < error;
}

// What this binary measures: each file adds a function from a static initialiser. With `small`,
// what needs much memory or time is left out, for the test that only verifies.
struct Suites {
  using Register = void (*)(bool small);
  static std::vector<Register>& all() {
    static std::vector<Register> suites;
    return suites;
  }
  static bool add(Register suite) {
    all().push_back(suite);
    return true;
  }
};

// Counts errors: Google Benchmark exits with 0 whatever its benchmarks report.
class CountingReporter : public benchmark::ConsoleReporter {
 public:
  explicit CountingReporter(bool prints = true) : prints_(prints) {}
  bool ReportContext(const Context& context) override {
    return !prints_ || ConsoleReporter::ReportContext(context);
  }
  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) errors_ += run.error_occurred ? 1 : 0;
    if (prints_) ConsoleReporter::ReportRuns(runs);
  }
  int errors() const { return errors_; }

 private:
  bool prints_;
  int errors_ = 0;
};

// Removes `option` from the arguments; whether it was there.
inline bool take_option(int* argc, char** argv, std::string_view option) {
  char** const begin = argv + 1;
  char** const end = std::remove_if(begin, argv + *argc, [option](const char* argument) {
    return std::string_view(argument).starts_with(option);
  });
  const bool found = end != argv + *argc;
  *argc = static_cast<int>(end - argv);
  return found;
}

// Registers a benchmark of `fill(T* out, std::size_t n)` in and beyond the cache.
template <class T, class Fill>
void register_both(const std::string& what, const std::string& who, bool small, Fill fill,
                   bool (*check)(std::span<const T>)) {
  for (const bool beyond : {false, true}) {
    if (beyond && small) continue;
    const std::string name = what + (beyond ? "/memory/" : "/cache/") + who;
    benchmark::RegisterBenchmark(name.c_str(), [=](benchmark::State& state) {
      Buffer buffer(beyond ? kBeyondBytes : kCacheBytes);
      T* out = reinterpret_cast<T*>(buffer.data());
      const std::size_t n = buffer.bytes() / sizeof(T);
      fill(out, n);
      if (!check(std::span<const T>(out, std::min<std::size_t>(n, 65536)))) {
        state.SkipWithError("wrong numbers: nothing was measured");
        return;
      }
      for (auto _ : state) {
        fill(out, n);
        benchmark::ClobberMemory();
      }
      count_values(state, n);
    });
  }
}

}  // namespace counterpoint::bench
