// Ten thousand steps of training: in step at the end, in memory that stays flat.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#include "counterpoint/checkpoint/checkpoint_manager.h"
#include "counterpoint/runtime/generator.h"
#include "counterpoint/strategy/mirrored_strategy.h"
#include "endurance/splits.h"

namespace counterpoint {
namespace {

// Of this process, in KiB.
std::int64_t resident_kib() {
  std::ifstream statm("/proc/self/statm");
  std::int64_t total = 0;
  std::int64_t resident = 0;
  statm >> total >> resident;
  return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

// Memory over the second half of the steps: the last quarter's lowest against the first quarter's. Rings
// and tables of a fixed size fill in the first half, and allocators keep what was freed; a leak of 64
// bytes a step is still seen, see below.
class Memory {
 public:
  void sample() { samples_.push_back(resident_kib()); }
  std::int64_t growth_kib() const {
    const std::size_t quarter = samples_.size() / 4;
    const auto lowest = [&](std::size_t begin) {
      return *std::min_element(samples_.begin() + static_cast<std::ptrdiff_t>(begin),
                               samples_.begin() + static_cast<std::ptrdiff_t>(begin + quarter));
    };
    return quarter == 0 ? 0 : lowest(samples_.size() - quarter) - lowest(0);
  }
  bool flat() const { return samples_.size() >= 16 && growth_kib() <= 128; }
  std::string samples() const {
    std::string text = "KiB:";
    for (const std::int64_t sample : samples_) text.append(" ").append(std::to_string(sample));
    return text;
  }

 private:
  std::vector<std::int64_t> samples_;
};

// A program that uses everything that a trainer does, now and then.
class Training {
 public:
  Training(const World& world, int replicas_per_rank, const std::filesystem::path& folder)
      : strategy_(world, {.replicas_per_rank = replicas_per_rank, .timeout_seconds = 60}),
        scope_(strategy_.scope()),
        noise_(Generator::from_seed({1, 2}, {.name = "noise"})),
        weights_(strategy_.variable<float>({64}, "weights")),
        outside_([] {
          const ContextGuard guard({.kind = ContextKind::outside});
          return Generator::from_seed(3, {.name = "outside"});
        }()),
        checkpoints_(world, folder, {{"noise", noise_}, {"weights", weights_}, {"step", step_}},
                     {.keep = 2}) {}

  void step() {
    strategy_.run([&](ReplicaContext& replica) {
      std::vector<float> gradient(64);
      noise_.fill_normal(gradient);
      if (step_ % 10 == 3) (void)outside_.uniform<float>({2});
      if (step_ % 50 == 7) {
        auto mine = Generator::from_seed(5);
        (void)mine.normal<float>({2});
      }
      replica.all_reduce(gradient, Reduce::mean);
      for (float& slope : gradient) slope *= 0.01F;
      weights_.assign_sub(gradient);
    });
    if (step_ % 100 == 50) {
      auto children = noise_.split(2);
      strategy_.run([&](ReplicaContext&) { (void)children[1].normal<float>({3}); });
      (void)strategy_.any(false);
      (void)strategy_.reduce(Reduce::sum, strategy_.run([](ReplicaContext&) { return 1; }));
    }
    ++step_;
    if (step_ % 500 == 0) strategy_.check();
    if (step_ % 1000 == 0) checkpoints_.save(step_);
  }

  // The digests of every replica's weights and states.
  std::vector<std::uint64_t> digests() {
    return strategy_.gather(strategy_.run([&](ReplicaContext&) {
      std::uint64_t digest = 0xcbf29ce484222325u;
      const auto add = [&digest](std::span<const std::byte> bytes) {
        for (const std::byte b : bytes) {
          digest = (digest ^ static_cast<std::uint64_t>(b)) * 0x100000001b3u;
        }
      };
      add(std::as_bytes(weights_.values<float>()));
      add(noise_.state().bytes());
      return digest;
    }));
  }
  std::int64_t restored_step() { return checkpoints_.restore_latest(); }
  void check() { strategy_.check(); }

 private:
  std::int64_t step_ = 0;
  MirroredStrategy strategy_;
  StrategyScope scope_;
  Generator noise_;
  MirroredVariable weights_;
  Generator outside_;
  CheckpointManager checkpoints_;
};

class Steps : public testing::TestWithParam<Split> {
 protected:
  // One a split, on all ranks; threads and a job of processes may run beside each other.
  static std::filesystem::path folder(const Split& split) {
    const bool under_mpirun = std::getenv("COUNTERPOINT_EXPECTED_RANKS") != nullptr;
    return std::filesystem::path(COUNTERPOINT_SCRATCH_DIR) /
           ((under_mpirun ? "job-" : "threads-") + std::to_string(split.ranks) + "x" +
            std::to_string(split.replicas_per_rank));
  }
};

TEST_P(Steps, EndInStepWithFlatMemory) {
  const Split split = GetParam();
  const int steps = times(10'000);
  on_every_rank(split, [&](const World& world) {
    if (world->rank() == 0) std::filesystem::remove_all(folder(split));
    world->barrier();
    Training training(world, split.replicas_per_rank, folder(split));
    Memory memory;
    for (int step = 1; step <= steps; ++step) {
      training.step();
      if (step > steps / 2 && step % (steps / 200) == 0) memory.sample();
    }
    EXPECT_TRUE(memory.flat()) << "grown by " << memory.growth_kib() << " KiB over " << steps
                               << " steps on rank " << world->rank() << "; " << memory.samples();
    training.check();
    const std::vector<std::uint64_t> digests = training.digests();
    EXPECT_EQ(digests, std::vector(digests.size(), digests.front()));
    EXPECT_EQ(static_cast<int>(digests.size()), split.ranks * split.replicas_per_rank);
    EXPECT_EQ(training.restored_step(), steps);
    EXPECT_EQ(training.digests(), digests) << "the last checkpoint";
    if (world->rank() == 0) {
      std::printf("%d steps: memory grew by %lld KiB to %lld\n", steps,
                  static_cast<long long>(memory.growth_kib()),
                  static_cast<long long>(resident_kib()));
    }
  });
}

INSTANTIATE_TEST_SUITE_P(Splits, Steps, testing::ValuesIn(splits()), split_name);

// The negative control: what leaks 64 bytes a step is seen.
TEST(StepsControl, ALeakIsSeen) {
  Memory memory;
  std::vector<std::unique_ptr<char[]>> leaked;
  for (int step = 1; step <= 10'000; ++step) {
    leaked.push_back(std::make_unique<char[]>(64));
    if (step > 5000 && step % 50 == 0) memory.sample();
  }
  EXPECT_FALSE(memory.flat()) << memory.growth_kib() << " KiB";
}

}  // namespace
}  // namespace counterpoint
