// A million replicas, simulated on one core: their keys, the comparison of their logs, and what a
// checkpoint of theirs weighs. Each measures what one process would do, and checks what comes out.
// docs/scaling.md has the figures.
#include <unistd.h>

#include <array>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "benchmarks.h"
#include "counterpoint/checkpoint/checkpoint.h"
#include "counterpoint/kernels/stream_definition.h"
#include "counterpoint/runtime/algorithm.h"
#include "counterpoint/runtime/generator.h"
#include "counterpoint/runtime/internal/reduce_elements.h"
#include "counterpoint/strategy/mirrored_strategy.h"

namespace counterpoint::bench {
namespace {

constexpr std::int64_t kReplicas = 1'000'000;

// All keys are different, and those that for_replica gives.
void keys(benchmark::State& state) {
  Generator noise = Generator::from_seed({1, 2, 3});
  const auto derive = stream_definition(noise.algorithm()).derive_key;
  const auto primary = static_cast<std::uint64_t>(noise.key());
  std::vector<std::uint64_t> all(kReplicas);
  for (auto _ : state) {
    for (std::int64_t r = 0; r < kReplicas; ++r) {
      all[static_cast<std::size_t>(r)] = derive(primary, static_cast<std::uint64_t>(r));
    }
    benchmark::ClobberMemory();
  }
  for (const std::int64_t r : {std::int64_t{0}, std::int64_t{1}, kReplicas - 1}) {
    if (static_cast<std::uint64_t>(noise.for_replica(r).key()) !=
        all[static_cast<std::size_t>(r)]) {
      state.SkipWithError("a replica has another key than for_replica gives");
    }
  }
  std::ranges::sort(all);
  if (std::ranges::adjacent_find(all) != all.end()) state.SkipWithError("two replicas share a key");
  count_values(state, kReplicas);
}

// Frames as ranks reduce them (strategy/internal/control.h): the digest of a log and its negative,
// whose minima still add up to nothing exactly if all logs are alike.
constexpr std::size_t kFrameWords = 8;
using Frame = std::array<std::int64_t, kFrameWords>;

bool agree(const std::vector<Frame>& frames) {
  Frame least{};
  reduce_rows(DType::i64, Reduce::min, reinterpret_cast<const std::byte*>(frames.data()),
              sizeof(Frame), static_cast<int>(frames.size()), kFrameWords,
              reinterpret_cast<std::byte*>(least.data()));
  return least[0] == -least[1];
}

void log_comparison(benchmark::State& state) {
  constexpr std::int64_t digest = 0x1357'9bdf'0246'8ace;
  std::vector<Frame> frames(kReplicas, Frame{digest, -digest});
  bool right = agree(frames);
  // One replica that differs, by whatever little, is seen wherever it is.
  std::mt19937_64 random(1);
  for (int planted = 0; planted < 5; ++planted) {
    Frame& other = frames[random() % kReplicas];
    other[0] += planted % 2 == 0 ? 1 : -1;
    other[1] = -other[0];
    right = right && !agree(frames);
    other = {digest, -digest};
  }
  if (!right)
    return state.SkipWithError("a log that differed was not seen, or one that did not was");
  for (auto _ : state) benchmark::DoNotOptimize(agree(frames));
  count_values(state, kReplicas);
  // What one rank folds if they are reduced along a tree.
  state.counters["frames_a_rank"] = std::ceil(std::log2(static_cast<double>(kReplicas)));
}

std::uintmax_t saved_bytes(const std::filesystem::path& file, const NamedObjects& objects) {
  Checkpoint(Communicator::world(), objects).save(file);
  return std::filesystem::file_size(file);
}

// A file does not grow with replicas; one with every replica's own state would.
void checkpoint(benchmark::State& state) {
  const std::filesystem::path file =
      std::filesystem::temp_directory_path() / ("scaling-" + std::to_string(getpid()) + ".h5");
  const auto with_replicas = [&](int replicas) {
    MirroredStrategy strategy({.replicas_per_rank = replicas});
    const auto scope = strategy.scope();
    auto noise = Generator::from_seed(1);
    strategy.run([&](ReplicaContext&) { (void)noise.normal<float>({8}); });
    return saved_bytes(file, {{"noise", noise}});
  };
  const std::uintmax_t one = with_replicas(1);
  bool right = with_replicas(64) == one;
  // Restored from 64 replicas' file, the last of a million has the stream that it would always have had.
  Generator restored = Generator::from_seed(99);
  Checkpoint(Communicator::world(), {{"noise", restored}}).restore(file);
  Generator fresh = Generator::from_seed(1);
  fresh.skip(8);
  right = right && restored.for_replica(kReplicas - 1).normal<float>({}).item<float>() ==
                       fresh.for_replica(kReplicas - 1).normal<float>({}).item<float>();
  if (!right) {
    state.SkipWithError("a checkpoint depends on the number of replicas");
  }
  Tensor states(DType::i64, {kReplicas, 3});
  for (auto _ : state) {
    state.counters["bytes"] = static_cast<double>(one);
    state.counters["bytes_of_every_state"] =
        static_cast<double>(saved_bytes(file, {{"states", states}}));
  }
  std::filesystem::remove(file);
}

void register_scaling(bool small) {
  const int iterations = small ? 1 : 10;
  benchmark::RegisterBenchmark("scaling/keys/1000000", keys)->Iterations(iterations);
  benchmark::RegisterBenchmark("scaling/log_comparison/1000000", log_comparison)
      ->Iterations(iterations);
  benchmark::RegisterBenchmark("scaling/checkpoint/1000000", checkpoint)
      ->Iterations(small ? 1 : 3)
      ->UseRealTime();
}

const bool kAdded = Suites::add(register_scaling);

}  // namespace
}  // namespace counterpoint::bench
