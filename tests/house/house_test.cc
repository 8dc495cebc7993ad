// The arrows of DESIGN.md and the rules that a reader relies on, checked over the files themselves.

#include "house/house.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace {

using house::File;

constexpr std::string_view kRoot = "counterpoint/";

// Who may include whom.
const std::map<std::string, std::set<std::string>> kArrows = {
    {"kernels", {"kernels"}},
    {"runtime", {"kernels", "runtime"}},
    {"strategy", {"kernels", "runtime", "strategy"}},
    {"checkpoint", {"kernels", "runtime", "checkpoint"}},
};

TEST(Arrows, PointOneWay) {
  std::map<std::string, int> checked;
  for (const File& file : house::files()) {
    if (!file.is_source() || !kArrows.contains(file.folder())) continue;
    const std::set<std::string>& allowed = kArrows.at(file.folder());
    for (const std::string& include : house::includes_of(file)) {
      if (!include.starts_with(kRoot)) continue;
      const std::string target = include.substr(kRoot.size());
      EXPECT_TRUE(allowed.contains(target.substr(0, target.find('/'))))
          << file.path << " includes " << include;
      ++checked[file.folder()];
    }
  }
  for (const auto& [folder, allowed] : kArrows) EXPECT_GT(checked[folder], 5) << folder;
}

// Private headers too are named from the root, so that a file's folder can change.
TEST(Arrows, LibraryIncludesAreWrittenFromTheRoot) {
  for (const File& file : house::files()) {
    if (!file.is_source() || !kArrows.contains(file.folder())) continue;
    for (const std::string& include : house::includes_of(file)) {
      for (const auto& [folder, allowed] : kArrows) {
        EXPECT_FALSE(include.starts_with(folder + "/")) << file.path << " includes " << include;
      }
      EXPECT_FALSE(include.starts_with("..")) << file.path << " includes " << include;
    }
  }
}

// Types of other libraries would make them part of ours.
TEST(PublicHeaders, NameNoOtherLibrary) {
  const std::vector<std::string> foreign = {"mpi",     "H5",   "hdf5", "hwy/",     "cuda", "nccl",
                                            "openssl", "fmt/", "CLI",  "nlohmann", "gtest"};
  // The headers that exist to accept such a type.
  const auto accepts = [](const std::string& path, const std::string& library) {
    return (library == "mpi" && path == "runtime/mpi_communicator.h") ||
           (library == "nccl" && path == "runtime/nccl_communicator.h") ||
           (library == "cuda" &&
            (path.starts_with("kernels/cuda/") || path == "runtime/nccl_communicator.h"));
  };
  int checked = 0;
  for (const File& file : house::files()) {
    if (!house::is_public(file.path)) continue;
    ++checked;
    for (const std::string& include : house::includes_of(file)) {
      for (const std::string& library : foreign) {
        EXPECT_TRUE(!include.starts_with(library) || accepts(file.path, library))
            << file.path << " includes " << include;
      }
    }
  }
  EXPECT_EQ(checked, static_cast<int>(house::public_headers().size()));
  EXPECT_GT(checked, 20);
}

// An installed header that includes one that is not installed would not compile.
TEST(PublicHeaders, IncludeOnlyPublicOnes) {
  for (const File& file : house::files()) {
    if (!house::is_public(file.path)) continue;
    for (const std::string& include : house::includes_of(file)) {
      if (!include.starts_with(kRoot)) continue;
      EXPECT_TRUE(house::is_public(include.substr(kRoot.size())))
          << file.path << " includes " << include << ", which is private";
    }
  }
}

TEST(Headers, OpenWithWhatTheyAreForAndAreReadOnce) {
  int checked = 0;
  for (const File& file : house::files()) {
    // Highway's -inl.h are read once for each target.
    if (!file.is_header() || file.path.ends_with("-inl.h")) continue;
    ++checked;
    ASSERT_FALSE(file.lines.empty()) << file.path;
    EXPECT_TRUE(file.lines[0].starts_with("// ")) << file.path;
    const auto once = std::ranges::find(file.lines, "#pragma once");
    EXPECT_NE(once, file.lines.end()) << file.path;
  }
  EXPECT_GT(checked, 40);
}

