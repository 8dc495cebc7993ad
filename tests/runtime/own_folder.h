// A folder of a test's own, empty at first and gone afterwards: tests that run at once share no file.
//
//   const OwnFolder folder;
//   checkpoint.save(folder.file("state.h5"));
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <cerrno>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>

namespace counterpoint {

class OwnFolder {
 public:
  OwnFolder() {
    std::string pattern = std::filesystem::path(testing::TempDir()) / "counterpoint_test_XXXXXX";
    if (mkdtemp(pattern.data()) == nullptr) {
      throw std::filesystem::filesystem_error("no folder for a test", pattern,
                                              std::error_code(errno, std::generic_category()));
    }
    path_ = pattern;
  }
  OwnFolder(const OwnFolder&) = delete;
  OwnFolder& operator=(const OwnFolder&) = delete;
  ~OwnFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  const std::filesystem::path& path() const noexcept { return path_; }
  std::string file(std::string_view name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

}  // namespace counterpoint
