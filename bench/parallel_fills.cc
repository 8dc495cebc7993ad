// Fills on all CPUs that the process may use: beyond the cache beside memset by as many threads, and
// where splitting begins to pay.
#include "benchmarks.h"
#include "counterpoint/kernels/targets.h"
#include "counterpoint/runtime/fill_threads.h"
#include "counterpoint/runtime/internal/fill_pool.h"
#include "writers.h"

namespace counterpoint::bench {
namespace {

using kernels::Distribution;
using kernels::Fill;

struct Kind {
  const char* name;
  Distribution distribution;
  DType dtype;
};
constexpr Kind kKinds[] = {
    {"full_int", Distribution::uniform_full_int, DType::u32},
    {"uniform", Distribution::uniform, DType::f32},
    {"uniform", Distribution::uniform, DType::f64},
    {"uniform", Distribution::uniform, DType::bf16},
    {"normal", Distribution::normal, DType::f32},
    {"normal", Distribution::normal, DType::f64},
    {"truncated_normal", Distribution::truncated_normal, DType::f32},
    {"full_int", Distribution::uniform_full_int, DType::u64},
    {"uniform", Distribution::uniform, DType::f16},
    {"normal", Distribution::normal, DType::f16},
    {"normal", Distribution::normal, DType::bf16},
    {"truncated_normal", Distribution::truncated_normal, DType::f16},
    {"truncated_normal", Distribution::truncated_normal, DType::bf16},
    {"truncated_normal", Distribution::truncated_normal, DType::f64},
    {"int_range", Distribution::uniform_int, DType::i32},
    {"int_range", Distribution::uniform_int, DType::i64},
};

Fill fill_of(const Kind& kind, Buffer& buffer, std::size_t bytes) {
  return {.distribution = kind.distribution,
          .dtype = kind.dtype,
          .key = 0x0123456789abcdefu,
          .counter = {1, 0},
          .range = 1000,
          .output = buffer.data(),
          .count = bytes / dtype_size(kind.dtype)};
}

// Whether pieces of the buffer hold what one thread writes.
bool same_as_alone(const Fill& fill) {
  const std::size_t size = dtype_size(fill.dtype);
  const std::uint64_t piece = std::min<std::uint64_t>(fill.count, 4096);
  std::vector<std::byte> expected(piece * size);
  for (const std::uint64_t part : {0, 1, 2, 3, 4}) {
    const std::uint64_t first = (fill.count - piece) / 4 * part;
    Fill alone = fill;
    alone.first_element += first;
    alone.count = piece;
    alone.output = expected.data();
    kernels::philox_stream().fill(alone);
    const auto* const got = static_cast<const std::byte*>(fill.output) + first * size;
    if (std::memcmp(got, expected.data(), expected.size()) != 0) return false;
  }
  return true;
}

void register_beyond_cache(const Kind& kind) {
  const std::string name = std::string(kind.name) + "/" + std::string(dtype_name(kind.dtype)) +
                           "/all_cores/" + kernels::available_targets().front();
  benchmark::RegisterBenchmark(name.c_str(), [&kind](benchmark::State& state) {
    Buffer buffer(kBeyondBytes);
    const Fill fill = fill_of(kind, buffer, buffer.bytes());
    fill_in_parallel(kernels::philox_stream(), fill);
    if (!verified(state, same_as_alone(fill), true)) return;
    for (auto _ : state) {
      fill_in_parallel(kernels::philox_stream(), fill);
      benchmark::ClobberMemory();
    }
    count_values(state, fill.count);
    state.counters["threads"] = fill_threads();
  })->UseRealTime();
}

// What the machine can write, by the same threads: a part of the buffer each.
void register_limit(const char* who, void (*write)(std::byte*, std::size_t, int)) {
  const std::string name = std::string("limit/f32/all_cores/") + who;
  benchmark::RegisterBenchmark(name.c_str(), [write](benchmark::State& state) {
    Buffer buffer(kBeyondBytes);
    int value = 0;
    for (auto _ : state) {
      ++value;
      for_each_slice(buffer.bytes(), 0, std::uint64_t{1} << 20,
                     [&](std::uint64_t first, std::uint64_t count) noexcept {
                       write(buffer.data() + first, count, value & 0x7f);
                     });
      benchmark::ClobberMemory();
    }
    for (const std::size_t at : {std::size_t{0}, buffer.bytes() / 2, buffer.bytes() - 1}) {
      verified(state, static_cast<std::uint64_t>(buffer.data()[at]), value & 0x7f);
    }
    count_values(state, buffer.bytes() / sizeof(float));
    state.counters["threads"] = fill_threads();
  })->UseRealTime();
}

// One fill, alone and split, whatever its size: kParallelLight and kParallelHeavy stand where the
// lines cross.
void register_crossing(const Kind& kind, std::uint64_t elements, int threads) {
  const std::string name = std::string("crossing/") + kind.name + "_" +
                           std::string(dtype_name(kind.dtype)) + "/" + std::to_string(elements) +
                           "/threads:" + std::to_string(threads);
  benchmark::RegisterBenchmark(name.c_str(), [&kind, elements, threads](benchmark::State& state) {
    Buffer buffer(elements * dtype_size(kind.dtype));
    const Fill fill = fill_of(kind, buffer, buffer.bytes());
    const SlicedFill sliced(kernels::philox_stream(), fill);
    SlicedWork work = sliced.work();
    work.grain = std::max(kSliceElements, elements / 8);
    const auto run = [&] {
      if (threads == 1) {
        kernels::philox_stream().fill(fill);
        return true;
      }
      return FillPool::process().try_run(work, threads);
    };
    if (!run()) {
      state.SkipWithError("nobody helped");
      return;
    }
    if (!verified(state, same_as_alone(fill), true)) return;
    for (auto _ : state) {
      run();
      benchmark::ClobberMemory();
    }
    count_values(state, fill.count);
  })->UseRealTime();
}

const bool kAdded = Suites::add([](bool small) {
  const int threads = fill_threads();
  if (threads > 1) {
    for (const Kind* kind : {&kKinds[1], &kKinds[4]}) {
      for (std::uint64_t elements = 16 << 10; elements <= (1 << 20); elements *= 2) {
        if (small && elements > (64 << 10)) continue;
        register_crossing(*kind, elements, 1);
        register_crossing(*kind, elements, threads);
      }
    }
  }
  if (small) return;
  for (const Kind& kind : kKinds) register_beyond_cache(kind);
  register_limit("memset", write_plainly);
  register_limit("non_temporal", write_past_cache);
});

}  // namespace
}  // namespace counterpoint::bench
