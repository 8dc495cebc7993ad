// The ranks' draw ledgers as one, and what is wrong between them.
//
//   std::vector<std::string> meetings;
//   const std::vector<LedgerEntry> all = gather_ledgers(*communicator, ledger->entries(), meetings);
//   for (std::string& meeting : meetings) ledger->report(std::move(meeting));
//
// Thread-safety: as the communicator; collective.
#pragma once

#include <string>
#include <vector>

#include "counterpoint/kernels/export.h"
#include "counterpoint/runtime/communicator.h"
#include "counterpoint/runtime/internal/ledger_entry.h"

namespace counterpoint::inline v1 {

// Every rank's entries, each range once; the same on every rank. Appends to `meetings` what is wrong: each
// replica's stream of one rank that meets what another rank drew, the same on every rank.
COUNTERPOINT_PUBLIC std::vector<LedgerEntry> gather_ledgers(Communicator& communicator,
                                                            const std::vector<LedgerEntry>& own,
                                                            std::vector<std::string>& meetings);

}  // namespace counterpoint::inline v1
