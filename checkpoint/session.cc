#include "counterpoint/checkpoint/internal/session.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "counterpoint/checkpoint/internal/durable_file.h"
#include "counterpoint/checkpoint/internal/file_format.h"
#include "counterpoint/checkpoint/internal/image_reader.h"
#include "counterpoint/checkpoint/internal/image_writer.h"
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

// A lack of memory says nothing about the file: it fails a partial restore too.
bool is_refusal(const Error& error) {
  return error.code() != ErrorCode::resource_exhausted && error.code() != ErrorCode::internal;
}

}  // namespace

// What became of one object on this rank.
struct Session::Prepared {
  std::unique_ptr<PendingRestore> pending;
  Attempt refusal;
  bool absent = false;
  std::string reason;
};

Session::Session(std::shared_ptr<Communicator> communicator, NamedObjects objects,
                 std::shared_ptr<FileOperations> files)
    : objects_(std::move(objects)), files_(std::move(files)), names_(check_names(objects_)) {
  if (communicator == nullptr) {
    throw Error(ErrorCode::invalid_argument,
                "no communicator; use Communicator::world() for a program of one rank");
  }
  if (files_ == nullptr) {
    files_ = std::shared_ptr<FileOperations>(&FileOperations::posix(), [](FileOperations*) {});
  }
  communicator_ = communicator->duplicate();
  communicator_->set_timeout_seconds(communicator->timeout_seconds());
}

void Session::check_context() {
  if (current_context().kind != ContextKind::replica) return;
  throw Error(
      ErrorCode::failed_precondition,
      fmt::format("checkpoints are saved and restored outside of a run, not by replica {}; "
                  "make the call outside of strategy.run, or after the ReplicaGuard has gone",
                  current_context().replica_id));
}

Attempt Session::ask_all(void (Saveable::*question)()) {
  Attempt failed;
  for (const NamedObject& object : objects_) {
    // All of them, also after a failure: they may communicate, and every rank must come.
    Attempt attempt = attempting([&] { (object.object.get()->*question)(); });
    if (attempt && !failed) {
      failed.emplace(attempt->code(),
                     fmt::format("object '{}': {}", object.name, attempt->message()));
    }
  }
  return failed;
}

void Session::begin_save(const std::string& call) {
  const std::uint64_t watched =
      agree(*communicator_, call, ask_all(&Saveable::ensure_in_step), watches_reuse() ? 1 : 0);
  reuse_ledger_.reset();
  if (watched != 0) reuse_ledger_ = gather_reuse_ledger(*communicator_, call);
}

SavedObject Session::snapshot() const {
  SavedObject root{
      .type = "checkpoint",
      .attributes = {{"format_version", format_version}, {"stream_version", stream_version}},
      .values = {},
      .members = {}};
  for (const NamedObject& object : objects_) {
    root.members.emplace(object.name, object.object->save());
  }
  if (reuse_ledger_) root.members.emplace(reuse_ledger_name, *reuse_ledger_);
  return root;
}

SaveReport Session::write(const SavedObject& root, const std::string& path) {
  const FileBytes bytes = write_image(root);
  SaveReport report{.path = path, .bytes = bytes.size(), .durability = {}, .warning = {}};
  report.durability = write_durably(*files_, path, bytes.span(), &report.warning);
  return report;
}

SaveReport Session::conclude_save(const std::string& call, const Attempt& attempt,
                                  SaveReport report) {
  report.bytes = agree(*communicator_, call, attempt, report.bytes);
  std::string texts = fmt::format("{}{}{}", report.path, '\0', report.warning);
  broadcast_text(*communicator_, texts);
  const std::size_t end = texts.find('\0');
  report.path = texts.substr(0, end);
  report.warning = texts.substr(end + 1);
  report.durability = report.warning.empty() ? Durability::durable : Durability::uncertain;
  return report;
}

LoadedFile Session::decode(const std::string& path, FileBytes bytes) const {
  LoadedFile file{.path = path, .bytes = std::move(bytes), .objects = {}, .unused = {}};
  const ImageReader reader(path, file.bytes.span());
  for (const NamedObject& object : objects_) file.objects.push_back(reader.read(object.name));
  file.drawn = read_reuse_ledger(reader);
  for (const std::string& name : reader.names()) {
    if (name == reuse_ledger_name) continue;
    const auto same = [&](const NamedObject& object) { return object.name == name; };
    if (std::none_of(objects_.begin(), objects_.end(), same)) file.unused.push_back(name);
  }
  return file;
}

LoadedFile Session::load(const std::string& path, const RestoreOptions& options) {
  return decode(path, read_whole(*files_, path, options.max_file_bytes));
}

