// The last calls of a rank's replicas, in a small text file for whoever looks into why a strategy
// stopped.
//
//   const LastCallsFile file = write_last_calls(folder, rank, "why it stopped", first_id, replicas);
//   if (!file.path.empty()) message += "; the last calls are in " + file.path;
//
// It is at most 64 KiB, and there as a whole or not at all; what goes wrong with it is told, not thrown.
// Thread-safety: as the replicas' logs, whose locks it takes.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "counterpoint/strategy/internal/local_replica.h"

namespace counterpoint::inline v1 {

// Where a strategy's last calls go, by its option or the environment; empty for nowhere.
std::string last_calls_folder(const std::optional<std::string>& option);

// Errors: invalid_argument unless `folder` is one, to which this process may write.
void check_last_calls_folder(const std::string& folder);

struct LastCallsFile {
  std::string path;     // empty if there is none
  std::string problem;  // why, unless none was asked for
};
LastCallsFile write_last_calls(const std::string& folder, int rank, const std::string& reason,
                               int first_replica_id, const std::vector<LocalReplica>& replicas,
                               const CallLog::NameOf& name_of = {});

}  // namespace counterpoint::inline v1
