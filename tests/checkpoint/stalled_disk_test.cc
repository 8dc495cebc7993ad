// A disk under rank 0 that stalls at any call of anything that a checkpoint does: the other ranks,
// whose deadline is shorter, are answered, and where it never comes back every rank is told.
#include <future>
#include <set>
#include <string>
#include <tuple>

#include "checkpoint/faulty_files.h"
#include "checkpoint/support.h"
#include "counterpoint/checkpoint/checkpoint.h"
#include "counterpoint/checkpoint/checkpoint_manager.h"

namespace checkpoint_tests {
namespace {

using World = std::shared_ptr<cp::Communicator>;

constexpr double ranks_timeout_seconds = 2;
constexpr std::chrono::milliseconds stall(4500);

// Waits at the first call of a name once it is armed, on rank 0's disk.
class StallingDisk {
 public:
  explicit StallingDisk(std::string call) : state_(std::make_shared<State>()) {
    state_->call = std::move(call);
    files_->decide = [state = state_](const std::string& name, int) {
      if (!state->armed) return 0;
      const std::scoped_lock lock(state->mutex);
      state->seen.insert(name);
      if (name == state->call && !state->stalled) {
        state->stalled = true;
        state->end.wait_for(state->longest);
      }
      return 0;
    };
  }
  std::shared_ptr<FaultyFiles> files() const { return files_; }
  void arm(std::chrono::milliseconds longest) {
    state_->longest = longest;
    state_->armed = true;
  }
  void release() { state_->release.set_value(); }
  bool stalled() const { return state_->stalled; }
  std::set<std::string> seen() const {
    const std::scoped_lock lock(state_->mutex);
    return state_->seen;
  }