RestoreReport Session::restore(const std::string& call, const RestoreOptions& options,
                               const std::function<std::optional<LoadedFile>()>& load_file) {
  std::optional<LoadedFile> loaded;
  Attempt attempt = ask_all(&Saveable::begin_restore);
  if (!attempt && is_writer()) attempt = attempting([&] { loaded = load_file(); });
  const std::uint64_t size =
      agree(*communicator_, call, attempt, loaded ? loaded->bytes.size() : 0);
  RestoreReport report;
  if (size == 0) return report;

  LoadedFile file = loaded ? std::move(*loaded) : LoadedFile{};
  distribute(file, size);
  agree(*communicator_, call, attempting([&] {
    if (!is_writer()) file = decode(file.path, std::move(file.bytes));
  }));
  std::vector<Prepared> prepared = prepare(file);
  if (options.allow_partial) {
    refuse_together(prepared);
  } else {
    require_all(call, file, prepared);
  }

  // Nothing below can fail in a way that leaves some objects restored and others not.
  report.path = file.path;
  report.unused = file.unused;
  for (std::size_t i = 0; i < objects_.size(); ++i) {
    ObjectReport& object = report.objects.emplace_back();
    object.name = objects_[i].name;
    object.reason = prepared[i].reason;
    object.result = prepared[i].absent               ? ObjectResult::absent
                    : prepared[i].pending == nullptr ? ObjectResult::refused
                    : prepared[i].pending->outcome() == RestoreOutcome::exact
                        ? ObjectResult::exact
                        : ObjectResult::derived;
  }
  for (const Prepared& object : prepared) {
    if (object.pending != nullptr) object.pending->commit();
  }
  import_reuse_ledger(file.drawn);
  return report;
}

// Brings rank 0's bytes and path to all ranks.
void Session::distribute(LoadedFile& file, std::uint64_t size) {
  if (communicator_->size() == 1) return;
  agree(*communicator_, "making room for a checkpoint", attempting([&] {
    if (!is_writer()) file.bytes = FileBytes::allocate(size);
  }));
  broadcast_text(*communicator_, file.path);
  communicator_->broadcast(file.bytes.words());
}

std::vector<Session::Prepared> Session::prepare(const LoadedFile& file) const {
  std::vector<Prepared> prepared(objects_.size());
  for (std::size_t i = 0; i < objects_.size(); ++i) {
    Prepared& object = prepared[i];
    object.absent = !file.objects[i].has_value();
    if (object.absent) {
      object.refusal.emplace(
          ErrorCode::not_found,
          fmt::format("{}: no object '{}' in it; give the object the name that it "
                      "was saved under, or allow a partial restore",
                      file.path, objects_[i].name));
      object.reason = "not in the file";
      continue;
    }
    const Attempt attempt =
        attempting([&] { object.pending = objects_[i].object->prepare(*file.objects[i]); });
    if (attempt) {
      object.pending.reset();
      object.reason = attempt->message();
      object.refusal.emplace(attempt->code(), fmt::format("{}: object '{}' {}", file.path,
                                                          objects_[i].name, attempt->message()));
    }
  }
  return prepared;
}

void Session::require_all(const std::string& call, const LoadedFile& file,
                          const std::vector<Prepared>& prepared) {
  Attempt failed;
  for (const Prepared& object : prepared) {
    if (!object.refusal) continue;
    if (failed) {
      failed.emplace(failed->code(), failed->message() + "; " + object.refusal->message());
    } else {
      failed = object.refusal;
    }
  }
  if (failed && !file.unused.empty()) {
    failed.emplace(failed->code(), fmt::format("{}. Unused in the file: {}", failed->message(),
                                               fmt::join(file.unused, ", ")));
  }
  agree(*communicator_, call, failed);
}

// In a partial restore an object that one rank refuses is left alone on all of them.
void Session::refuse_together(std::vector<Prepared>& prepared) {
  Attempt failed;
  std::string refusals;  // index and reason, each ended by a zero byte
  for (std::size_t i = 0; i < prepared.size(); ++i) {
    if (!prepared[i].refusal || prepared[i].absent) continue;
    if (!is_refusal(*prepared[i].refusal)) failed = prepared[i].refusal;
    refusals += fmt::format("{} {}{}", i, prepared[i].reason, '\0');
  }
  agree(*communicator_, "partial restore", failed);
  for (std::string_view rest : gather_texts(*communicator_, refusals)) {
    while (!rest.empty()) {
      const std::string line(rest.substr(0, rest.find('\0')));
      rest.remove_prefix(line.size() + 1);
      Prepared& object = prepared[std::stoul(line)];
      object.pending.reset();
      if (object.reason.empty()) object.reason = line.substr(line.find(' ') + 1);
    }
  }
}

}  // namespace counterpoint::inline v1::checkpoint_internal
