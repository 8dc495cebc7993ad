// Rank 0's way through its folder to the newest whole checkpoint, which every rank is then told.
//
//   const auto search = std::make_shared<LatestSearch>(folder, "run");
//   const auto next = [search](const Error* damage) { return search->next(damage); };
//   session.restore(call, "run", location, options, next);
//   report.skipped = search->share_skipped(communicator);
//
// A disk that never answers may keep it: it owns what it uses.
// Thread-safety: one thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "counterpoint/checkpoint/internal/folder.h"
#include "counterpoint/checkpoint/restore_report.h"
#include "counterpoint/runtime/communicator.h"
#include "counterpoint/runtime/error.h"

namespace counterpoint::inline v1::checkpoint_internal {

class LatestSearch {
 public:
  // `folder` is null on other ranks than 0.
  LatestSearch(std::shared_ptr<const Folder> folder, std::string folder_path)
      : folder_(std::move(folder)), folder_path_(std::move(folder_path)) {}

  // On rank 0: the file to try, newest first, after the one before turned out to have `damage`;
  // empty where there is none. Errors: data_loss where all are damaged; as Folder::steps().
  std::optional<std::string> next(const Error* damage);

  // Collective: the step of the file that next() gave last, 0 if it gave none.
  std::int64_t share_step(Communicator& communicator) const;
  // Collective: the damaged ones, newest first.
  std::vector<SkippedFile> share_skipped(Communicator& communicator) const;
  // Their steps, on rank 0.
  std::set<std::int64_t> skipped_steps() const;

 private:
  std::shared_ptr<const Folder> folder_;
  std::string folder_path_;
  std::vector<std::int64_t> steps_;  // newest first; the skipped ones are the first of them
  std::vector<SkippedFile> skipped_;
  std::int64_t step_ = 0;
};

}  // namespace counterpoint::inline v1::checkpoint_internal
