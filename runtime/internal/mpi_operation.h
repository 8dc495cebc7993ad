// Private: one collective call over MPI, as a state machine that moves one segment of the payload
// after the other through staging, or a broadcast in place.
//
//   MpiOperation operation(lane, call, 17, values, out);   // lane: communicator, rank, size, pool
//   while (!operation.done()) operation.advance();
//
// Reductions use MPI only to move bytes: a small payload, or any of two ranks, is gathered everywhere
// and folded by each rank; of a large one each rank folds its share (all-to-all) and the shares are
// gathered, which moves 2 (N - 1) / N of the payload. Either way each element is a left fold over the ranks. Only
// integers on many ranks, whose order of adding does not show, are reduced by MPI.
// Thread-safety: as MPI.
#pragma once

#include <mpi.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "counterpoint/runtime/internal/collective_call.h"

namespace counterpoint::inline v1 {

// Memory that MPI reads and writes, reused from call to call.
class StagingPool {
 public:
  struct Staging {
    std::unique_ptr<std::byte[]> bytes;
    std::size_t capacity = 0;
  };
  // Errors: std::bad_alloc.
  Staging take(std::size_t bytes);
  void give_back(Staging staging) noexcept;

 private:
  Staging spare_;
};

struct MpiLane {
  MPI_Comm comm = MPI_COMM_NULL;
  int rank = 0;
  int size = 1;
  StagingPool pool;
};

class MpiOperation {
 public:
  // Copies the first segment in. `values` and `out` are this rank's buffers, null where the call
  // has none. A broadcast with an `owner` keeps that and needs no staging. Errors: std::bad_alloc.
  MpiOperation(MpiLane& lane, const CollectiveCall& call, std::int64_t number, const void* values,
               void* out, std::shared_ptr<const void> owner);

  // As far as possible without waiting; true if it got any further. Errors: internal.
  bool advance();

  // MPI has been called for all of it, so that the next operation may call MPI.
  bool issued() const { return phase_ == Phase::done || (last_segment() && in_last_phase()); }
  bool done() const { return phase_ == Phase::done; }
  // MPI may still write to the staging or to what is moved in place.
  bool pending() const { return request_ != MPI_REQUEST_NULL; }
  // The caller's buffers are not needed as input any more.
  bool input_read() const { return last_segment() || !reads_input() || owner_ != nullptr; }
  // From now on the caller's buffers are gone.
  void orphan() {
    values_ = out_ = nullptr;
    orphaned_ = true;
  }

  const CollectiveCall& call() const { return call_; }
  std::int64_t number() const { return number_; }
  MPI_Comm duplicate() const { return duplicate_; }

 private:
  enum class Phase { ready, moving, sharing, done };

  bool shares_work() const { return shared_fold_; }
  bool last_segment() const { return first_element_ + segment_ >= call_.count; }
  bool in_last_phase() const { return phase_ == (shared_fold_ ? Phase::sharing : Phase::moving); }
  bool reads_input() const { return call_.kind != CollectiveKind::broadcast || rank_is_root(); }
  bool rank_is_root() const { return lane_.rank == call_.root; }
  std::size_t element_bytes() const { return dtype_size(call_.dtype); }
  std::int64_t segment_length() const;
  std::size_t piece_bytes() const;  // that one MPI call moves to or from one rank
  std::byte* send() const;          // this rank's row, where rows are gathered
  std::byte* rows() const { return staging_.bytes.get() + rows_offset_; }

  void plan();
  void copy_in();
  void copy_out();
  void issue_move();
  void issue_share();
  bool request_done();

  MpiLane& lane_;
  CollectiveCall call_;
  std::int64_t number_;
  const std::byte* values_;
  std::byte* out_;
  std::shared_ptr<const void> owner_;  // of what is moved in place, and lies here
  std::byte* in_place_ = nullptr;
  bool orphaned_ = false;
  bool shared_fold_ = false;        // large all_reduce: each rank folds its share
  bool gathers_ = false;            // every rank's segment on every rank
  bool mpi_reduces_ = false;        // integers on many ranks
  std::int64_t segment_ = 0;        // elements a segment, at most
  std::int64_t first_element_ = 0;  // of the current segment
  StagingPool::Staging staging_;
  std::size_t rows_offset_ = 0;
  Phase phase_ = Phase::ready;
  MPI_Request request_ = MPI_REQUEST_NULL;
  MPI_Comm duplicate_ = MPI_COMM_NULL;
};

}  // namespace counterpoint::inline v1
