#include "counterpoint/checkpoint/checkpoint_manager.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "counterpoint/checkpoint/internal/folder.h"
#include "counterpoint/checkpoint/internal/session.h"

namespace counterpoint::inline v1 {

namespace internal = checkpoint_internal;

class CheckpointManager::State {
 public:
  State(std::shared_ptr<Communicator> communicator, const std::filesystem::path& folder,
        NamedObjects objects, CheckpointManagerOptions options)
      : session_(std::move(communicator), std::move(objects), options.files),
        options_(std::move(options)),
        folder_path_(folder) {
    const internal::Attempt attempt = internal::attempting([&] {
      check_options();
      if (session_.is_writer()) {
        folder_.emplace(session_.files(), folder.string(), options_.lock_timeout_seconds);
      }
    });
    internal::agree(session_.communicator(), "opening a folder for " + session_.names(), attempt);
  }

  SaveReport save(std::int64_t step) {
    internal::Session::check_context();
    const std::string call = fmt::format("save of {} as step {}", session_.names(), step);
    session_.begin_save(call);
    SaveReport report;
    const internal::Attempt attempt = internal::attempting([&] {
      if (step < 0) {
        throw Error(ErrorCode::invalid_argument, fmt::format("step {} is negative", step));
      }
      if (session_.is_writer()) {
        report = session_.write(session_.snapshot(), folder_->path_of(step));
        damaged_.erase(step);
        if (report.durability == Durability::durable) remove_old(step);
      }
    });
    return session_.conclude_save(call, attempt, std::move(report));
  }

  std::int64_t restore_latest(const RestoreOptions& options) {
    internal::Session::check_context();
    std::int64_t step = 0;
    std::vector<SkippedFile> skipped;
    last_restore_ = {};
    RestoreReport report = session_.restore("restore of the latest of " + session_.names(), options,
                                            [&] { return load_latest(options, skipped, step); });
    step = static_cast<std::int64_t>(internal::agree(session_.communicator(), "step of the latest",
                                                     {}, static_cast<std::uint64_t>(step)));
    report.skipped = shared(skipped);
    last_restore_ = std::move(report);
    return step;
  }

  const RestoreReport& last_restore() const { return last_restore_; }

  std::filesystem::path path_of(std::int64_t step) const {
    return folder_path_ / internal::file_name_of(step);
  }

 private:
  void check_options() const {
    if (options_.keep < 1) {
      throw Error(ErrorCode::invalid_argument,
                  fmt::format("keep is {}; at least 1 checkpoint must stay", options_.keep));
    }
    if (options_.keep_every < 0) {
      throw Error(ErrorCode::invalid_argument,
                  fmt::format("keep_every is {}; 0 or more", options_.keep_every));
    }
  }

  // A file that cannot be removed is no reason to fail a save; the next one tries again.
  void remove_old(std::int64_t saved) {
    int kept = 0;
    for (const std::int64_t step : folder_->steps()) {
      if (damaged_.contains(step)) continue;
      if (kept < options_.keep || step == saved) {
        ++kept;
      } else if (options_.keep_every == 0 || step % options_.keep_every != 0) {
        folder_->remove(step);
      }
    }
  }

  std::optional<internal::LoadedFile> load_latest(const RestoreOptions& options,
                                                  std::vector<SkippedFile>& skipped,
                                                  std::int64_t& found) {
    const std::vector<std::int64_t> steps = folder_->steps();
    for (const std::int64_t step : steps) {
      const std::string path = folder_->path_of(step);
      try {
        internal::LoadedFile file = session_.load(path, options);
        found = step;
        return file;
      } catch (const Error& error) {
        if (error.code() != ErrorCode::data_loss) throw;
        skipped.push_back({path, error.message()});
        damaged_.insert(step);
      }
    }
    if (steps.empty()) return std::nullopt;
    std::string message = fmt::format(
        "all {} checkpoints in {} are damaged; restore another folder, or remove them to start "
        "over",
        steps.size(), folder_path_.string());
    for (const SkippedFile& file : skipped) message += "; " + file.reason;
    throw Error(ErrorCode::data_loss, message);
  }

  // Rank 0's list on every rank.
  std::vector<SkippedFile> shared(const std::vector<SkippedFile>& skipped) {
    std::string text;
    for (const SkippedFile& file : skipped) {
      text += fmt::format("{}{}{}{}", file.path, '\0', file.reason, '\0');
    }
    internal::broadcast_text(session_.communicator(), text);
    std::vector<SkippedFile> all;
    for (std::size_t begin = 0; begin < text.size();) {
      const std::size_t middle = text.find('\0', begin);
      const std::size_t end = text.find('\0', middle + 1);
      all.push_back(
          {text.substr(begin, middle - begin), text.substr(middle + 1, end - middle - 1)});
      begin = end + 1;
    }
    return all;
  }

  internal::Session session_;
  CheckpointManagerOptions options_;
  std::filesystem::path folder_path_;
  std::optional<internal::Folder> folder_;  // rank 0's
  std::set<std::int64_t> damaged_;
  RestoreReport last_restore_;
};

CheckpointManager::CheckpointManager(std::shared_ptr<Communicator> communicator,
                                     const std::filesystem::path& folder, NamedObjects objects,
                                     CheckpointManagerOptions options)
    : state_(std::make_unique<State>(std::move(communicator), folder, std::move(objects),
                                     std::move(options))) {}
CheckpointManager::CheckpointManager(CheckpointManager&&) noexcept = default;
CheckpointManager& CheckpointManager::operator=(CheckpointManager&&) noexcept = default;
CheckpointManager::~CheckpointManager() = default;

SaveReport CheckpointManager::save(std::int64_t step) { return state_->save(step); }

std::int64_t CheckpointManager::restore_latest(const RestoreOptions& options) {
  return state_->restore_latest(options);
}

const RestoreReport& CheckpointManager::last_restore() const { return state_->last_restore(); }

std::filesystem::path CheckpointManager::path_of(std::int64_t step) const {
  return state_->path_of(step);
}

}  // namespace counterpoint::inline v1
