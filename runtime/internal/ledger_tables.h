// A draw ledger as tables of numbers, which are how it lies in a checkpoint.
//
//   SavedObject saved = saved_ledger(ledger->entries());
//   ledger->import(ledger_of(saved));     // in the process that restores
//
// Thread-safety: values. Source: docs/format.md, for what the tables hold.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "counterpoint/kernels/export.h"
#include "counterpoint/runtime/internal/ledger_entry.h"
#include "counterpoint/runtime/saveable.h"

namespace counterpoint::inline v1 {

struct LedgerTables {
  std::vector<std::uint64_t> holders;
  std::vector<std::uint64_t> ranges;
  std::vector<std::uint64_t> calls;
  std::string texts;  // a line each
};

// Texts are cut after 4 KiB, and dropped beyond 1 MiB.
LedgerTables tables_of(const std::vector<LedgerEntry>& entries);
// What it takes, in memory and time, goes with the tables' size. Calls beyond kCallsOfRange of a range are
// dropped. Errors: data_loss for tables that are none: rows that are not there, ranges that overlap, calls
// outside of their range.
std::vector<LedgerEntry> entries_of(const LedgerTables& tables);

// The tables as an object of type "reuse_ledger".
COUNTERPOINT_PUBLIC SavedObject saved_ledger(const std::vector<LedgerEntry>& entries);
// Errors: as entries_of.
COUNTERPOINT_PUBLIC std::vector<LedgerEntry> ledger_of(const SavedObject& saved);

}  // namespace counterpoint::inline v1
