#include "counterpoint/runtime/internal/collective_call.h"

#include <fmt/format.h>

namespace counterpoint::inline v1 {
namespace {

constexpr const char* kind_name(CollectiveKind kind) {
  constexpr const char* names[] = {"all_reduce",     "broadcast", "all_gather",
                                   "exclusive_scan", "barrier",   "duplicate"};
  return names[static_cast<std::size_t>(kind)];
}

constexpr const char* reduce_name(Reduce reduce) {
  constexpr const char* names[] = {"sum", "mean", "min", "max"};
  return names[static_cast<std::size_t>(reduce)];
}

[[noreturn]] void refuse(CollectiveKind kind, const std::string& what) {
  throw Error(ErrorCode::invalid_argument, fmt::format("{}: {}", kind_name(kind), what));
}

void check_buffer(CollectiveKind kind, const void* data, std::int64_t count, DType dtype,
                  Device device) {
  if (dtype > DType::u64) {
    refuse(kind, fmt::format("{} is no element type", static_cast<int>(dtype)));
  }
  if (!device.is_cpu()) {
    refuse(kind, "the data is on a GPU, this communicator moves CPU memory; copy it first");
  }
  constexpr auto most = std::int64_t{1} << 48;
  if (count < 0 || count > most) {
    refuse(kind, fmt::format("a count of {} is not between 0 and {}", count, most));
  }
  if (count > 0 && data == nullptr) refuse(kind, fmt::format("null data for {} elements", count));
}

void check_reduce(CollectiveKind kind, Reduce reduce) {
  if (reduce > Reduce::max) {
    refuse(kind, fmt::format("{} is no reduction", static_cast<int>(reduce)));
  }
}

}  // namespace

CollectiveCall all_reduce_call(const Buffer& values, Reduce reduce) {
  const auto kind = CollectiveKind::all_reduce;
  check_buffer(kind, values.data, values.count, values.dtype, values.device);
  check_reduce(kind, reduce);
  if (reduce == Reduce::mean && !is_floating(values.dtype)) {
    refuse(kind, fmt::format("the mean of {} is no {}; use sum", dtype_name(values.dtype),
                             dtype_name(values.dtype)));
  }
  return {kind, values.dtype, reduce, 0, values.count};
}

CollectiveCall broadcast_call(const Buffer& values, int root, int size) {
  const auto kind = CollectiveKind::broadcast;
  check_buffer(kind, values.data, values.count, values.dtype, values.device);
  if (root < 0 || root >= size) {
    refuse(kind, fmt::format("root {} is not a rank of 0 to {}", root, size - 1));
  }
  return {kind, values.dtype, Reduce::sum, root, values.count};
}

CollectiveCall all_gather_call(const ConstBuffer& values, const Buffer& gathered, int size) {
  const auto kind = CollectiveKind::all_gather;
  check_buffer(kind, values.data, values.count, values.dtype, values.device);
  check_buffer(kind, gathered.data, gathered.count, gathered.dtype, gathered.device);
  if (gathered.dtype != values.dtype) {
    refuse(kind, fmt::format("values are {}, gathered is {}", dtype_name(values.dtype),
                             dtype_name(gathered.dtype)));
  }
  if (gathered.count % size != 0 || gathered.count / size != values.count) {
    refuse(kind, fmt::format("{} values of each of {} ranks do not make the {} gathered ones",
                             values.count, size, gathered.count));
  }
  return {kind, values.dtype, Reduce::sum, 0, values.count};
}

CollectiveCall exclusive_scan_call(const Buffer& values, Reduce reduce) {
  const auto kind = CollectiveKind::exclusive_scan;
  check_buffer(kind, values.data, values.count, values.dtype, values.device);
  check_reduce(kind, reduce);
  if (reduce == Reduce::mean) refuse(kind, "there is no scan of means; use sum");
  return {kind, values.dtype, reduce, 0, values.count};
}

std::string to_string(const CollectiveCall& call) {
  const char* const name = kind_name(call.kind);
  switch (call.kind) {
    case CollectiveKind::all_reduce:
    case CollectiveKind::exclusive_scan:
      return fmt::format("{} of {} {}, {}", name, call.count, dtype_name(call.dtype),
                         reduce_name(call.reduce));
    case CollectiveKind::broadcast:
      return fmt::format("{} of {} {} from rank {}", name, call.count, dtype_name(call.dtype),
                         call.root);
    case CollectiveKind::all_gather:
      return fmt::format("{} of {} {}", name, call.count, dtype_name(call.dtype));
    case CollectiveKind::barrier:
    case CollectiveKind::duplicate:
      break;
  }
  return name;
}

std::string describe_missing(const std::vector<MissingRank>& missing, double timeout_seconds) {
  if (missing.empty()) {
    return fmt::format("every rank arrived, but it was not done within {:g} s", timeout_seconds);
  }
  constexpr std::size_t most = 16;
  std::string ranks = missing.size() == 1 ? "rank " : "ranks ";
  for (std::size_t i = 0; i < missing.size() && i < most; ++i) {
    if (i > 0) ranks += i + 1 == missing.size() ? " and " : ", ";
    ranks += missing[i].calls_made < 0
                 ? fmt::format("{} (no answer)", missing[i].rank)
                 : fmt::format("{} (made {} calls)", missing[i].rank, missing[i].calls_made);
  }
  if (missing.size() > most) ranks += fmt::format(" and {} more", missing.size() - most);
  return fmt::format("{} did not arrive within {:g} s", ranks, timeout_seconds);
}

CommunicatorError::CommunicatorError(const std::string& call, std::int64_t number,
                                     const std::string& reason)
    : Error(ErrorCode::deadline_exceeded, fmt::format("call {}, {}: {}", number, call, reason)),
      reason_(reason) {}

CommunicatorError::~CommunicatorError() = default;

void require_owner(const std::shared_ptr<const void>& owner) {
  if (owner != nullptr) return;
  throw Error(ErrorCode::invalid_argument,
              "a broadcast in place of memory that nobody keeps; pass its owner");
}

void throw_unusable(const std::string& what_happened) {
  throw Error(ErrorCode::failed_precondition,
              fmt::format("this communicator is unusable since: {}", what_happened));
}

}  // namespace counterpoint::inline v1
