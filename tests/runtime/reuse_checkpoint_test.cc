// Through a checkpoint: what is drawn after a restore is compared with what was drawn before the save, by
// whom ever.
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

#include "checkpoint/images.h"
#include "counterpoint/checkpoint/checkpoint.h"
#include "counterpoint/checkpoint/checkpoint_manager.h"
#include "counterpoint/runtime/reuse_detector.h"
#include "counterpoint/strategy/mirrored_strategy.h"
#include "runtime/own_folder.h"
#include "runtime/reuse_cases.h"

namespace counterpoint {
namespace {

class ReuseThroughCheckpoints : public testing::Test {
 protected:
  // A life of the program: what it watched goes with it.
  template <class Life>
  static void process(Life life) {
    const ReuseDetector detector;
    life();
  }
  void save(Generator& g) { Checkpoint(Communicator::world(), {{"noise", g}}).save(file()); }
  RestoreReport restore(Generator& g) {
    return Checkpoint(Communicator::world(), {{"noise", g}}).restore(file());
  }
  std::filesystem::path file() const { return folder_.file("noise.h5"); }

  const OwnFolder folder_;
};

TEST_F(ReuseThroughCheckpoints, OfWhatWasDrawnBeforeTheSave) {
  const Location in_noise = Location::current();
  const Location in_other = Location::current();
  process([&] {
    auto noise = Generator::from_seed({1, 2, 3}, {.name = "noise"});
    auto other = Generator::from_seed({4, 5, 6}, {.name = "other"});  // is not saved
    draw(noise, 10, in_noise);
    draw(other, 10, in_other);
    save(noise);
    draw(noise, 10);  // lost with the process
  });
  process([&] {
    auto noise = Generator::from_seed({1, 2, 3}, {.name = "noise"});
    auto other = Generator::from_seed({4, 5, 6}, {.name = "other"});
    auto again = Generator::from_seed({1, 2, 3}, {.name = "again"});
    const RestoreReport report = restore(noise);
    EXPECT_TRUE(report.unused.empty());
    draw(noise, 20);
    expect_reuse(other, 10, in_other);
    expect_reuse(again, 10, in_noise);
    save(noise);
  });
  process([&] {  // and through the next one
    auto noise = Generator::from_seed(0);
    auto other = Generator::from_seed({4, 5, 6}, {.name = "other"});
    restore(noise);
    expect_reuse(other, 10, in_other);
    other.reset_from_seed({4, 5, 6});  // on purpose
    draw(other, 10);
  });
}

TEST_F(ReuseThroughCheckpoints, IsGivenBackFromThereOn) {
  const Location in_other = Location::current();
  Tensor halfway;
  process([&] {
    auto noise = Generator::from_seed({1, 2, 3}, {.name = "noise"});
    auto other = Generator::from_seed({4, 5, 6}, {.name = "other"});
    draw(other, 5, in_other);
    halfway = other.state();
    draw(other, 5);
    save(noise);
  });
  process([&] {
    auto noise = Generator::from_seed({1, 2, 3}, {.name = "noise"});
    auto other = Generator::from_seed({4, 5, 6}, {.name = "other"});
    auto again = Generator::from_seed({4, 5, 6}, {.name = "again"});
    restore(noise);
    other.reset(halfway);
    draw(other, 5);
    expect_reuse(again, 5, in_other);
  });
}

TEST_F(ReuseThroughCheckpoints, OfMoreThanThereIsRoomFor) {
  process([&] {
    auto noise = Generator::from_seed({1, 2, 3});
    for (std::int64_t i = 0; i < 20; ++i) {
      auto g = Generator::from_seed({4, 5, i}, {.name = std::to_string(i)});
      draw(g, 1);
    }
    save(noise);
  });
  const ReuseDetector detector({.max_ranges = 3});
  auto noise = Generator::from_seed({1, 2, 3});
  restore(noise);
  EXPECT_EQ(detector.num_ranges(), 3u);
  EXPECT_EQ(detector.num_forgotten(), 17u);
  auto last = Generator::from_seed({4, 5, 19});
  expect_error(ErrorCode::failed_precondition, {"generator '19' before a checkpoint"},
               [&] { draw(last, 1); });
}

// A program draws its first weights each time it starts, and then restores those that were trained.
TEST_F(ReuseThroughCheckpoints, IsNoneOfWhatEveryStartDraws) {
  for (int life = 0; life < 3; ++life) {
    process([&] {
      auto initial = Generator::from_seed(1);
      draw(initial, 10);
      auto noise = Generator::from_seed({1, 2, 3});
      if (life != 0) restore(noise);
      draw(noise, 10);
      save(noise);
      draw(noise, 10);
    });
  }
}

TEST_F(ReuseThroughCheckpoints, IsNoneInTrainingOnAnyNumberOfReplicas) {
  for (const int replicas : {2, 3, 1, 4}) {
    process([&] {
      MirroredStrategy strategy({.replicas_per_rank = replicas});
      const auto scope = strategy.scope();
      auto noise = Generator::from_seed({1, 2, 3});
      std::int64_t step = 0;
      CheckpointManager manager(Communicator::world(), folder_.path() / "run", {{"noise", noise}});
      step = manager.restore_latest();
      for (const std::int64_t end = step + 5; step < end;) {
        strategy.run([&](ReplicaContext&) { draw(noise, 10); });
        draw(noise, 3);
        manager.save(++step);
      }
      strategy.run([&](ReplicaContext&) { draw(noise, 10); });
      (void)manager.restore_latest();  // goes back, in this process
      strategy.run([&](ReplicaContext&) { draw(noise, 10); });
    });
  }
}

TEST_F(ReuseThroughCheckpoints, OfAReplicasStream) {
  const Location in_run = Location::current();
  process([&] {
    MirroredStrategy strategy({.replicas_per_rank = 2});
    const auto scope = strategy.scope();
    auto noise = Generator::from_seed({1, 2, 3});
    strategy.run([&](ReplicaContext&) { draw(noise, 10, in_run); });
    save(noise);
  });
  process([&] {
    auto noise = Generator::from_seed({1, 2, 3});
    auto replica_1 = noise.for_replica(1);  // from the beginning
    auto restored = Generator::from_seed(0);
    restore(restored);
    expect_reuse(replica_1, 10, in_run);
    auto goes_on = restored.for_replica(1);
    draw(goes_on, 10);
  });
}

TEST_F(ReuseThroughCheckpoints, IsNotSavedWhereNobodyWatches) {
  auto noise = Generator::from_seed({1, 2, 3});
  draw(noise, 10);
  save(noise);
  const auto size = std::filesystem::file_size(file());
  process([&] {
    auto again = Generator::from_seed({1, 2, 3});
    restore(again);
    save(again);
    EXPECT_GT(std::filesystem::file_size(file()), size);
  });
  auto unwatched = Generator::from_seed({1, 2, 3});
  EXPECT_TRUE(restore(unwatched).unused.empty());
  save(unwatched);
  EXPECT_EQ(std::filesystem::file_size(file()), size);
}

// The same state gives the same bytes, whether or not it was restored on the way.
TEST_F(ReuseThroughCheckpoints, LedgersOfOneHistoryAreTheSameBytes) {
  const auto bytes_after = [&](bool restarted) {
    const auto made = [] { return Generator::from_seed({1, 2, 3}, {.name = "noise"}); };
    const auto step = [](Generator& g) {
      draw(g, 10);
      (void)g();
    };
    process([&] {
      auto noise = made();
      step(noise);
      save(noise);
      step(noise);
      if (!restarted) save(noise);
    });
    if (restarted) {
      process([&] {
        auto noise = made();
        restore(noise);
        step(noise);
        save(noise);
      });
    }
    std::ifstream stream(file(), std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(stream), {});
  };
  const std::string whole = bytes_after(false);
  EXPECT_GT(whole.size(), 1000u);
  EXPECT_EQ(bytes_after(true) == whole, true);
}

// A file is untrusted input.
TEST_F(ReuseThroughCheckpoints, AStrangeLedgerIsRefusedAndChangesNothing) {
  const auto table = [](std::vector<std::uint64_t> words, std::int64_t columns) {
    return Tensor::from<std::uint64_t>(
        words, {static_cast<std::int64_t>(words.size()) / columns, columns});
  };
  const std::uint64_t huge = ~std::uint64_t{0};
  const auto tables = [&](std::vector<std::uint64_t> holders, std::vector<std::uint64_t> ranges,
                          std::vector<std::uint64_t> calls) {
    return SavedObject{.type = "reuse_ledger",
                       .attributes = {{"texts", "philox\na\n"}},
                       .values = {{"holders", table(holders, 3)},
                                  {"ranges", table(ranges, 8)},
                                  {"calls", table(calls, 5)}},
                       .members = {}};
  };
  auto noise = Generator::from_seed({1, 2, 3});
  const auto restores = [&](const SavedObject& ledger) {
    const checkpoint_internal::FileBytes bytes = checkpoint_tests::sealed_file(
        {.type = "checkpoint",
         .attributes = {{"stream_version", checkpoint_internal::stream_version}},
         .values = {},
         .members = {{"noise", noise.saveable()->save()}, {"reuse_ledger", ledger}}});
    std::ofstream(file(), std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.span().data()),
               static_cast<std::streamsize>(bytes.size()));
    process([&] {
      auto restored = Generator::from_seed(9);
      const std::string before = restored.to_string();
      try {
        restore(restored);
      } catch (...) {
        EXPECT_EQ(restored.to_string(), before);
        throw;
      }
    });
  };
  const std::vector<std::uint64_t> holder = {1, 77, 0};
  EXPECT_NO_THROW(restores(tables(holder, {0, 0, 3, 1, 0, 9, 0, 1}, {1, 1, 0, 9, 0})));
  EXPECT_NO_THROW(restores(tables({huge, 77, 0}, {huge, 0, 3, 1, 0, 9, 0, 0}, {})));
  const std::vector<SavedObject> strange = {
      tables({}, {0, 0, 3, 1, 0, 9, 0, 0}, {}),
      tables(holder, {0, huge, 3, 1, 0, 9, 0, 0}, {}),
      tables(holder, {0, 0, 3, 9, 0, 1, 0, 0}, {}),
      tables(holder, {0, 0, 3, 1, 0, 9, 0, huge}, {}),
      tables(holder, {0, 0, 3, 1, 0, 9, 0, 1}, {1, 9, 0, 1, 0}),
      tables({1, 77, 4}, {0, 0, 3, 1, 0, 9, 0, 0}, {}),
      {.type = "reuse_ledger", .attributes = {}, .values = {}, .members = {}},
  };
  for (const SavedObject& ledger : strange) {
    expect_error(ErrorCode::data_loss, {"reuse ledger"}, [&] { restores(ledger); });
  }
}

}  // namespace
}  // namespace counterpoint
