#include "counterpoint/checkpoint/restore_report.h"

#include <fmt/format.h>

namespace counterpoint::inline v1 {

std::string_view object_result_name(ObjectResult result) {
  switch (result) {
    case ObjectResult::exact:
      return "exact";
    case ObjectResult::derived:
      return "derived";
    case ObjectResult::absent:
      return "absent";
    case ObjectResult::refused:
      return "refused";
  }
  return "unknown";
}

std::string RestoreReport::to_string() const {
  std::string text = path.empty() ? "nothing restored\n" : fmt::format("restored from {}\n", path);
  for (const ObjectReport& object : objects) {
    text += fmt::format("  {}: {}", object.name, object_result_name(object.result));
    text += object.reason.empty() ? "\n" : fmt::format(" ({})\n", object.reason);
  }
  for (const std::string& name : unused) text += fmt::format("  {}: unused in the file\n", name);
  for (const SkippedFile& file : skipped) {
    text += fmt::format("  skipped {}: {}\n", file.path, file.reason);
  }
  return text;
}

}  // namespace counterpoint::inline v1
