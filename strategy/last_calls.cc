#include "counterpoint/strategy/internal/last_calls.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <optional>
#include <set>
#include <system_error>

#include "counterpoint/runtime/error.h"
#include "counterpoint/runtime/internal/size_signal_held.h"

namespace counterpoint::inline v1 {
namespace {

constexpr std::size_t kMostBytes = 64 << 10;
constexpr std::uint64_t kMostCalls = 64;  // of a replica

std::string text_of(const std::string& reason, int first_replica_id,
                    const std::vector<LocalReplica>& replicas, const CallLog::NameOf& name_of) {
  std::string text = reason + "\n";
  for (std::size_t i = 0; i < replicas.size(); ++i) {
    // A replica that hangs may be making a call.
    const std::scoped_lock lock(replicas[i].lock);
    const CallLog& log = replicas[i].log;
    text += fmt::format("\nreplica {} made {} calls, the last of them:\n",
                        first_replica_id + static_cast<int>(i), log.count());
    const std::uint64_t first =
        std::max(log.first_remembered(), log.count() - std::min(log.count(), kMostCalls));
    for (std::uint64_t number = first; number < log.count(); ++number) {
      text += log.describe(number, log.count(), name_of) + "\n";
    }
    if (text.size() > kMostBytes) break;
  }
  if (text.size() > kMostBytes) {
    text.resize(text.rfind('\n', kMostBytes - 8) + 1);
    text += "...\n";
  }
  return text;
}

// A file to write to, and its name beside `path`; below 0 if there is none.
int open_unfinished(const std::string& path, std::string& unfinished) {
  // Another process of our number, in another container or long ago, may have left one behind.
  constexpr int kTries = 100;
  int file = -1;
  for (int i = 0; i < kTries; ++i) {
    unfinished = fmt::format("{}.{}", path, ::getpid());
    if (i > 0) unfinished += fmt::format("-{}", i + 1);
    // Not through a link that somebody else put there.
    file = ::open(unfinished.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (file >= 0 || errno != EEXIST) break;
  }
  return file;
}

bool write_whole(int file, const std::string& text) {
  const SizeSignalHeld held;
  std::size_t written = 0;
  while (written < text.size()) {
    const ssize_t count = ::write(file, text.data() + written, text.size() - written);
    if (count < 0 && errno == EFBIG) held.take();
    if (count <= 0) break;
    written += static_cast<std::size_t>(count);
  }
  const int reason = errno;
  const bool closed = ::close(file) == 0;
  if (written < text.size()) errno = reason;
  return closed && written == text.size();
}

// The files of this process, which errors have named.
struct Written {
  std::mutex mutex;
  std::set<std::string> paths;
};

Written& written_files() {
  static Written* const written = new Written;  // for strategies that live as long as the process
  return *written;
}

}  // namespace

std::string last_calls_folder(const std::optional<std::string>& option) {
  if (option) return *option;
  const char* const folder = std::getenv("COUNTERPOINT_LAST_CALLS_FOLDER");
  return folder != nullptr ? folder : ".";
}

void check_last_calls_folder(const std::string& folder) {
  std::error_code error;
  const bool is_folder = std::filesystem::is_directory(folder, error);
  if (is_folder && ::access(folder.c_str(), W_OK | X_OK) == 0) return;
  const int reason = error ? error.value() : is_folder ? errno : ENOTDIR;
  throw Error(ErrorCode::invalid_argument,
              fmt::format("last_calls_folder '{}': {}; make it, name another, or none with \"\"",
                          folder, std::generic_category().message(reason)));
}

LastCallsFile write_last_calls(const std::string& folder, int rank, const std::string& reason,
                               int first_replica_id, const std::vector<LocalReplica>& replicas,
                               const CallLog::NameOf& name_of) {
  if (folder.empty()) return {};
  const std::string text = text_of(reason, first_replica_id, replicas, name_of);
  const std::string stem = fmt::format("{}/counterpoint-last-calls-rank-{}", folder, rank);
  Written& written = written_files();
  const std::scoped_lock lock(written.mutex);
  std::string path = stem + ".txt";
  for (int number = 2; written.paths.contains(path) && ::access(path.c_str(), F_OK) == 0;
       ++number) {
    path = fmt::format("{}-{}.txt", stem, number);
  }
  std::string unfinished;
  const int file = open_unfinished(path, unfinished);
  if (file >= 0 && write_whole(file, text) && std::rename(unfinished.c_str(), path.c_str()) == 0) {
    written.paths.insert(path);
    return {.path = path, .problem = {}};
  }
  const std::string problem = std::generic_category().message(errno);
  if (file >= 0) ::unlink(unfinished.c_str());
  return {.path = {}, .problem = fmt::format("{}: {}", path, problem)};
}

}  // namespace counterpoint::inline v1
