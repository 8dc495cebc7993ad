#include "counterpoint/runtime/internal/mpi_operation.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "counterpoint/runtime/internal/mpi_session.h"
#include "counterpoint/runtime/internal/reduce_elements.h"

namespace counterpoint::inline v1 {
namespace {

// Below it, all_reduce gathers: one round trip instead of two. Bytes of one rank.
constexpr std::size_t gather_limit_bytes = 16 * 1024;
// Staging of one operation, about: small enough for the cache, large enough for the bandwidth.
constexpr std::size_t segment_bytes = 1024 * 1024;
// MPI counts in int.
constexpr std::size_t in_place_bytes = std::size_t{1} << 30;
// Of two ranks each folds all: gathering the other's values moves as much as sharing the work would,
// in one exchange, and copies less.
constexpr int share_limit_ranks = 2;
constexpr std::size_t least_segment_bytes = 16 * 1024;

// Above it, integers are reduced by MPI, along a tree: gathering them would take every rank's bytes to
// every rank, which for the strategy's 64 is a megabyte on 16,384 ranks.
constexpr int gather_limit_ranks = 16;

// Whether every order of adding gives the same bits.
bool order_is_free(const CollectiveCall& call) {
  return call.kind == CollectiveKind::all_reduce && !is_floating(call.dtype) &&
         call.reduce != Reduce::mean;
}

MPI_Datatype mpi_type(DType dtype, Reduce reduce) {
  const bool is_wide = dtype_size(dtype) == 8;
  // Sums wrap: as unsigned, signed ones give the same bits.
  const bool is_signed = (dtype == DType::i32 || dtype == DType::i64) && reduce != Reduce::sum;
  if (is_signed) return is_wide ? MPI_INT64_T : MPI_INT32_T;
  return is_wide ? MPI_UINT64_T : MPI_UINT32_T;
}

MPI_Op mpi_op(Reduce reduce) {
  return reduce == Reduce::min ? MPI_MIN : reduce == Reduce::max ? MPI_MAX : MPI_SUM;
}

constexpr std::int64_t divide_up(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

}  // namespace

StagingPool::Staging StagingPool::take(std::size_t bytes) {
  if (spare_.capacity >= bytes) return std::exchange(spare_, {});
  return {std::make_unique_for_overwrite<std::byte[]>(bytes), bytes};
}

void StagingPool::give_back(Staging staging) noexcept {
  if (staging.capacity > spare_.capacity) spare_ = std::move(staging);
}

MpiOperation::MpiOperation(MpiLane& lane, const CollectiveCall& call, std::int64_t number,
                           const void* values, void* out, std::shared_ptr<const void> owner)
    : lane_(lane),
      call_(call),
      number_(number),
      values_(static_cast<const std::byte*>(values)),
      out_(static_cast<std::byte*>(out)),
      owner_(std::move(owner)),
      in_place_(owner_ != nullptr ? out_ : nullptr) {
  plan();
  copy_in();
}

// Depends on nothing but the call and the number of ranks, so that all ranks plan alike.
void MpiOperation::plan() {
  const auto ranks = static_cast<std::size_t>(lane_.size);
  const std::size_t gathered_bytes =
      std::max(segment_bytes / ranks, least_segment_bytes) / element_bytes() * element_bytes();
  std::size_t limit_bytes = segment_bytes;
  std::size_t rows_of_a_segment = 0;
  switch (call_.kind) {
    case CollectiveKind::all_reduce:
      if (order_is_free(call_) && lane_.size > gather_limit_ranks) {
        mpi_reduces_ = true;
        rows_of_a_segment = 1;
        break;
      }
      shared_fold_ = lane_.size > share_limit_ranks && call_.bytes() > gather_limit_bytes;
      gathers_ = !shared_fold_;
      if (gathers_) limit_bytes = std::max(gathered_bytes, gather_limit_bytes);
      rows_of_a_segment = ranks;
      break;
    case CollectiveKind::all_gather:
    case CollectiveKind::exclusive_scan:
      gathers_ = true;
      limit_bytes = gathered_bytes;
      rows_of_a_segment = ranks;
      break;
    case CollectiveKind::broadcast:
      if (in_place_ != nullptr) limit_bytes = in_place_bytes;
      break;
    case CollectiveKind::barrier:
    case CollectiveKind::duplicate:
      break;
  }
  segment_ = std::min(call_.count, static_cast<std::int64_t>(limit_bytes / element_bytes()));
  if (in_place_ != nullptr) return;
  const std::size_t share = piece_bytes();
  const std::size_t send_bytes = gathers_ ? 0 : shared_fold_ ? share * ranks : share;
  rows_offset_ = (send_bytes + 63) / 64 * 64;
  const std::size_t wanted = rows_offset_ + share * rows_of_a_segment;
  if (wanted > 0) staging_ = lane_.pool.take(wanted);
}

std::int64_t MpiOperation::segment_length() const {
  return std::min(segment_, call_.count - first_element_);
}

std::byte* MpiOperation::send() const {
  if (in_place_ != nullptr) {
    return in_place_ + static_cast<std::size_t>(first_element_) * element_bytes();
  }
  std::byte* const first = staging_.bytes.get();
  return gathers_ ? first + static_cast<std::size_t>(lane_.rank) * piece_bytes() : first;
}

std::size_t MpiOperation::piece_bytes() const {
  const std::int64_t length =
      shared_fold_ ? divide_up(segment_length(), lane_.size) : segment_length();
  return static_cast<std::size_t>(length) * element_bytes();
}

void MpiOperation::copy_in() {
  if (orphaned_ || values_ == nullptr || !reads_input() || in_place_ != nullptr) return;
  const std::size_t bytes = static_cast<std::size_t>(segment_length()) * element_bytes();
  std::memcpy(send(), values_ + static_cast<std::size_t>(first_element_) * element_bytes(), bytes);
  if (shared_fold_) {  // the last shares may be shorter
    std::memset(send() + bytes, 0, piece_bytes() * static_cast<std::size_t>(lane_.size) - bytes);
  }
}

void MpiOperation::issue_move() {
  const int bytes = static_cast<int>(piece_bytes());
  switch (call_.kind) {
    case CollectiveKind::all_reduce:
      if (mpi_reduces_) {
        return check_mpi(MPI_Iallreduce(send(), rows(), static_cast<int>(segment_length()),
                                        mpi_type(call_.dtype, call_.reduce), mpi_op(call_.reduce),
                                        lane_.comm, &request_),
                         "MPI_Iallreduce");
      }
      if (shared_fold_) {
        return check_mpi(
            MPI_Ialltoall(send(), bytes, MPI_BYTE, rows(), bytes, MPI_BYTE, lane_.comm, &request_),
            "MPI_Ialltoall");
      }
      [[fallthrough]];
    case CollectiveKind::all_gather:
    case CollectiveKind::exclusive_scan:
      return check_mpi(MPI_Iallgather(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, rows(), bytes, MPI_BYTE,
                                      lane_.comm, &request_),
                       "MPI_Iallgather");
    case CollectiveKind::broadcast:
      return check_mpi(MPI_Ibcast(send(), bytes, MPI_BYTE, call_.root, lane_.comm, &request_),
                       "MPI_Ibcast");
    case CollectiveKind::barrier:
      return check_mpi(MPI_Ibarrier(lane_.comm, &request_), "MPI_Ibarrier");
    case CollectiveKind::duplicate:
      return check_mpi(MPI_Comm_idup(lane_.comm, &duplicate_, &request_), "MPI_Comm_idup");
  }
}

void MpiOperation::issue_share() {
  const std::size_t bytes = piece_bytes();
  // Where all shares are gathered.
  std::byte* const own = send() + static_cast<std::size_t>(lane_.rank) * bytes;
  reduce_rows(call_.dtype, call_.reduce, rows(), bytes, lane_.size,
              static_cast<std::int64_t>(bytes / element_bytes()), own);
  check_mpi(MPI_Iallgather(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, send(), static_cast<int>(bytes),
                           MPI_BYTE, lane_.comm, &request_),
            "MPI_Iallgather");
}

void MpiOperation::copy_out() {
  const std::int64_t length = segment_length();
  if (orphaned_ || length <= 0 || in_place_ != nullptr) return;
  const std::size_t bytes = static_cast<std::size_t>(length) * element_bytes();
  const std::size_t offset = static_cast<std::size_t>(first_element_) * element_bytes();
  switch (call_.kind) {
    case CollectiveKind::all_reduce:
      if (mpi_reduces_) {
        std::memcpy(out_ + offset, rows(), bytes);
      } else if (shared_fold_) {
        std::memcpy(out_ + offset, send(), bytes);
      } else {
        reduce_rows(call_.dtype, call_.reduce, rows(), bytes, lane_.size, length, out_ + offset);
      }
      return;
    case CollectiveKind::all_gather:
      for (int rank = 0; rank < lane_.size; ++rank) {
        const auto row = static_cast<std::size_t>(rank);
        std::memcpy(out_ + row * call_.bytes() + offset, rows() + row * bytes, bytes);
      }
      return;
    case CollectiveKind::exclusive_scan:
      if (lane_.rank > 0) {
        reduce_rows(call_.dtype, call_.reduce, rows(), bytes, lane_.rank, length, out_ + offset);
      } else if (call_.reduce == Reduce::sum) {
        std::memset(out_ + offset, 0, bytes);
      }
      return;
    case CollectiveKind::broadcast:
      if (!rank_is_root()) std::memcpy(out_ + offset, send(), bytes);
      return;
    case CollectiveKind::barrier:
    case CollectiveKind::duplicate:
      return;
  }
}

bool MpiOperation::request_done() {
  int done = 0;
  check_mpi(MPI_Test(&request_, &done, MPI_STATUS_IGNORE), "MPI_Test");
  return done != 0;
}

bool MpiOperation::advance() {
  bool moved = false;
  while (phase_ != Phase::done) {
    if (phase_ == Phase::ready) {
      issue_move();
      phase_ = Phase::moving;
    }
    if (!request_done()) return moved;
    moved = true;
    if (!in_last_phase()) {
      issue_share();
      phase_ = Phase::sharing;
      continue;
    }
    copy_out();
    if (last_segment()) {
      phase_ = Phase::done;
      lane_.pool.give_back(std::move(staging_));
    } else {
      first_element_ += segment_;
      phase_ = Phase::ready;
      copy_in();
    }
  }
  return moved;
}

}  // namespace counterpoint::inline v1
