// The child that reads untrusted files: its limits hold, and what ends it is told.
#include "../../tools/sandbox.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include "../../tools/exit_codes.h"
#include "counterpoint/runtime/error.h"

namespace {

namespace cp = counterpoint;
namespace tools = counterpoint::tools;

constexpr tools::Limits roomy = {.memory_bytes = std::uint64_t{1} << 30, .seconds = 60};

// What the child's function ended with, and what stood on stderr.
struct Ended {
  int status = 0;
  std::string complaint;
};

Ended run(const tools::Limits& limits, const std::function<int()>& function) {
  testing::internal::CaptureStderr();
  const int status = tools::in_sandbox(limits, "a\x1b.h5", function);
  return {.status = status, .complaint = testing::internal::GetCapturedStderr()};
}

TEST(Sandbox, GivesWhatTheFunctionGives) {
  EXPECT_EQ(run(roomy, [] { return 0; }).status, tools::ok);
  EXPECT_EQ(run(roomy, [] { return 42; }).status, 42);
  const Ended threw =
      run(roomy, []() -> int { throw cp::Error(cp::ErrorCode::data_loss, "it is damaged"); });
  EXPECT_EQ(threw.status, tools::bad_file);
  EXPECT_EQ(threw.complaint, "counterpoint: it is damaged\n");
}

// Whatever it is, it is told.
TEST(Sandbox, TellsWhatIsThrownThere) {
  const auto throwing = [](const auto& what) { return run(roomy, [&]() -> int { throw what; }); };
  const Ended thread = throwing(std::system_error(EAGAIN, std::generic_category(), "no thread"));
  EXPECT_EQ(thread.status, tools::over_limits);
  EXPECT_THAT(thread.complaint, testing::HasSubstr("no thread"));
  EXPECT_THAT(thread.complaint, testing::HasSubstr("--memory-mib"));
  const Ended disk = throwing(std::system_error(EIO, std::generic_category(), "no disk"));
  EXPECT_EQ(disk.status, tools::failed);
  EXPECT_THAT(disk.complaint, testing::HasSubstr("no disk"));
  const Ended length = throwing(std::length_error("too \x1b long"));
  EXPECT_EQ(length.status, tools::failed);
  EXPECT_EQ(length.complaint, "counterpoint: too \\x1b long\n");
}

TEST(Sandbox, ChangesNothingHere) {
  int value = 1;
  run(roomy, [&value] { return value = 7; });
  EXPECT_EQ(value, 1);
}

TEST(Sandbox, LetsNoMoreMemoryBeTaken) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer's own map of memory is beyond any limit";
#endif
  const auto take = [](std::size_t bytes) {
    return [bytes] {
      const auto memory = std::make_unique<char[]>(bytes);  // which it touches
      return memory[bytes / 2] == 0 ? 0 : 1;
    };
  };
  const tools::Limits limits = {.memory_bytes = std::uint64_t{64} << 20, .seconds = 60};
  EXPECT_EQ(run(limits, take(std::size_t{16} << 20)).status, tools::ok);
  const Ended ended = run(limits, take(std::size_t{256} << 20));
  EXPECT_EQ(ended.status, tools::over_limits);
  EXPECT_THAT(ended.complaint, testing::HasSubstr("--memory-mib"));
}

TEST(Sandbox, EndsWhatTakesTooLong) {
  const tools::Limits limits = {.memory_bytes = 0, .seconds = 1};
  const auto start = std::chrono::steady_clock::now();
  for (const bool idle : {true, false}) {
    const Ended ended = run(limits, [idle] {
      const std::atomic<bool> done = false;
      while (!done) {
        if (idle) ::pause();
      }
      return 0;
    });
    EXPECT_EQ(ended.status, tools::over_limits);
    EXPECT_THAT(ended.complaint, testing::HasSubstr("within 0 MiB and 1 s"));
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(50));
}

TEST(Sandbox, OutlivesACrash) {
  for (const int signal : {SIGSEGV, SIGABRT, SIGBUS, SIGKILL}) {
    const Ended ended = run(roomy, [signal] {
      ::signal(signal, SIG_DFL);
      ::raise(signal);
      return 0;
    });
    EXPECT_EQ(ended.status, tools::over_limits) << ::strsignal(signal);
    EXPECT_THAT(ended.complaint, testing::HasSubstr("a\\x1b.h5: reading it ended with"));
  }
}

// As `| head` and Ctrl-C do: the command ends as its child did, without a word.
TEST(Sandbox, EndsAsAChildThatWasMeantToEnd) {
  for (const int signal : {SIGPIPE, SIGINT, SIGTERM, SIGHUP}) {
    EXPECT_EXIT(tools::in_sandbox(roomy, "a.h5",
                                  [signal] {
                                    ::signal(signal, SIG_DFL);
                                    ::raise(signal);
                                    return 0;
                                  }),
                testing::KilledBySignal(signal), "^$");
  }
}

TEST(Sandbox, BringsAnAnswerBack) {
  std::string answer;
  const std::string bytes("\0\xff words", 8);
  EXPECT_EQ(tools::in_sandbox(roomy, "a.h5", answer,
                              [&](std::string& text) {
                                text = bytes;
                                return 0;
                              }),
            tools::ok);
  EXPECT_EQ(answer, bytes);
  // A child that was taken over cannot make its parent take more than 64 KiB, or wait for ever.
  EXPECT_EQ(tools::in_sandbox(roomy, "a.h5", answer,
                              [](std::string& text) {
                                text.assign(10 << 20, 'x');
                                return 0;
                              }),
            tools::ok);
  EXPECT_EQ(answer.size(), std::size_t{64} << 10);
  constexpr std::size_t most = std::size_t{1} << 20;
  const auto as_long = [](std::string& text) {
    text.assign(most, 'x');
    return 0;
  };
  EXPECT_EQ(tools::in_sandbox(roomy, "a.h5", answer, as_long, most), tools::ok);
  EXPECT_EQ(answer.size(), most);
}

TEST(Limits, GrowWithTheFilesUnlessTheyAreGiven) {
  const std::string path = testing::TempDir() + "counterpoint-limits";
  const auto of_size = [&](std::uintmax_t bytes) {
    std::ofstream(path).close();
    std::filesystem::resize_file(path, bytes);  // a hole
    return std::vector<std::string>{path, "/dev/null", path + "-absent"};
  };
  constexpr std::uint64_t mebibyte = std::uint64_t{1} << 20;
  const tools::Limits least{.memory_bytes = mebibyte, .grows_with_file = true, .seconds = 1};
  EXPECT_EQ(tools::limits_for(least, of_size(64 * mebibyte), 2).memory_bytes,
            (1024 + 128) * mebibyte);
  const tools::Limits given{.memory_bytes = mebibyte, .grows_with_file = false, .seconds = 1};
  EXPECT_EQ(tools::limits_for(given, of_size(64 * mebibyte), 2).memory_bytes, mebibyte);
  // Not beyond what there is, whatever a hole pretends.
  const std::uint64_t most =
      tools::limits_for(least, of_size(std::uintmax_t{1} << 43), 2).memory_bytes;
  EXPECT_LT(most, std::uint64_t{1} << 43);
  EXPECT_GE(tools::limits_for({.memory_bytes = most + 1, .grows_with_file = true, .seconds = 1},
                              of_size(std::uintmax_t{1} << 43), 2)
                .memory_bytes,
            most + 1);
  std::filesystem::remove(path);
}

}  // namespace
