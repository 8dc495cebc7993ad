#include "counterpoint/checkpoint/checkpoint.h"

#include <utility>

#include "counterpoint/checkpoint/internal/session.h"

namespace counterpoint::inline v1 {

namespace internal = checkpoint_internal;

Checkpoint::Checkpoint(std::shared_ptr<Communicator> communicator, NamedObjects objects,
                       std::shared_ptr<FileOperations> files)
    : session_(std::make_unique<internal::Session>(std::move(communicator), std::move(objects),
                                                   std::move(files))) {}
Checkpoint::Checkpoint(Checkpoint&&) noexcept = default;
Checkpoint& Checkpoint::operator=(Checkpoint&&) noexcept = default;
Checkpoint::~Checkpoint() = default;

SaveReport Checkpoint::save(const std::filesystem::path& path) {
  return internal::with_memory_errors([&] {
    internal::Session::check_context();
    const std::string call = "save of " + session_->names();
    session_->begin_save(call);
    SaveReport report;
    const internal::Attempt attempt = internal::attempting([&] {
      if (!session_->is_writer()) return;
      const internal::SavedState state(session_->view());
      report = session_->write(state, path.string());
    });
    return session_->conclude_save(call, attempt, std::move(report));
  });
}

RestoreReport Checkpoint::restore(const std::filesystem::path& path,
                                  const RestoreOptions& options) {
  return internal::with_memory_errors([&] {
    internal::Session::check_context();
    const std::string call = "restore of " + session_->names();
    return session_->restore(call, options, [&](const Error* damage) {
      if (damage != nullptr) throw *damage;
      return std::optional(path.string());
    });
  });
}

}  // namespace counterpoint::inline v1
