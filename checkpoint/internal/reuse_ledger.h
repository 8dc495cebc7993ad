// What all ranks drew so far, in a checkpoint: saved and restored beside the user's objects while
// reuse is watched for (runtime/reuse_detector.h), so that what is drawn after a restore is
// compared with what was drawn before the save.
//
//   if (watched) ledger = gather_reuse_ledger(*communicator, call);  // saved as "reuse_ledger"
//   const auto drawn = read_reuse_ledger(reader);                    // empty where nobody watches
//   import_reuse_ledger(drawn);                                      // after the objects' commits
//
// Thread-safety: as Session.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "counterpoint/checkpoint/internal/image_reader.h"
#include "counterpoint/runtime/communicator.h"
#include "counterpoint/runtime/internal/ledger_gathering.h"
#include "counterpoint/runtime/internal/ledger_tables.h"
#include "counterpoint/runtime/saveable.h"

namespace counterpoint::inline v1::checkpoint_internal {

inline constexpr char reuse_ledger_name[] = "reuse_ledger";

// Whether this process watches for reuse.
bool watches_reuse();

// Collective. Errors, on every rank: failed_precondition where a replica's stream of one rank meets
// what another rank drew.
SavedObject gather_reuse_ledger(Communicator& communicator, const std::string& call);

// Errors: data_loss.
std::vector<LedgerEntry> read_reuse_ledger(const ImageReader& reader);
void import_reuse_ledger(const std::vector<LedgerEntry>& drawn);

}  // namespace counterpoint::inline v1::checkpoint_internal
