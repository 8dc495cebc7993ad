#include "counterpoint/checkpoint/checkpoint_manager.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <future>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "counterpoint/checkpoint/internal/file_format.h"
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
    take_folder();
  }

  // The caller waits, so that the state is written from where it lies.
  SaveReport save(std::int64_t step) {
    start(step, false);
    return wait();
  }

  void save_async(std::int64_t step) { start(step, true); }

  SaveReport wait() {
    internal::Session::check_context();
    if (pending_call_.empty()) return {};
    or_release([&] { await_disk(); });
    Outcome outcome;
    if (session_.is_writer()) outcome = writing_.get();
    state_.reset();
    return session_.conclude_save(std::exchange(pending_call_, ""), outcome.attempt,
                                  std::move(outcome.report));
  }

  std::int64_t restore_latest(const RestoreOptions& options) {
    wait();
    std::int64_t step = 0;
    std::vector<SkippedFile> skipped;
    last_restore_ = {};
    std::vector<std::int64_t> steps;
    RestoreReport report = session_.restore(
        "restore of the latest of " + session_.names(), options, [&](const Error* damage) {
          if (damage == nullptr) {
            steps = folder_->steps();
          } else {
            skipped.push_back({folder_->path_of(step), damage->message()});
            damaged_.insert(step);
          }
          return next_of(steps, skipped, step);
        });
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
  // Ranks meet again and again meanwhile, as in await_disk().
  void take_folder() {
    enum : std::uint64_t { not_yet, taken, given_up };
    const std::string call = "opening a folder for " + session_.names();
    const auto start = std::chrono::steady_clock::now();
    const double slice = std::min(
        {1.0, session_.communicator().timeout_seconds() / 4, options_.lock_timeout_seconds});
    for (std::uint64_t state = not_yet; state != taken;) {
      const internal::Attempt attempt = internal::attempting([&] {
        check_options();
        if (!session_.is_writer()) return;
        if (!folder_) folder_.emplace(session_.files(), folder_path_.string());
        const bool ours = folder_->take(slice);
        const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
        state = ours                                               ? taken
                : elapsed.count() >= options_.lock_timeout_seconds ? given_up
                                                                   : not_yet;
      });
      state = internal::agree(session_.communicator(), call, attempt, state);
      if (state == given_up) {
        throw Error(ErrorCode::unavailable,
                    fmt::format("{}: another job has this folder of checkpoints (it waited {} s "
                                "for it to end); give each job a folder of its own",
                                folder_path_.string(), options_.lock_timeout_seconds));
      }
    }
  }

  // How a save ended on rank 0.
  struct Outcome {
    internal::Attempt attempt;
    SaveReport report;
  };

  void start(std::int64_t step, bool copy) {
    internal::Session::check_context();
    wait();
    const std::string call = fmt::format("save of {} as step {}", session_.names(), step);
    session_.begin_save(call);
    const internal::Attempt attempt = internal::attempting([&] {
      if (step < 0) {
        throw Error(ErrorCode::invalid_argument, fmt::format("step {} is negative", step));
      }
      if (!session_.is_writer()) return;
      state_.emplace(session_.view());
      if (copy) state_->detach(copies_);
      writing_ = std::async(std::launch::async, [this, step] { return write(step); });
    });
    or_release([&] { internal::agree(session_.communicator(), call, attempt); });
    pending_call_ = call;
  }

  // The caller's objects go on after an error, whatever the writing thread still has to read of them.
  template <class Function>
  void or_release(Function function) {
    try {
      function();
    } catch (...) {
      if (state_) state_->release(copies_);
      throw;
    }
  }

  // On the writing thread: until it is done, nobody else touches what is used here.
  Outcome write(std::int64_t step) {
    Outcome outcome;
    outcome.attempt = internal::attempting([&] {
      folder_->require_ours();
      outcome.report = session_.write(*state_, folder_->path_of(step));
      damaged_.erase(step);
      if (outcome.report.durability != Durability::durable) return;
      // The checkpoint is there, whatever becomes of the others.
      const internal::Attempt tidied = internal::attempting([&] { remove_old(step); });
      if (tidied) {
        outcome.report.warning =
            fmt::format("saved, but older checkpoints were not removed: {}", tidied->message());
      }
    });
    return outcome;
  }

  // Returns when the writing thread is done. Ranks meet again and again meanwhile, so that a slow
  // disk is not taken for a dead rank.
  void await_disk() {
    enum : std::uint64_t { not_yet, done, given_up };
    const auto start = std::chrono::steady_clock::now();
    const std::chrono::duration<double> slice(std::min(
        {1.0, session_.communicator().timeout_seconds() / 4, options_.write_timeout_seconds}));
    for (std::uint64_t state = not_yet; state != done;) {
      if (session_.is_writer()) {
        const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
        const bool ready = writing_.wait_for(slice) == std::future_status::ready;
        state = ready                                              ? done
                : elapsed.count() > options_.write_timeout_seconds ? given_up
                                                                   : not_yet;
      }
      state = internal::agree(session_.communicator(), "waiting for the disk", {}, state);
      if (state == given_up) {
        throw Error(
            ErrorCode::deadline_exceeded,
            fmt::format("{}: the disk is not done after {} s; look at it, then wait() again",
                        folder_path_.string(), options_.write_timeout_seconds));
      }
    }
  }

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
        if (step == saved || is_checkpoint(step)) ++kept;
      } else if (options_.keep_every == 0 || step % options_.keep_every != 0) {
        folder_->remove(step);
      }
    }
  }

  // As far as its header tells: what was damaged or put there by others is not one of those to keep.
  bool is_checkpoint(std::int64_t step) {
    return !internal::attempting([&] {
      const std::string path = folder_->path_of(step);
      internal::ReadableFile file(session_.files(), path);
      std::array<std::byte, internal::header_bytes> header;
      const auto start =
          std::span(header).first(std::min<std::uint64_t>(header.size(), file.size()));
      file.read(start, 0);
      internal::check_header(path, start, file.size());
    });
  }

  // The file to try after those that were skipped.
  std::optional<std::string> next_of(const std::vector<std::int64_t>& steps,
                                     const std::vector<SkippedFile>& skipped, std::int64_t& step) {
    if (steps.empty()) return std::nullopt;
    if (skipped.size() < steps.size()) {
      step = steps[skipped.size()];
      return folder_->path_of(step);
    }
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
  internal::FileBytes copies_;  // of the state, for save_async; kept for the next one
  std::optional<internal::SavedState> state_;  // of the save under way, on rank 0
  std::string pending_call_;      // of the save under way, the same on every rank; empty if none
  std::future<Outcome> writing_;  // rank 0's; the last member: its destructor waits
};