 private:
  struct State {
    std::string call;
    std::chrono::milliseconds longest{};
    std::atomic<bool> armed = false;
    std::atomic<bool> stalled = false;
    std::mutex mutex;
    std::set<std::string> seen;
    std::promise<void> release;
    std::shared_future<void> end = release.get_future().share();
  };
  std::shared_ptr<State> state_;
  std::shared_ptr<FaultyFiles> files_ = std::make_shared<FaultyFiles>();
};

// What meets the stall, and what goes before it; `arm` is called between the two.
struct Action {
  const char* name;
  std::function<void(const World& world, const std::string& folder,
                     const cp::CheckpointManagerOptions& options, const std::function<void()>& arm)>
      body;
};

void PrintTo(const Action& action, std::ostream* out) { *out << action.name; }

const std::vector<Action>& actions() {
  static const std::vector<Action> all = {
      {"construction",
       [](const World& world, const std::string& folder, const auto& options, const auto& arm) {
         std::int64_t value = 1;
         if (world->rank() == 0) {
           std::filesystem::create_directory(folder + "/a");
           write_file(folder + "/a/.checkpoint-00000003.h5.tmp", "half");
         }
         arm();
         cp::CheckpointManager(world, folder + "/a", {{"value", value}}, options);
         cp::CheckpointManager(world, folder + "/b", {{"value", value}}, options);
       }},
      {"save_and_pruning",
       [](const World& world, const std::string& folder, const auto& options, const auto& arm) {
         std::int64_t value = 1;
         cp::CheckpointManager manager(world, folder, {{"value", value}}, options);
         manager.save(1);
         manager.save(2);
         arm();
         manager.save(3);
       }},
      {"restore_latest",
       [](const World& world, const std::string& folder, const auto& options, const auto& arm) {
         std::int64_t value = 1;
         cp::CheckpointManager manager(world, folder, {{"value", value}}, options);
         manager.save(1);
         value = 2;
         arm();
         EXPECT_EQ(manager.restore_latest(), 1);
         EXPECT_EQ(value, 1);
       }},
      {"restore_of_many_leaves",
       [](const World& world, const std::string& folder, const auto& options, const auto& arm) {
         cp::Tensor tensor(cp::DType::f32, {5 << 20});
         cp::CheckpointManager manager(world, folder, {{"tensor", tensor}}, options);
         tensor.values<float>()[(5 << 20) - 1] = 7;
         manager.save(1);
         tensor.values<float>()[(5 << 20) - 1] = 8;
         arm();
         EXPECT_EQ(manager.restore_latest(), 1);
         EXPECT_EQ(tensor.values<float>()[(5 << 20) - 1], 7);
       }},
      {"destruction",
       [](const World& world, const std::string& folder, const auto& options, const auto& arm) {
         std::int64_t value = 1;
         cp::CheckpointManager manager(world, folder, {{"value", value}}, options);
         manager.save(1);
         manager.save(2);
         arm();
         manager.save_async(3);
       }},
      {"checkpoint_save",
       [](const World& world, const std::string& folder, const auto& options, const auto& arm) {
         std::int64_t value = 1;
         cp::Checkpoint checkpoint(world, {{"value", value}}, options.files);
         arm();
         checkpoint.save(folder + "/a.h5");
       }},
      {"checkpoint_restore",
       [](const World& world, const std::string& folder, const auto& options, const auto& arm) {
         std::int64_t value = 1;
         cp::Checkpoint checkpoint(world, {{"value", value}}, options.files);
         checkpoint.save(folder + "/a.h5");
         arm();
         checkpoint.restore(folder + "/a.h5");
       }},
  };
  return all;
}

class StalledDisk : public testing::TestWithParam<Action> {};

cp::CheckpointManagerOptions options_with(const StallingDisk& disk) {
  return {.keep = 2, .lock_timeout_seconds = 0, .files = disk.files()};
}

// The calls that it makes: the places where it can stall.
std::set<std::string> calls_of(const Action& action) {
  const TemporaryFolder folder;
  StallingDisk disk("");
  action.body(one_rank(), folder.path(), options_with(disk), [&] { disk.arm({}); });
  return disk.seen();
}

TEST_P(StalledDisk, IsWaitedForByEveryRankWhicheverCallItIs) {
  const std::set<std::string> calls = calls_of(GetParam());
  ASSERT_GE(calls.size(), 4u);
  std::vector<std::thread> cases;
  for (const std::string& call : calls) {
    cases.emplace_back([&, call] {
      const TemporaryFolder folder;
      StallingDisk disk(call);
      on_thread_ranks(2, [&](const World& world) {
        world->set_timeout_seconds(ranks_timeout_seconds);
        const auto attempt = internal::attempting([&] {
          GetParam().body(world, folder.path(), options_with(disk), [&] {
            world->barrier();
            if (world->rank() == 0) disk.arm(stall);
            world->barrier();
          });
          world->barrier();  // training goes on, with the same deadline
        });
        EXPECT_FALSE(attempt) << call << ", rank " << world->rank() << ": " << attempt->what();
      });
      EXPECT_TRUE(disk.stalled()) << call;
    });
  }
  for (std::thread& one : cases) one.join();
}

INSTANTIATE_TEST_SUITE_P(Checkpoint, StalledDisk, testing::ValuesIn(actions()),
                         [](const auto& test) { return std::string(test.param.name); });

class DiskThatNeverAnswers : public testing::TestWithParam<std::tuple<Action, int>> {};

TEST_P(DiskThatNeverAnswers, IsGivenUpByEveryRank) {
  const auto& [action, ranks] = GetParam();
  const std::set<std::string> calls = calls_of(action);
  const std::string name = action.name;
  std::vector<std::thread> cases;
  for (const std::string& call : calls) {
    cases.emplace_back([&, call, action = action, ranks = ranks] {
      const TemporaryFolder folder;
      StallingDisk disk(call);
      on_thread_ranks(ranks, [&](const World& world) {
        cp::CheckpointManagerOptions options = options_with(disk);
        options.write_timeout_seconds = 2;
        const auto attempt = internal::attempting([&] {
          action.body(world, folder.path(), options, [&] {
            world->barrier();
            if (world->rank() == 0) disk.arm(std::chrono::hours(1));
            world->barrier();
          });
        });
        // A destructor, where locks go, has nobody to tell; the next constructor has.
        const bool throws = name == "construction" || (name != "destruction" && call != "unlock");
        EXPECT_EQ(attempt.has_value(), throws) << call;
        if (attempt) {
          EXPECT_EQ(attempt->code(), cp::ErrorCode::deadline_exceeded) << attempt->what();
          EXPECT_NE(attempt->message().find("the disk is not done"), std::string::npos)
              << attempt->what();
          EXPECT_TRUE(attempt->message().starts_with(folder.path())) << attempt->what();
        }
        world->barrier();
      });
      EXPECT_TRUE(disk.stalled()) << call;
      disk.release();
    });
  }
  for (std::thread& one : cases) one.join();
}

// Checkpoint's patience is not to be chosen.
INSTANTIATE_TEST_SUITE_P(Checkpoint, DiskThatNeverAnswers,
                         testing::Combine(testing::ValuesIn(actions().begin(),
                                                            actions().begin() + 5),
                                          testing::Values(1, 2)),
                         [](const auto& test) {
                           return std::get<0>(test.param).name +
                                  ("_of_" + std::to_string(std::get<1>(test.param)));
                         });

// What the writing thread had not read yet when everybody gave up is of the moment too; a rank that
// is left by an exception keeps no other waiting.
TEST(StalledDiskAtTheEnd, OfARankThatIsLeftByAnExceptionIsNotWaitedForByOthers) {
  const TemporaryFolder folder;
  StallingDisk disk("sync");
  on_thread_ranks(2, [&](const World& world) {
    struct Left {};
    const auto start = std::chrono::steady_clock::now();
    try {
      std::int64_t value = 1;
      cp::CheckpointManager manager(world, folder / "run", {{"value", value}},
                                    {.files = disk.files()});
      world->barrier();
      if (world->rank() == 0) disk.arm(stall);
      world->barrier();
      manager.save_async(1);
      if (world->rank() == 1) throw Left();
    } catch (const Left&) {
      EXPECT_LT(std::chrono::steady_clock::now() - start, stall);
    }
  });
}

}  // namespace
}  // namespace checkpoint_tests
