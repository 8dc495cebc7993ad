// The collective cases with ranks as threads of this process.
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
  const TemporaryFolder folder;
  for (const cp::CheckpointManagerOptions& options :
       {cp::CheckpointManagerOptions{.keep = 0}, cp::CheckpointManagerOptions{.keep_every = -1}}) {
    EXPECT_EQ(
        error_of([&] { cp::CheckpointManager(one_rank(), folder.path(), {}, options); }).code(),
        cp::ErrorCode::invalid_argument);
  }
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
