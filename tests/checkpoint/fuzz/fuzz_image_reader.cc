// libFuzzer target: any bytes behind a right header block, through the loader, and ledgers of draws as
// where reuse is watched for. The first byte says whether the header is made right, which a fuzzer could
// not do by itself.
#include <hdf5.h>

#include <cstdint>
#include <cstdlib>
#include <numeric>
#include <span>
#include <vector>

#include "counterpoint/checkpoint/internal/file_format.h"
#include "counterpoint/checkpoint/internal/image_reader.h"
#include "counterpoint/runtime/error.h"
#include "counterpoint/runtime/internal/draw_ledger.h"
#include "counterpoint/runtime/internal/ledger_tables.h"

namespace internal = counterpoint::checkpoint_internal;

namespace {

// Every byte that an object of the file refers to.
std::uint64_t touch(const counterpoint::SavedObject& object) {
  std::uint64_t sum = 0;
  for (const auto& [name, tensor] : object.values) {
    for (const std::byte byte : tensor.bytes()) sum += static_cast<std::uint64_t>(byte);
  }
  for (const auto& [name, member] : object.members) sum += touch(member);
  return sum;
}

// What a restore does where reuse is watched for, twice, and the next save: what that writes is read.
void import(const counterpoint::SavedObject& object) {
  if (object.type != "reuse_ledger") return;
  counterpoint::DrawLedger ledger({.max_ranges = 1000});
  for (int time = 0; time < 2; ++time) ledger.import(counterpoint::ledger_of(object));
  if (ledger.num_forgotten() == 0 && ledger.num_holders() > ledger.num_ranges()) std::abort();
  const counterpoint::SavedObject saved = counterpoint::saved_ledger(ledger.entries());
  try {
    if (counterpoint::ledger_of(saved).size() != ledger.num_ranges()) std::abort();
  } catch (const counterpoint::Error&) {
    std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const bool sealed = data[0] != 0;
  const auto bytes = std::as_bytes(std::span(data, size)).subspan(1);
  std::vector<std::byte> file(bytes.begin(), bytes.end());
  if (sealed && file.size() > internal::header_bytes) internal::seal(file);
  volatile std::uint64_t sum = 0;
  try {
    internal::check_sealed("fuzz", file);
    const internal::ImageReader reader("fuzz", file);
    for (const std::string& name : reader.names()) {
      try {
        const auto object = reader.read(name);
        if (!object) continue;
        sum = sum + touch(*object);
        import(*object);
      } catch (const counterpoint::Error&) {
      }
    }
  } catch (const counterpoint::Error&) {
  }
  if (H5Fget_obj_count(static_cast<hid_t>(H5F_OBJ_ALL), H5F_OBJ_ALL) != 0) std::abort();
  return 0;
}
