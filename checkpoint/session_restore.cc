// Session's part that reads files and restores objects.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <utility>

#include "counterpoint/checkpoint/internal/file_format.h"
#include "counterpoint/checkpoint/internal/image_reader.h"
#include "counterpoint/checkpoint/internal/reuse_ledger.h"
#include "counterpoint/checkpoint/internal/session.h"
#include "counterpoint/checkpoint/internal/transfer.h"

namespace counterpoint::inline v1::checkpoint_internal {
namespace {

// Refuses what is no checkpoint before anybody makes room for it.
void read_header(const std::string& path, ReadableFile& source) {
  std::array<std::byte, header_bytes> header;
  const auto start = std::span(header).first(std::min<std::uint64_t>(header.size(), source.size()));
  source.read(start, 0);
  check_header(path, start, source.size());
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

void Session::decode(LoadedFile& file) const {
  const ImageReader reader(file.path, file.bytes.span());
  for (const NamedObject& object : objects_) file.objects.push_back(reader.read(object.name));
  file.drawn = read_reuse_ledger(reader);
  for (const std::string& name : reader.names()) {
    if (name == reuse_ledger_name) continue;
    const auto same = [&](const NamedObject& object) { return object.name == name; };
    if (std::none_of(objects_.begin(), objects_.end(), same)) file.unused.push_back(name);
  }
}

// The first file that is whole, on every rank; empty if there is none.
std::optional<LoadedFile> Session::load(const std::string& call, const RestoreOptions& options,
                                        const NextFile& next_file) {
  std::optional<Error> damage;
  for (;;) {
    std::optional<std::string> path;
    std::optional<ReadableFile> source;
    const Attempt attempt = attempting([&] {
      while (is_writer() && !source) {
        path = next_file(damage ? &*damage : nullptr);
        if (!path) return;
        try {
          source.emplace(*files_, *path);
          source->check_size(options.max_file_bytes);
          read_header(*path, *source);
        } catch (const Error& error) {
          if (error.code() != ErrorCode::data_loss) throw;
          damage = error;
          source.reset();
        }
      }
    });
    const std::uint64_t size = agree(*communicator_, call, attempt, source ? source->size() : 0);
    if (size == 0) return std::nullopt;
    try {
      return receive(call, path.value_or(""), source ? &*source : nullptr, size);
    } catch (const Error& error) {
      // The same on every rank: they go on to the next file together.
      if (error.code() != ErrorCode::data_loss) throw;
      damage = error;
    }
  }
}

// Rank 0's file on every rank, checked and decoded.
LoadedFile Session::receive(const std::string& call, std::string path, ReadableFile* source,
                            std::uint64_t size) {
  LoadedFile file{.path = std::move(path), .bytes = {}, .objects = {}, .unused = {}};
  std::vector<Digest> leaves;
  agree(*communicator_, "making room for a checkpoint", attempting([&] {
    file.bytes = FileBytes::allocate(size);
    leaves.resize(leaf_count(size - header_bytes));
  }));
  broadcast_text(*communicator_, file.path);
  const Attempt failed = receive_file(*communicator_, source, file.bytes, leaves);
  agree(*communicator_, call, failed ? failed : attempting([&] {
    const FileHeader header =
        check_header(file.path, file.bytes.span().first(header_bytes), file.bytes.size());
    check_digest(file.path, header, leaves);
    decode(file);
  }));
  return file;
}

RestoreReport Session::restore(const std::string& call, const RestoreOptions& options,
                               const NextFile& next_file) {
  RestoreReport report;
  const Attempt begun = ask_all(&Saveable::begin_restore);
  if (begun && begun->code() == ErrorCode::diverged) {
    // The objects' other ranks may be doing something else and never come here.
    communicator_->revoke(*begun);
    throw *begun;
  }
  agree(*communicator_, call, begun);
  const std::optional<LoadedFile> loaded = load(call, options, next_file);
  if (!loaded) return report;
  const LoadedFile& file = *loaded;
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
