#include "counterpoint/checkpoint/internal/save_job.h"

#include <utility>

#include "counterpoint/checkpoint/internal/durable_file.h"

namespace counterpoint::inline v1::checkpoint_internal {
namespace {

// What is written of a state: read while it stays in its place.
class ImageOfState final : public FileContent {
 public:
  ImageOfState(const SavedState& state, ImageLayout& layout)
      : state_(state), image_(build(state, layout)) {}
  std::uint64_t size() const override { return image_.size(); }
  void read(std::uint64_t offset, std::span<std::byte> bytes) const override {
    const auto guard = state_.reading();
    image_.read(offset, bytes);
  }

 private:
  static FileImage build(const SavedState& state, ImageLayout& layout) {
    const auto guard = state.reading();
    return layout.image_of(state.root());
  }

  const SavedState& state_;
  FileImage image_;
};

}  // namespace

SaveJob::SaveJob(std::shared_ptr<FileOperations> file_operations,
                 std::shared_ptr<ImageLayout> kept_layout, SavedObject root, std::string target)
    : files(std::move(file_operations)),
      layout(std::move(kept_layout)),
      state(std::move(root)),
      path(std::move(target)) {}

void SaveJob::write(const std::function<void()>& before_commit) {
  const ImageOfState content(state, *layout);
  report = {.path = path, .bytes = content.size(), .durability = {}, .warning = {}};
  report.durability = write_durably(*files, path, content, &report.warning, [&] {
    if (before_commit) before_commit();
    // A disk that wakes late must not put an old state in the place of a newer one. The guard is
    // not held over the rename, for which abandon() would wait.
    const auto still_wanted = state.reading();
  });
}

}  // namespace counterpoint::inline v1::checkpoint_internal
