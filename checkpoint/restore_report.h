// What a save and a restore did, object by object.
//
//   const cp::RestoreReport report = checkpoint.restore("run/a.h5", {.allow_partial = true});
//   for (const cp::ObjectReport& object : report.objects) log(object.name, object.result);
//   log(report.to_string());
//
// Thread-safety: values. The same on every rank.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "counterpoint/kernels/export.h"

namespace counterpoint::inline v1 {

enum class ObjectResult : std::uint8_t {
  exact,    // goes on where it was saved
  derived,  // saved by another number of replicas; surviving replica ids go on exactly
  absent,   // not in the file; left as it was
  refused,  // in the file, but it does not fit the object; left as it was
};

// "exact", ...
COUNTERPOINT_PUBLIC std::string_view object_result_name(ObjectResult result);

struct ObjectReport {
  std::string name;
  ObjectResult result = ObjectResult::exact;
  // Why it is absent or was refused; of what is derived, "from 4 replicas, now 2".
  std::string reason;
};

// A newer file that restore_latest stepped past because it is damaged.
struct SkippedFile {
  std::string path;
  std::string reason;
};

struct COUNTERPOINT_PUBLIC RestoreReport {
  std::string path;                   // of the file restored; empty if there was none
  std::vector<ObjectReport> objects;  // in the order they were named
  std::vector<std::string> unused;    // objects of the file that nothing was restored from, and
                                      // members of those restored: "model/s"
  std::vector<SkippedFile> skipped;   // newest first

  // A line for each entry.
  std::string to_string() const;
};

struct RestoreOptions {
  // Restores what fits and reports the rest; without it, every object must be restored.
  bool allow_partial = false;
  // A larger file is refused unread.
  std::uint64_t max_file_bytes = std::uint64_t{1} << 40;
};

enum class Durability : std::uint8_t {
  durable,    // survives a loss of power
  uncertain,  // whole and visible, but the folder could not be synced: after a loss of power the
              // file that was there before may be back
};

struct SaveReport {
  std::string path;
  std::uint64_t bytes = 0;
  Durability durability = Durability::durable;
  std::string warning;  // why durability is uncertain, or older checkpoints were not removed
};

}  // namespace counterpoint::inline v1
