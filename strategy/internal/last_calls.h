// The last calls of a rank's replicas, in a small text file for whoever looks into why a strategy
// stopped.
//
//   const std::string path = write_last_calls(folder, rank, "why it stopped", first_id, replicas);
//
// It is at most 64 KiB, and there as a whole or not at all; what goes wrong with it is no error.
// Thread-safety: as the replicas' logs, whose locks it takes.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "counterpoint/strategy/internal/local_replica.h"

namespace counterpoint::inline v1 {

// Where a strategy's last calls go, by its option or the environment; empty for nowhere.
std::string last_calls_folder(const std::optional<std::string>& option);

// The file's path; empty if it could not be written.
std::string write_last_calls(const std::string& folder, int rank, const std::string& reason,
                             int first_replica_id, const std::vector<LocalReplica>& replicas);

}  // namespace counterpoint::inline v1
