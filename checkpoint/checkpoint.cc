#include "counterpoint/checkpoint/checkpoint.h"

#include <utility>

#include "counterpoint/checkpoint/internal/session.h"

namespace counterpoint::inline v1 {

namespace internal = checkpoint_internal;

namespace {

constexpr double disk_timeout_seconds = 1800;

}  // namespace

Checkpoint::Checkpoint(std::shared_ptr<Communicator> communicator, NamedObjects objects,
                       std::shared_ptr<FileOperations> files)
    : session_(std::make_unique<internal::Session>(std::move(communicator), std::move(objects),
                                                   std::move(files), disk_timeout_seconds)) {}
Checkpoint::Checkpoint(Checkpoint&&) noexcept = default;
Checkpoint& Checkpoint::operator=(Checkpoint&&) noexcept = default;
Checkpoint::~Checkpoint() = default;

internal::Session& Checkpoint::session() {
  if (session_ != nullptr) return *session_;
  throw Error(ErrorCode::failed_precondition,
              "this Checkpoint was moved from; use the one that it was moved to");
}

SaveReport Checkpoint::save(const std::filesystem::path& path, Location location) {
  return internal::with_memory_errors([&] { return session().save(path.string(), location); });
}

RestoreReport Checkpoint::restore(const std::filesystem::path& path, const RestoreOptions& options,
                                  Location location) {
  return internal::with_memory_errors([&] {
    internal::Session& session = this->session();
    internal::Session::check_context();
    const std::string call = "restore of " + session.names();
    const std::string name = path.string();
    return session.restore(call, name, location, options, [name](const Error* damage) {
      if (damage != nullptr) throw *damage;
      return std::optional(name);
    });
  });
}

}  // namespace counterpoint::inline v1
