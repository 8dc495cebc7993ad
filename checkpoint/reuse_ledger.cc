#include "counterpoint/checkpoint/internal/reuse_ledger.h"

#include <memory>

#include "counterpoint/checkpoint/internal/agreement.h"
#include "counterpoint/runtime/internal/draw_ledger.h"

namespace counterpoint::inline v1::checkpoint_internal {

bool watches_reuse() { return DrawLedger::current() != nullptr; }

SavedObject gather_reuse_ledger(Communicator& communicator, const std::string& call) {
  const std::shared_ptr<DrawLedger> ledger = DrawLedger::current();
  std::vector<std::string> meetings;
  const std::vector<LedgerEntry> all = gather_ledgers(
      communicator, ledger == nullptr ? std::vector<LedgerEntry>{} : ledger->entries(), meetings);
  const Attempt attempt = attempting([&] {
    for (std::string& meeting : meetings) {
      if (ledger != nullptr) ledger->report(std::move(meeting));
    }
  });
  agree(communicator, call, attempt);
  return saved_ledger(all);
}

std::vector<LedgerEntry> read_reuse_ledger(const ImageReader& reader) {
  if (!watches_reuse()) return {};
  const std::optional<SavedObject> saved = reader.read(reuse_ledger_name);
  if (!saved || saved->type != "reuse_ledger") return {};
  return ledger_of(*saved);
}

void import_reuse_ledger(const std::vector<LedgerEntry>& drawn) {
  const std::shared_ptr<DrawLedger> ledger = DrawLedger::current();
  if (ledger != nullptr && !drawn.empty()) ledger->import(drawn);
}

}  // namespace counterpoint::inline v1::checkpoint_internal
