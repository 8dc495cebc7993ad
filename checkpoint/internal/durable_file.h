// Replaces a file so that a reader, a kill or a loss of power meets the old one or the new one,
// whole.
//
//   std::string warning;
//   const Durability durability = write_durably(files, "run/a.h5", content, &warning);
//   if (durability == Durability::uncertain) tell(warning);
//
// Thread-safety: any; writers of the same path refuse each other, across processes too.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "counterpoint/checkpoint/file_operations.h"
#include "counterpoint/checkpoint/restore_report.h"

namespace counterpoint::inline v1::checkpoint_internal {

// Beside the target: ".<name>.tmp". What a killed writer left is replaced by the next one.
std::string temporary_path(const std::string& path);
bool is_temporary_name(const std::string& name);

// What is to be written behind the header block, which the writer makes.
class FileContent {
 public:
  virtual ~FileContent() = default;
  virtual std::uint64_t size() const = 0;  // with the header block
  // From several threads. Errors: those of the writer.
  virtual void read(std::uint64_t offset, std::span<std::byte> bytes) const = 0;
};

// Errors, with the old file still there: resource_exhausted (space, quota, size limit),
// failed_precondition (no folder, no permission, read-only), unavailable (the disk fails, another
// writer is at it). `uncertain` is no error: the new file is there, `warning` says what is not
// sure.
// What `before_commit` throws just before the rename is an error like these.
Durability write_durably(FileOperations& files, const std::string& path, const FileContent& content,
                         std::string* warning,
                         const std::function<void()>& before_commit = nullptr);

}  // namespace counterpoint::inline v1::checkpoint_internal