CheckpointManager::CheckpointManager(std::shared_ptr<Communicator> communicator,
                                     const std::filesystem::path& folder, NamedObjects objects,
                                     CheckpointManagerOptions options)
    : state_(std::make_unique<State>(std::move(communicator), folder, std::move(objects),
                                     std::move(options))) {}
CheckpointManager::CheckpointManager(CheckpointManager&&) noexcept = default;
CheckpointManager& CheckpointManager::operator=(CheckpointManager&&) noexcept = default;
CheckpointManager::~CheckpointManager() = default;

SaveReport CheckpointManager::save(std::int64_t step) {
  return internal::with_memory_errors([&] { return state_->save(step); });
}
void CheckpointManager::save_async(std::int64_t step) {
  internal::with_memory_errors([&] { state_->save_async(step); });
}
SaveReport CheckpointManager::wait() {
  return internal::with_memory_errors([&] { return state_->wait(); });
}

std::int64_t CheckpointManager::restore_latest(const RestoreOptions& options) {
  return internal::with_memory_errors([&] { return state_->restore_latest(options); });
}

const RestoreReport& CheckpointManager::last_restore() const { return state_->last_restore(); }

std::filesystem::path CheckpointManager::path_of(std::int64_t step) const {
  return state_->path_of(step);
}

}  // namespace counterpoint::inline v1
