#include "counterpoint/runtime/internal/mpi_roll_call.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <type_traits>

#include "counterpoint/runtime/internal/backoff.h"
#include "counterpoint/runtime/internal/deadline.h"
#include "counterpoint/runtime/internal/mpi_session.h"

namespace counterpoint::inline v1 {
namespace {

constexpr int notice_tag = 1;  // the communicator has no other messages than these
// One probe may fetch what arrived without looking at it, and other messages can be in front.
constexpr int probes = 8;
static_assert(std::is_trivially_copyable_v<MpiNotice> && sizeof(MpiNotice) == 512);

}  // namespace

void MpiNotice::set_text(const std::string& message) {
  const std::size_t length = std::min(message.size(), text_bytes - 1);
  std::memcpy(text, message.data(), length);
  text[length] = '\0';
}

MpiRollCall::MpiRollCall(MPI_Comm comm, int rank, int size)
    : comm_(comm), rank_(rank), size_(size), calls_made_(size, -1) {}

void MpiRollCall::send(const MpiNotice& notice, std::int64_t calls_made) {
  calls_made_[rank_] = calls_made;
  // A rank that hangs never takes its copy, so the sends are not waited for.
  const auto sent = std::make_shared<MpiNotice>(notice);
  sent->sender = rank_;
  sent->calls_made = calls_made;
  MpiSession::get().keep_forever(sent);
  for (int i = 1; i < size_; ++i) {
    MPI_Request request = MPI_REQUEST_NULL;
    check_mpi(MPI_Isend(sent.get(), sizeof(MpiNotice), MPI_BYTE, (rank_ + i) % size_, notice_tag,
                        comm_, &request),
              "MPI_Isend");
    check_mpi(MPI_Request_free(&request), "MPI_Request_free");
  }
}

std::optional<MpiNotice> MpiRollCall::poll() {
  int found = 0;
  MPI_Status status;
  for (int tries = 0; found == 0 && tries < probes; ++tries) {
    check_mpi(MPI_Iprobe(MPI_ANY_SOURCE, notice_tag, comm_, &found, &status), "MPI_Iprobe");
  }
  if (found == 0) return std::nullopt;
  MpiNotice notice;
  check_mpi(MPI_Recv(&notice, sizeof notice, MPI_BYTE, status.MPI_SOURCE, notice_tag, comm_,
                     MPI_STATUS_IGNORE),
            "MPI_Recv");
  calls_made_[notice.sender] = notice.calls_made;
  return notice;
}

MpiRollCall::Answers MpiRollCall::collect(std::int64_t awaited_call, double grace_seconds) {
  Answers answers;
  const Deadline deadline(grace_seconds);
  Backoff backoff;
  const auto answered = [](std::int64_t calls_made) { return calls_made >= 0; };
  std::vector<bool> has_revoked(calls_made_.size());
  while (!std::ranges::all_of(calls_made_, answered) && !deadline.expired()) {
    const auto notice = poll();
    if (!notice) {
      backoff.pause();
    } else if (notice->kind == MpiNotice::Kind::revoked) {
      if (!answers.revoked) answers.revoked = notice;
      has_revoked[notice->sender] = true;
    }
  }
  for (int rank = 0; rank < size_; ++rank) {
    if (calls_made_[rank] < awaited_call && !has_revoked[rank])
      answers.missing.push_back({rank, calls_made_[rank]});
  }
  return answers;
}

std::vector<int> MpiRollCall::silent() const {
  std::vector<int> ranks;
  for (int rank = 0; rank < size_; ++rank) {
    if (rank == rank_ || calls_made_[rank] >= 0) continue;
    int found = 0;
    for (int tries = 0; found == 0 && tries < probes; ++tries) {
      check_mpi(MPI_Iprobe(rank, notice_tag, comm_, &found, MPI_STATUS_IGNORE), "MPI_Iprobe");
    }
    if (found == 0) ranks.push_back(rank);
  }
  return ranks;
}

}  // namespace counterpoint::inline v1
