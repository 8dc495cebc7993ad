// Session's part that reads files and restores objects.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "counterpoint/checkpoint/internal/aliases.h"
#include "counterpoint/checkpoint/internal/file_format.h"
#include "counterpoint/checkpoint/internal/image_reader.h"
#include "counterpoint/checkpoint/internal/reuse_ledger.h"
#include "counterpoint/checkpoint/internal/session.h"
#include "counterpoint/checkpoint/internal/transfer.h"

namespace counterpoint::inline v1::checkpoint_internal {
namespace {

// What cannot be a checkpoint, whatever it holds: damaged, or no file.
bool is_damage(FileOperations& files, const std::string& path, const Error& error) {
  if (error.code() == ErrorCode::data_loss) return true;
  struct stat status {};
  return error.code() == ErrorCode::failed_precondition && files.status_of(path, status) == 0 &&
         !S_ISREG(status.st_mode);
}

// Paths of what the file holds of `object`'s members, and `object` has not.
void find_unused_members(const std::string& path, const Saveable& object, const SavedObject& saved,
                         std::vector<std::string>& unused) {
  const NamedObjects& members = object.members();
  if (members.empty()) return;  // it alone knows what it reads
  for (const auto& [name, saved_member] : saved.members) {
    const std::string member_path = path + "/" + name;
    const auto same = [&](const NamedObject& member) { return member.name == name; };
    const auto member = std::find_if(members.begin(), members.end(), same);
    if (member == members.end()) {
      unused.push_back(member_path);
    } else {
      find_unused_members(member_path, *member->object, saved_member, unused);
    }
  }
}

// "from 4 replicas, now 2", or of the first such member; empty where that is not known.
std::string derivation(const SavedObject& saved, const SavedObject& live) {
  const auto replicas_of = [](const SavedObject& object) {
    const auto found = object.attributes.find("replicas");
    const auto* const count =
        found == object.attributes.end() ? nullptr : std::get_if<std::int64_t>(&found->second);
    return count == nullptr ? -1 : *count;
  };
  const auto named = [](std::int64_t replicas) {
    return replicas == 0 ? "outside of a strategy"
                         : fmt::format("{} replica{}", replicas, replicas == 1 ? "" : "s");
  };
  const std::int64_t then = replicas_of(saved);
  const std::int64_t now = replicas_of(live);
  if (then >= 0 && now >= 0 && then != now) {
    return fmt::format("from {}, now {}", named(then),
                       then != 0 && now != 0 ? fmt::format("{}", now) : named(now));
  }
  for (const auto& [name, member] : saved.members) {
    const auto found = live.members.find(name);
    if (found == live.members.end()) continue;
    const std::string text = derivation(member, found->second);
    if (!text.empty()) return fmt::format("{} {}", name, text);
  }
  return "";
}

std::string derivation(const SavedObject& saved, const Saveable& object) {
  std::string text;
  (void)attempting([&] { text = derivation(saved, object.view()); });  // a word more, or none
  return text;
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

// What rank 0 looks for on its disk.
struct Session::Candidate {
  std::shared_ptr<FileOperations> files;
  NextFile next_file;
  std::uint64_t max_file_bytes;
  std::optional<Error> damage;  // of the file before
  std::optional<std::string> path;
  std::shared_ptr<ReadableFile> source;  // null: there is none

  void find() {
    while (source == nullptr) {
      path = next_file(damage ? &*damage : nullptr);
      if (!path) return;
      try {
        auto opened = open_shared(files, *path);
        opened->check_size(max_file_bytes);
        opened->check_header();  // before anybody makes room for it
        source = std::move(opened);
      } catch (const Error& error) {
        if (!is_damage(*files, *path, error)) throw;
        damage = error;
      }
    }
  }
};

void Session::decode(LoadedFile& file) const {
  const ImageReader reader(file.path, file.bytes->span());
  for (const NamedObject& object : objects_) file.objects.push_back(reader.read(object.name));
  file.drawn = read_reuse_ledger(reader);
  for (const std::string& name : reader.names()) {
    if (name == reuse_ledger_name) continue;
    const auto same = [&](const NamedObject& object) { return object.name == name; };
    if (std::none_of(objects_.begin(), objects_.end(), same)) file.unused.push_back(name);
  }
  for (std::size_t i = 0; i < objects_.size(); ++i) {
    if (!file.objects[i]) continue;
    find_unused_members(objects_[i].name, *objects_[i].object, *file.objects[i], file.unused);
  }
}

// The first file that is whole, on every rank; empty if there is none.
std::optional<LoadedFile> Session::load(const std::string& call, const std::string& place,
                                        const RestoreOptions& options, const NextFile& next_file) {
  std::optional<Error> damage;
  for (;;) {
    const auto candidate = std::make_shared<Candidate>(
        Candidate{files_, next_file, options.max_file_bytes, damage, {}, nullptr});
    const Attempt attempt =
        on_disk(*communicator_, patience(place, "try again"), [candidate] { candidate->find(); });
    const std::shared_ptr<ReadableFile>& source = candidate->source;
    const std::uint64_t size =
        agree(*communicator_, call, attempt, !attempt && source != nullptr ? source->size() : 0);
    if (size == 0) return std::nullopt;
    try {
      return receive(call, *candidate, size);
    } catch (const Error& error) {
      // The same on every rank: they go on to the next file together.
      if (error.code() != ErrorCode::data_loss) throw;
      damage = error;
    }
  }
}

// Rank 0's file on every rank, checked and decoded.
LoadedFile Session::receive(const std::string& call, Candidate& candidate, std::uint64_t size) {
  LoadedFile file{.path = candidate.path.value_or(""), .bytes = {}, .objects = {}, .unused = {}};
  std::vector<Digest> leaves;
  agree(*communicator_, "making room for a checkpoint", attempting([&] {
    file.bytes = std::make_shared<FileBytes>(FileBytes::allocate(size));
    leaves.resize(leaf_count(size - header_bytes));
  }));
  broadcast_text(*communicator_, file.path);
  receive_file(*communicator_, std::move(candidate.source), file.bytes, leaves,
               patience(file.path, "try again"));
  agree(*communicator_, call, attempting([&] {
    const std::span<const std::byte> bytes = file.bytes->span();
    const FileHeader header = check_header(file.path, bytes.first(header_bytes), bytes.size());
    check_digest(file.path, header, leaves);
    decode(file);
  }));
  return file;
}

RestoreReport Session::restore(const std::string& call, const std::string& place,
                               const std::source_location& location, const RestoreOptions& options,
                               const NextFile& next_file) {
  RestoreReport report;
  const Attempt begun = ask_all([&](Saveable& object) { object.begin_restore(location); });
  if (begun && begun->code() == ErrorCode::diverged) {
    // The objects' other ranks may be doing something else and never come here.
    communicator_->revoke(*begun);
    throw *begun;
  }
  agree_after_meeting(*communicator_, call, begun);
  const std::optional<LoadedFile> loaded = load(call, place, options, next_file);
  if (!loaded) return report;
  const LoadedFile& file = *loaded;
  std::vector<Prepared> prepared = prepare(file);
  if (options.allow_partial) refuse_together(prepared);
  const Attempt told = attempting([&] { report = report_of(file, prepared); });
  if (options.allow_partial) {
    agree(*communicator_, call, told);
  } else {
    require_all(call, file, prepared, told);
  }
  // Nothing below can fail: no rank is left with objects that others have not.
  for (const Prepared& object : prepared) {
    if (object.pending != nullptr) object.pending->commit();
  }
  import_reuse_ledger(file.drawn);
  return report;
}

RestoreReport Session::report_of(const LoadedFile& file,
                                 const std::vector<Prepared>& prepared) const {
  RestoreReport report;
  report.path = file.path;
  report.unused = file.unused;
  for (std::size_t i = 0; i < objects_.size(); ++i) {
    ObjectReport& object = report.objects.emplace_back();
    object.name = objects_[i].name;
    object.reason = prepared[i].reason;
    if (prepared[i].pending != nullptr &&
        prepared[i].pending->outcome() == RestoreOutcome::derived) {
      object.reason = derivation(*file.objects[i], *objects_[i].object);
    }
    object.result = prepared[i].absent               ? ObjectResult::absent
                    : prepared[i].pending == nullptr ? ObjectResult::refused
                    : prepared[i].pending->outcome() == RestoreOutcome::exact
                        ? ObjectResult::exact
                        : ObjectResult::derived;
  }
  return report;
}

std::vector<Session::Prepared> Session::prepare(const LoadedFile& file) const {
  std::vector<Prepared> prepared(objects_.size());
  Aliases aliases;
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
    const Attempt attempt = attempting([&] {
      Saveable& saveable = *objects_[i].object;
      const SavedObject& saved = *file.objects[i];
      object.pending = saveable.prepare(saved);
      if (object.pending == nullptr) {
        throw Error(ErrorCode::internal,
                    "has a prepare() that returned null; it returns or throws");
      }
      aliases.add(objects_[i].name, saveable, saved);
    });
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
                          const std::vector<Prepared>& prepared, const Attempt& told) {
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
  agree(*communicator_, call, failed ? failed : told);
}

// In a partial restore an object that one rank refuses is left alone on all of them.
void Session::refuse_together(std::vector<Prepared>& prepared) {
  Attempt failed;
  std::string refusals;  // index and reason, each ended by a zero byte
  for (std::size_t i = 0; i < prepared.size(); ++i) {
    if (!prepared[i].refusal || prepared[i].absent) continue;
    if (!is_refusal(*prepared[i].refusal)) failed = prepared[i].refusal;
    std::string reason = prepared[i].reason;  // of an object of the user's, perhaps
    std::ranges::replace(reason, '\0', '?');
    refusals += fmt::format("{} {}{}", i, reason, '\0');
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