TEST(Files, CanBeReadInOneSitting) {
  // Copied as it came: the reference that the spec was checked with.
  const std::set<std::string> exempt = {"tests/oracle/reference.py"};
  const std::set<std::string> kinds = {".h", ".cc", ".cu", ".py", ".sh", ".cmake"};
  int checked = 0;
  for (const File& file : house::files()) {
    if (!kinds.contains(file.extension()) || exempt.contains(file.path)) continue;
    ++checked;
    EXPECT_LE(file.lines.size(), 450u) << file.path << ": a file is one idea";
  }
  EXPECT_GT(checked, 100);
}

// A source that no CMake file names is not built, and a test in it is never run.
TEST(Files, EverySourceIsBuilt) {
  std::string cmake;
  for (const File& file : house::files()) {
    if (!file.path.ends_with("CMakeLists.txt") && file.extension() != ".cmake") continue;
    for (const std::string& line : file.lines) {
      const std::string code = line.substr(0, line.find('#'));
      cmake += code + '\n';
    }
  }
  const auto is_word_character = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-';
  };
  // As a whole name, with or without its extension.
  const auto names = [&](const std::string& name) {
    for (auto at = cmake.find(name); at != std::string::npos; at = cmake.find(name, at + 1)) {
      const std::size_t end = at + name.size();
      const bool starts = at == 0 || !is_word_character(cmake[at - 1]);
      if (starts && (end == cmake.size() || !is_word_character(cmake[end]))) return true;
    }
    return false;
  };
  int checked = 0;
  for (const File& file : house::files()) {
    const bool is_test_script = file.path.starts_with("tests/") && file.extension() == ".sh";
    if (file.extension() != ".cc" && file.extension() != ".cu" && !is_test_script) continue;
    ++checked;
    const std::filesystem::path path = file.path;
    // Programs named in a loop are named without their extension.
    const bool in_loop = path.parent_path() == "examples/guide" || path.parent_path() == "bench";
    EXPECT_TRUE(names(path.filename()) || (in_loop && names(path.stem()))) << file.path;
  }
  EXPECT_GT(checked, 50);
}

TEST(Files, NameNoFolderOfTheMachineTheyWereWrittenOn) {
  // Put together here, so that this file does not have them.
  std::vector<std::string> folders;
  for (const char* top : {"work", "root", "home", "mnt"})
    folders.push_back(fmt::format("/{}/", top));
  folders.push_back(std::string("/tmp/") + "build");
  for (const File& file : house::files()) {
    for (const std::string& line : file.lines) {
      for (const std::string& folder : folders) {
        const std::size_t at = line.find(folder);
        // Not within a longer relative path or an address, such as a/work/b.
        const bool is_absolute =
            at != std::string::npos &&
            (at == 0 || std::string_view(" \t\"'(=:`,<").find(line[at - 1]) != std::string::npos);
        EXPECT_FALSE(is_absolute) << file.path << ": " << line;
      }
    }
  }
}

// Of each public function that fills a caller's array, tests/runtime/no_allocation_test.cc has a call.
TEST(Fills, AreAllInTheTestOfAllocations) {
  const std::regex declaration(R"(void (fill_\w+)\()");
  const std::map<std::string, std::string> callers = {{"runtime/generator.h", "generator."},
                                                      {"runtime/sharded_draws.h", "sharded."},
                                                      {"runtime/stateless.h", ""},
                                                      {"runtime/stateless_samplers.h", ""}};
  std::string test;
  for (const File& file : house::files()) {
    if (file.path != "tests/runtime/no_allocation_test.cc") continue;
    for (const std::string& line : file.lines) test += line + '\n';
  }
  int checked = 0;
  for (const File& file : house::files()) {
    if (!file.is_header() || !house::is_public(file.path)) continue;
    for (const std::string& line : file.lines) {
      std::smatch match;
      if (line.starts_with("//") || !std::regex_search(line, match, declaration)) continue;
      ++checked;
      ASSERT_TRUE(callers.contains(file.path)) << file.path << ": " << line;
      const std::string call = " " + callers.at(file.path) + match[1].str() + "(";
      EXPECT_NE(test.find(call), std::string::npos) << file.path << ":" << call;
    }
  }
  EXPECT_GE(checked, 17);
}

}  // namespace
