// Two writers of one file, and one that gives up on the way: nobody's file is touched by another,
// and no temporary file stays.
#include <future>
#include <thread>

#include "checkpoint/faulty_files.h"
#include "checkpoint/numbered_files.h"
#include "counterpoint/checkpoint/internal/durable_file.h"

namespace checkpoint_tests {
namespace {

TEST(TwoWriters, OfOneFileRefuseEachOther) {
  const TemporaryFolder folder;
  const std::string path = folder / "a.h5";
  auto files = std::make_shared<FaultyFiles>();
  cp::Error second(cp::ErrorCode::internal, "");
  files->decide = [&](const std::string& call, int) {
    if (call == "rename") second = error_of([&] { save(path, 2, nullptr); });
    return 0;
  };
  save(path, 1, files);
  EXPECT_EQ(second.code(), cp::ErrorCode::unavailable);
  EXPECT_NE(second.message().find("another process"), std::string::npos) << second.what();
  EXPECT_EQ(restored(path), 1);
}

// The second takes the first one's file, not locked yet, for a leftover, and has its own there half
// written when the first goes on.
TEST(TwoWriters, OneThatIsOvertakenBeforeItsLockLeavesTheOthersFileAlone) {
  const TemporaryFolder folder;
  const std::string path = folder / "a.h5";
  save(path, 1, nullptr);
  std::promise<void> half_written;
  std::promise<void> go_on;
  std::thread second;
  auto second_files = std::make_shared<FaultyFiles>();
  second_files->decide = [&](const std::string& call, int) {
    if (call == "write") {
      half_written.set_value();
      go_on.get_future().wait();
    }
    return 0;
  };
  auto files = std::make_shared<FaultyFiles>();
  files->decide = [&](const std::string& call, int) {
    if (call == "lock" && !second.joinable()) {
      second = std::thread([&] { save(path, 3, second_files); });
      half_written.get_future().wait();
    }
    return 0;
  };
  EXPECT_EQ(error_of([&] { save(path, 2, files); }).code(), cp::ErrorCode::unavailable);
  EXPECT_EQ(restored(path), 1);
  go_on.set_value();
  second.join();
  EXPECT_EQ(restored(path), 3);
  EXPECT_EQ(names_in(folder.path()), (std::vector<std::string>{"a.h5"}));
}

class ContentThatThrows final : public internal::FileContent {
 public:
  std::uint64_t size() const override { return 5000; }
  void read(std::uint64_t, std::span<std::byte>) const override { throw std::bad_alloc(); }
};

TEST(OneWriter, WhoseContentThrowsLeavesNothingBehind) {
  const TemporaryFolder folder;
  std::string warning;
  EXPECT_THROW(internal::write_durably(cp::FileOperations::posix(), folder / "a.h5",
                                       ContentThatThrows(), &warning),
               std::bad_alloc);
  EXPECT_EQ(names_in(folder.path()), std::vector<std::string>{});
}

}  // namespace
}  // namespace checkpoint_tests
