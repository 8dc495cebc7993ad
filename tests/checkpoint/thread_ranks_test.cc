// The collective cases with ranks as threads of this process.
#include <limits>

#include "checkpoint/collective_cases.h"
#include "counterpoint/runtime/context.h"

namespace checkpoint_tests {
namespace {

class ThreadRanks : public testing::TestWithParam<std::tuple<NamedCase, int>> {};

TEST_P(ThreadRanks, Hold) {
  const auto& [named, ranks] = GetParam();
  const TemporaryFolder folder;
  on_thread_ranks(ranks, [&](const World& world) { named.body(world, folder.path()); });
}

INSTANTIATE_TEST_SUITE_P(Checkpoint, ThreadRanks,
                         testing::Combine(testing::ValuesIn(all_cases), testing::Values(1, 2, 3)),
                         [](const auto& test) {
                           return std::string(std::get<0>(test.param).name) + "_" +
                                  std::to_string(std::get<1>(test.param));
                         });

TEST(Checkpoint, RefusesNamesThatAreNoPathComponents) {
  std::int64_t number = 0;
  for (const std::string& name :
       std::vector<std::string>{"", ".", "..", "a/b", "a\nb", std::string(256, 'a')}) {
    EXPECT_EQ(error_of([&] {
                cp::Checkpoint(one_rank(), {{name, number}});
              }).code(),
              cp::ErrorCode::invalid_argument)
        << name;
  }
  EXPECT_EQ(error_of([&] {
              cp::Checkpoint(one_rank(), {{"a", number}, {"a", number}});
            }).code(),
            cp::ErrorCode::invalid_argument);
}

TEST(Checkpoint, RefusesToRunInsideAReplica) {
  std::int64_t number = 0;
  const TemporaryFolder folder;
  cp::Checkpoint checkpoint(one_rank(), {{"number", number}});
  cp::CheckpointManager manager(one_rank(), folder / "run", {{"number", number}});
  cp::Context context;
  context.kind = cp::ContextKind::replica;
  context.replica_id = 2;
  const cp::ContextGuard guard(context);
  for (const std::function<void()>& call : std::vector<std::function<void()>>{
           [&] { checkpoint.save(folder / "a.h5"); }, [&] { checkpoint.restore(folder / "a.h5"); },
           [&] { manager.save(1); }, [&] { manager.restore_latest(); }}) {
    const cp::Error error = error_of(call);
    EXPECT_EQ(error.code(), cp::ErrorCode::failed_precondition);
    EXPECT_NE(error.message().find("replica 2"), std::string::npos);
  }
  EXPECT_FALSE(std::filesystem::exists(folder / "a.h5"));
}

TEST(CheckpointManager, RefusesOptionsOutOfRange) {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  struct Row {
    const char* named;
    cp::CheckpointManagerOptions options;
  };
  const Row rows[] = {
      {"keep is 0", {.keep = 0}},
      {"keep is -1", {.keep = -1}},
      {"keep_every is -1", {.keep_every = -1}},
      {"lock_timeout_seconds is -1", {.lock_timeout_seconds = -1}},
      {"lock_timeout_seconds is nan", {.lock_timeout_seconds = nan}},
      {"write_timeout_seconds is 0", {.write_timeout_seconds = 0}},
      {"write_timeout_seconds is -2", {.write_timeout_seconds = -2}},
      {"write_timeout_seconds is nan", {.write_timeout_seconds = nan}},
  };
  const TemporaryFolder folder;
  const auto expect_refused = [](const std::string& path, const Row& row) {
    on_thread_ranks(2, [&](const World& world) {
      const cp::Error error =
          error_of([&] { cp::CheckpointManager(world, path, {}, row.options); });
      EXPECT_EQ(error.code(), cp::ErrorCode::invalid_argument) << row.named;
      EXPECT_NE(error.message().find(row.named), std::string::npos) << error.what();
    });
  };
  for (const Row& row : rows) expect_refused(folder / "run", row);
  expect_refused("", {"folder is empty", {}});
  EXPECT_FALSE(std::filesystem::exists(folder / "run"));
  constexpr double forever = std::numeric_limits<double>::infinity();
  cp::CheckpointManager(one_rank(), folder / "run", {},
                        {.lock_timeout_seconds = forever, .write_timeout_seconds = forever})
      .save(1);
}

TEST(Checkpoint, ThatWasMovedFromSaysSo) {
  const TemporaryFolder folder;
  std::int64_t number = 1;
  cp::Checkpoint checkpoint(one_rank(), {{"number", number}});
  cp::CheckpointManager manager(one_rank(), folder / "run", {{"number", number}});
  cp::Checkpoint new_checkpoint = std::move(checkpoint);
  cp::CheckpointManager new_manager = std::move(manager);
  for (const std::function<void()>& call : std::vector<std::function<void()>>{
           [&] { checkpoint.save(folder / "a.h5"); }, [&] { checkpoint.restore(folder / "a.h5"); },
           [&] { manager.save(1); }, [&] { manager.save_async(1); }, [&] { manager.wait(); },
           [&] { manager.restore_latest(); }, [&] { manager.last_restore(); },
           [&] { manager.path_of(1); }}) {
    const cp::Error error = error_of(call);
    EXPECT_EQ(error.code(), cp::ErrorCode::failed_precondition);
    EXPECT_NE(error.message().find("moved from"), std::string::npos) << error.what();
  }
  new_checkpoint.save(folder / "a.h5");
  new_manager.save(1);
}

TEST(CheckpointManager, RemovesOnlyTheLeftoversOfItsOwnFiles) {
  const TemporaryFolder folder;
  write_file(folder / ".checkpoint-00000003.h5.tmp", "half");
  write_file(folder / ".other.tmp", "not ours");
  write_file(folder / "checkpoint-3.h5", "not ours either");
  std::int64_t number = 0;
  cp::CheckpointManager manager(one_rank(), folder.path(), {{"number", number}});
  EXPECT_EQ(names_in(folder.path()),
            (std::vector<std::string>{".counterpoint.lock", ".other.tmp", "checkpoint-3.h5"}));
  EXPECT_EQ(manager.restore_latest(), 0);
}

}  // namespace
}  // namespace checkpoint_tests
