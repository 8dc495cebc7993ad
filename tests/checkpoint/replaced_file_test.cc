// What a save takes over from the file that it replaces, and what it does not replace.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <vector>

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

// A group other than that of new files, which this process may give a file; its own if it has none.
gid_t another_group() {
  if (::geteuid() == 0) return 1;
  std::vector<gid_t> groups(static_cast<std::size_t>(std::max(0, ::getgroups(0, nullptr))));
  if (::getgroups(static_cast<int>(groups.size()), groups.data()) >= 0) {
    for (const gid_t group : groups) {
      if (group != ::getegid()) return group;
    }
  }
  return ::getegid();
}

TEST(ReplacedFile, KeepsItsGroup) {
  const gid_t group = another_group();
  const TemporaryFolder folder;
  const std::string path = folder / "a.h5";
  const Umask umask(0);
  mode_t seen = 0777;
  auto files = std::make_shared<FaultyFiles>();
  files->decide = [&](const std::string& call, int) {
    if (call == "set group") seen = mode_of(folder / ".a.h5.tmp");
    return 0;
  };
  std::int64_t value = 1;
  cp::Checkpoint checkpoint(one_rank(), {{"value", value}}, files);
  checkpoint.save(path);
  ASSERT_EQ(::chown(path.c_str(), static_cast<uid_t>(-1), group), 0);
  ASSERT_EQ(::chmod(path.c_str(), 0660), 0);
  checkpoint.save(path);
  struct stat status {};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_gid, group);
  EXPECT_EQ(mode_of(path), 0660u);
  EXPECT_EQ(seen, group == ::getegid() ? 0777u : 0600u) << "no other group has it meanwhile";
}

// The process's own group has no part in what was another's.
TEST(ReplacedFile, IsForNoGroupWhereItsOwnIsRefused) {
  const TemporaryFolder folder;
  const std::string path = folder / "a.h5";
  int answer = 0;
  int refused = 0;
  auto files = std::make_shared<FaultyFiles>();
  files->falsify = [](struct stat& status) { ++status.st_gid; };
  files->decide = [&](const std::string& call, int) {
    if (call != "set group") return 0;
    ++refused;
    return answer;
  };
  std::int64_t value = 1;
  cp::Checkpoint checkpoint(one_rank(), {{"value", value}}, files);
  checkpoint.save(path);
  EXPECT_EQ(refused, 0) << "a new one has no group to keep";
  struct Case {
    mode_t before;
    mode_t after;
  };
  for (const Case& one : {Case{0660, 0600}, Case{0664, 0644}, Case{0604, 0604}, Case{0777, 0777}}) {
    for (const int refusal : {-EPERM, -ENOSYS, -EOPNOTSUPP, -EINVAL}) {
      ASSERT_EQ(::chmod(path.c_str(), one.before), 0);
      answer = refusal;
      refused = 0;
      checkpoint.save(path);
      EXPECT_EQ(refused, 1);
      EXPECT_EQ(mode_of(path), one.after);
    }
  }
  answer = -EIO;
  const cp::Error error = error_of([&] { checkpoint.save(path); });
  EXPECT_EQ(error.code(), cp::ErrorCode::unavailable) << error.what();
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
