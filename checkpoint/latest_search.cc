#include "counterpoint/checkpoint/internal/latest_search.h"

#include <fmt/format.h>

#include "counterpoint/checkpoint/internal/agreement.h"

namespace counterpoint::inline v1::checkpoint_internal {
namespace {

std::string without_prefix(const std::string& text, const std::string& prefix) {
  return text.starts_with(prefix) ? text.substr(prefix.size()) : text;
}

}  // namespace

std::optional<std::string> LatestSearch::next(const Error* damage) {
  if (damage == nullptr) {
    steps_ = folder_->steps();
  } else {
    const std::string path = folder_->path_of(step_);
    skipped_.push_back({path, without_prefix(damage->message(), path + ": ")});
  }
  if (steps_.empty()) return std::nullopt;
  if (skipped_.size() < steps_.size()) {
    step_ = steps_[skipped_.size()];
    return folder_->path_of(step_);
  }
  std::string message = fmt::format(
      "none of the {} checkpoints in {} can be restored; look at the disk, or restore another "
      "folder",
      steps_.size(), folder_path_);
  for (const SkippedFile& file : skipped_) {
    message += fmt::format("; {}: {}", file.path, file.reason);
  }
  throw Error(ErrorCode::data_loss, message);
}

std::int64_t LatestSearch::share_step(Communicator& communicator) const {
  return static_cast<std::int64_t>(
      agree(communicator, "step of the latest", {}, static_cast<std::uint64_t>(step_)));
}

std::vector<SkippedFile> LatestSearch::share_skipped(Communicator& communicator) const {
  std::string text;
  for (const SkippedFile& file : skipped_) {
    text += fmt::format("{}{}{}{}", file.path, '\0', file.reason, '\0');
  }
  broadcast_text(communicator, text);
  std::vector<SkippedFile> all;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t middle = text.find('\0', begin);
    const std::size_t end = text.find('\0', middle + 1);
    all.push_back({text.substr(begin, middle - begin), text.substr(middle + 1, end - middle - 1)});
    begin = end + 1;
  }
  return all;
}

std::set<std::int64_t> LatestSearch::skipped_steps() const {
  return {steps_.begin(), steps_.begin() + static_cast<std::ptrdiff_t>(skipped_.size())};
}

}  // namespace counterpoint::inline v1::checkpoint_internal
