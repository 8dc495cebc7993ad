// Counterpoint's fills: every distribution and dtype of both algorithms, in the cache and beyond, on
// every instruction set.
#include "benchmarks.h"
#include "counterpoint/kernels/targets.h"

namespace counterpoint::bench {
namespace {

using kernels::Distribution;
using kernels::Fill;
using kernels::StreamDefinition;

constexpr std::uint64_t kKey = 0x0123456789abcdefu;
constexpr std::uint64_t kVerified = 4096;  // elements under a digest

struct Kind {
  const char* name;
  Distribution distribution;
  DType dtype;
  std::uint64_t digest;  // of the first kVerified elements, by the scalar reference
};

// The reference itself is tested against TensorFlow; these pin it here.
constexpr Kind kKinds[] = {
#include "digests.inc"
};

Fill make_fill(const Kind& kind, std::byte* out, std::uint64_t count,
               std::span<const std::int64_t> shape, bool scaled = false) {
  return {.distribution = kind.distribution,
          .dtype = kind.dtype,
          .shape = shape,
          .key = kKey,
          .counter = {1, 0},
          .scaled = scaled,
          .scale = scaled ? 2.0 : 1.0,
          .offset = scaled ? -1.0 : 0.0,
          .range = 1000,
          .low = 0,
          .output = out,
          .count = count};
}

// `scaled`: times 2, less 1, as by a draw with parameters.
void register_kind(const Kind& kind, const StreamDefinition& stream, const std::string& target,
                   bool beyond, bool scaled = false) {
  const bool philox = &stream == &kernels::philox_stream();
  const std::string name = (philox ? "" : "threefry_") + std::string(kind.name) +
                           (scaled ? "_scaled/" : "/") + std::string(dtype_name(kind.dtype)) +
                           (beyond ? "/memory/" : "/cache/") + target;
  benchmark::RegisterBenchmark(name.c_str(), [&kind, &stream, target, beyond,
                                              scaled](benchmark::State& state) {
    const kernels::ForcedTarget forced(target);
    Buffer buffer(beyond ? kBeyondBytes : kCacheBytes);
    const std::size_t size = dtype_size(kind.dtype);
    const std::uint64_t count = buffer.bytes() / size;
    const std::int64_t shape[] = {static_cast<std::int64_t>(count)};
    const Fill fill = make_fill(kind, buffer.data(), count, shape, scaled);
    if (kernels::fill_naming_target(stream, fill) != target) {
      state.SkipWithError("another instruction set ran");
      return;
    }
    std::uint64_t expected = kind.digest;
    const bool is_philox = &stream == &kernels::philox_stream();
    if (scaled || !is_philox) {
      std::vector<std::byte> reference(kVerified * size);
      Fill few = fill;
      few.output = reference.data();
      few.count = kVerified;
      (is_philox ? kernels::philox_scalar_stream() : kernels::threefry_scalar_stream()).fill(few);
      expected = digest(reference);
    }
    if (!verified(state, digest({buffer.data(), kVerified * size}), expected)) return;
    for (auto _ : state) {
      stream.fill(fill);
      benchmark::ClobberMemory();
    }
    count_values(state, count);
  });
}

// Not every ThreeFry fill has a vector path.
std::string threefry_target(const Kind& kind) {
  std::vector<std::byte> out(kVerified * dtype_size(kind.dtype));
  const std::int64_t shape[] = {kVerified};
  const Fill fill = make_fill(kind, out.data(), kVerified, shape);
  return std::string(kernels::fill_naming_target(kernels::threefry_stream(), fill));
}

void register_fills(bool small) {
  const auto targets = kernels::available_targets();
  for (const Kind& kind : kKinds) {
    for (const std::string& target : targets) {
      const bool best = target == targets.front();
      register_kind(kind, kernels::philox_stream(), target, false);
      if (!small && best) register_kind(kind, kernels::philox_stream(), target, true);
      // Rounded twice more, which shows in half precision.
      if (is_floating(kind.dtype) && dtype_size(kind.dtype) == 2) {
        register_kind(kind, kernels::philox_stream(), target, false, true);
      }
    }
    if (!kernels::threefry_stream().supports(kind.distribution, kind.dtype)) continue;
    const std::string target = threefry_target(kind);
    register_kind(kind, kernels::threefry_stream(), target, false);
    if (!small && target != "scalar") register_kind(kind, kernels::threefry_stream(), target, true);
  }
}

const bool kAdded = Suites::add(register_fills);

}  // namespace
}  // namespace counterpoint::bench
