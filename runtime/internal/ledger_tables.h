// A draw ledger as it travels: in a checkpoint, and between ranks.
//
//   const std::vector<LedgerEntry> all = gather_ledgers(*communicator, ledger->entries());
//   SavedObject saved = saved_ledger(all);
//   ledger->import(ledger_of(saved));     // in the process that restores
//
// Thread-safety: values; gather_ledgers is collective. docs/format.md says what the tables hold.
#pragma once

#include <vector>

#include "counterpoint/runtime/communicator.h"
#include "counterpoint/runtime/internal/draw_ledger.h"
#include "counterpoint/runtime/saveable.h"

namespace counterpoint::inline v1 {

// An object of type "reuse_ledger". Texts beyond 1 MiB are dropped.
COUNTERPOINT_PUBLIC SavedObject saved_ledger(const std::vector<LedgerEntry>& entries);
// Errors: data_loss for tables that are none.
COUNTERPOINT_PUBLIC std::vector<LedgerEntry> ledger_of(const SavedObject& saved);

// Every rank's entries, each range once; the same on every rank. Appends to `meetings` what is wrong: each
// replica's stream of one rank that meets what another rank drew, the same on every rank.
COUNTERPOINT_PUBLIC std::vector<LedgerEntry> gather_ledgers(Communicator& communicator,
                                                            const std::vector<LedgerEntry>& own,
                                                            std::vector<std::string>& meetings);

}  // namespace counterpoint::inline v1
