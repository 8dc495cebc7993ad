#include "counterpoint/checkpoint/internal/session.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "counterpoint/checkpoint/internal/file_format.h"
#include "counterpoint/checkpoint/internal/image_reader.h"
#include "counterpoint/checkpoint/internal/image_writer.h"
#include "counterpoint/checkpoint/internal/lasting_path.h"
#include "counterpoint/checkpoint/internal/plain_values.h"
#include "counterpoint/checkpoint/internal/reuse_ledger.h"
#include "counterpoint/runtime/context.h"

namespace counterpoint::inline v1::checkpoint_internal {
namespace {

std::string check_names(const NamedObjects& objects) {
  std::set<std::string_view> seen;
  std::string names;
  for (const NamedObject& object : objects) {
    const std::string fault = fault_of_name(object.name);
    if (!fault.empty()) {
      throw Error(ErrorCode::invalid_argument,
                  fmt::format("an object's name ('{}') {}; name it as one component of a path",
                              object.name, fault));
    }
    if (object.name == reuse_ledger_name) {
      throw Error(ErrorCode::invalid_argument,
                  fmt::format("an object is named '{}', as what is saved where reuse is watched "
                              "for; give it another name",
                              reuse_ledger_name));
    }
    if (!seen.insert(object.name).second) {
      throw Error(ErrorCode::invalid_argument,
                  fmt::format("two objects are named '{}'; names must differ", object.name));
    }
    if (object.object == nullptr) {
      throw Error(ErrorCode::invalid_argument, fmt::format("object '{}' is null", object.name));
    }
    names += fmt::format("{}'{}'", names.empty() ? "" : ", ", object.name);
  }
  return names;
}

// The shortest of `seconds` and of how long the objects' ranks wait for each other.
double shortest_timeout(double seconds, const NamedObjects& objects) {
  for (const NamedObject& object : objects) {
    seconds = std::min(seconds, object.object->timeout_seconds().value_or(seconds));
    seconds = shortest_timeout(seconds, object.object->members());
  }
  return seconds;
}

// On a busy machine MPI alone takes a second to make a communicator.
constexpr double least_seconds_to_duplicate = 5;

// Whose ranks wait so long, here already.
std::shared_ptr<Communicator> duplicate(Communicator& communicator, const NamedObjects& objects) {
  const double seconds = communicator.timeout_seconds();
  const double shortest = shortest_timeout(seconds, objects);
  communicator.set_timeout_seconds(
      std::min(seconds, std::max(shortest, least_seconds_to_duplicate)));
  std::shared_ptr<Communicator> duplicate;
  const Attempt attempt = attempting([&] {
    duplicate = communicator.duplicate();
    duplicate->set_timeout_seconds(shortest);
  });
  communicator.set_timeout_seconds(seconds);
  if (attempt) throw *attempt;
  return duplicate;
}

// libhdf5 and libcrypto do not survive a lack of memory while they start: that is done now, by
// making a file of nothing in memory and reading it.
void start_libraries() {
  const FileImage image = build_image({.type = "checkpoint",
                                       .attributes = {{"stream_version", stream_version}},
                                       .values = {},
                                       .members = {}});
  FileBytes bytes = FileBytes::allocate(image.size());
  image.read(0, bytes.span());
  seal(bytes.span());
  const ImageReader reader("memory", bytes.span());
}

}  // namespace

Session::Session(std::shared_ptr<Communicator> communicator, NamedObjects objects,
                 std::shared_ptr<FileOperations> files, double disk_timeout_seconds)
    : objects_(std::move(objects)),
      disk_timeout_seconds_(disk_timeout_seconds),
      names_(check_names(objects_)) {
  if (communicator == nullptr) {
    throw Error(ErrorCode::invalid_argument,
                "no communicator; use Communicator::world() for a program of one rank");
  }
  if (files == nullptr) {
    files = std::shared_ptr<FileOperations>(&FileOperations::posix(), [](FileOperations*) {});
  }
  files_ = std::make_shared<WatchedFiles>(std::move(files));
  start_libraries();
  communicator_ = duplicate(*communicator, objects_);
}

void Session::check_context() {
  if (current_context().kind != ContextKind::replica) return;
  throw Error(
      ErrorCode::failed_precondition,
      fmt::format("checkpoints are saved and restored outside of a run, not by replica {}; "
                  "make the call outside of strategy.run, or after the ReplicaGuard has gone",
                  current_context().replica_id));
}

Attempt Session::ask_all(const std::function<void(Saveable&)>& question) {
  Attempt failed;
  for (const NamedObject& object : objects_) {
    // All of them, also after a failure: they may communicate, and every rank must come.
    Attempt attempt = attempting([&] { question(*object.object); });
    if (attempt && !failed) {
      failed.emplace(attempt->code(),
                     fmt::format("object '{}': {}", object.name, attempt->message()));
    }
  }
  return failed;
}

void Session::begin_save(const std::string& call, const std::source_location& location,
                         const ValueReader& reader) {
  const Attempt in_step =
      ask_all([&](Saveable& object) { object.ensure_in_step(location, reader); });
  const std::uint64_t watched =
      agree_after_meeting(*communicator_, call, in_step, watches_reuse() ? 1 : 0);
  compare_plain_values(call, reader);
  reuse_ledger_.reset();
  if (watched != 0) reuse_ledger_ = gather_reuse_ledger(*communicator_, call);
}

void Session::compare_plain_values(const std::string& call, const ValueReader& reader) {
  views_.clear();
  if (communicator_->size() == 1) return;
  std::optional<PlainValues> values;
  const Attempt attempt = attempting([&] {
    for (const NamedObject& object : objects_) views_.emplace(object.name, object.object->view());
    values.emplace(views_, reader);
  });
  agree(*communicator_, call, attempt);
  values->require_same(*communicator_);
  if (!is_writer()) views_.clear();
}

std::shared_ptr<SaveJob> Session::new_save(std::string path) {
  SavedObject root{
      .type = "checkpoint",
      .attributes = {{"format_version", format_version}, {"stream_version", stream_version}},
      .values = {},
      .members = {}};
  root.members = std::exchange(views_, {});
  for (const NamedObject& object : objects_) {
    if (!root.members.contains(object.name)) {
      root.members.emplace(object.name, object.object->view());
    }
  }
  if (reuse_ledger_) root.members.emplace(reuse_ledger_name, *reuse_ledger_);
  return std::make_shared<SaveJob>(files_, layout_, std::move(root),
                                   lasting_path(path, files_->behind()));
}

SaveReport Session::save(const std::string& path, const std::source_location& location) {
  check_context();
  const std::string call = "save of " + names_;
  begin_save(call, location);
  std::shared_ptr<SaveJob> job;
  const Attempt attempt = attempting([&] {
    if (!given_up_.expired()) {
      throw Error(
          ErrorCode::unavailable,
          fmt::format("{}: the save before was given up and the disk still has not answered "
                      "it; look at the disk, then save again",
                      path));
    }
    if (is_writer()) job = new_save(path);
  });
  agree(*communicator_, call, attempt);
  Attempt written;
  try {
    written = on_disk(*communicator_, patience(path, "save again"), [job] { job->write(); });
  } catch (...) {
    // The caller's objects go on, and may be saved again elsewhere: nothing more is read of them,
    // and no file replaced by what they were.
    if (job != nullptr) job->state.abandon();
    given_up_ = job;
    throw;
  }
  return conclude_save(call, written, job != nullptr ? std::move(job->report) : SaveReport{});
}

SaveReport Session::conclude_save(const std::string& call, const Attempt& attempt,
                                  SaveReport report) {
  report.bytes = agree(*communicator_, call, attempt, report.bytes);
  const bool durable = report.durability == Durability::durable;
  std::string texts =
      fmt::format("{}{}{}{}", report.path, '\0', durable ? 'd' : 'u', report.warning);
  broadcast_text(*communicator_, texts);
  const std::size_t end = texts.find('\0');
  report.path = texts.substr(0, end);
  report.warning = texts.substr(end + 2);
  report.durability = texts[end + 1] == 'd' ? Durability::durable : Durability::uncertain;
  return report;
}

}  // namespace counterpoint::inline v1::checkpoint_internal
