// What a save takes over from the file that it replaces, and what it does not replace.
#include <sys/stat.h>

#include <cerrno>
#include <memory>

#include "checkpoint/faulty_files.h"
#include "checkpoint/support.h"
#include "counterpoint/checkpoint/checkpoint.h"

namespace checkpoint_tests {
namespace {

mode_t mode_of(const std::string& path) {
  struct stat status {};
  EXPECT_EQ(::stat(path.c_str(), &status), 0);
  return status.st_mode & 07777;
}

// For as long as it lives.
class Umask {
 public:
  explicit Umask(mode_t mask) : before_(::umask(mask)) {}
  Umask(const Umask&) = delete;
  Umask& operator=(const Umask&) = delete;
  ~Umask() { ::umask(before_); }

 private:
  mode_t before_;
};

TEST(ReplacedFile, KeepsItsPermissions) {
  const TemporaryFolder folder;
  const std::string path = folder / "a.h5";
  const Umask umask(022);
  std::int64_t value = 1;
  cp::Checkpoint checkpoint(one_rank(), {{"value", value}});
  checkpoint.save(path);
  EXPECT_EQ(mode_of(path), 0644u) << "a new one's are the umask's";
  for (const mode_t mode : {0600u, 0640u, 0664u, 0666u}) {
    ASSERT_EQ(::chmod(path.c_str(), mode), 0);
    checkpoint.save(path);
    EXPECT_EQ(mode_of(path), mode);
  }
}

// Nobody else may read it while it is written either.
TEST(ReplacedFile, IsNoMoreOpenMeanwhile) {
  const TemporaryFolder folder;
  const std::string path = folder / "a.h5";
  const Umask umask(0);
  std::int64_t value = 1;
  mode_t seen = 0777;
  auto files = std::make_shared<FaultyFiles>();
  files->decide = [&](const std::string& call, int) {
    if (call == "set mode") seen = mode_of(folder / ".a.h5.tmp");
    return 0;
  };
  cp::Checkpoint checkpoint(one_rank(), {{"value", value}}, files);
  checkpoint.save(path);
  ASSERT_EQ(::chmod(path.c_str(), 0600), 0);
  checkpoint.save(path);
  EXPECT_EQ(seen, 0600u);
}

TEST(ReplacedFile, OfAFileSystemWithoutPermissionsIsReplaced) {
  const TemporaryFolder folder;
  const std::string path = folder / "a.h5";
  std::int64_t value = 1;
  int answer = -EPERM;
  auto files = std::make_shared<FaultyFiles>();
  files->decide = [&](const std::string& call, int) { return call == "set mode" ? answer : 0; };
  cp::Checkpoint checkpoint(one_rank(), {{"value", value}}, files);
  checkpoint.save(path);
  value = 2;
  EXPECT_EQ(checkpoint.save(path).durability, cp::Durability::durable);
  answer = -EIO;
  value = 3;
  const cp::Error error = error_of([&] { checkpoint.save(path); });
  EXPECT_EQ(error.code(), cp::ErrorCode::unavailable) << error.what();
  EXPECT_NE(error.message().find("permissions"), std::string::npos) << error.what();
  checkpoint.restore(path);
  EXPECT_EQ(value, 2);
}

// `files` say what is at a path, which may be a folder on the real disk.
TEST(ReplacedFile, IsThatOfTheFilesAndOfNoOtherDisk) {
  auto disk = std::make_shared<MemoryDisk>();
  std::int64_t value = 5;
  cp::Checkpoint checkpoint(one_rank(), {{"value", value}}, disk);
  checkpoint.save("/tmp");
  value = 0;
  checkpoint.restore("/tmp");
  EXPECT_EQ(value, 5);
}

}  // namespace
}  // namespace checkpoint_tests
