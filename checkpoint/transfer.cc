#include "counterpoint/checkpoint/internal/transfer.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <limits>
#include <optional>
#include <utility>

#include "counterpoint/checkpoint/internal/arrivals.h"
#include "counterpoint/checkpoint/internal/file_format.h"
#include "counterpoint/checkpoint/internal/leaf_hasher.h"
#include "counterpoint/runtime/internal/deadline.h"

namespace counterpoint::inline v1::checkpoint_internal {
namespace {

constexpr std::size_t leaves_per_message = 4;
constexpr std::size_t leaves_hashed_at_once = 64;  // in a fraction of a second

// A file on its way to this rank: what its threads share for as long as the last of them lives.
class Incoming {
 public:
  Incoming(std::shared_ptr<ReadableFile> source, std::shared_ptr<FileBytes> bytes,
           std::size_t leaves)
      : arrivals(leaves), digests(leaves), source_(std::move(source)), bytes_(std::move(bytes)) {}

  const std::shared_ptr<FileBytes>& bytes() { return bytes_; }

  // Bytes of leaves [begin, end) in the file; the first has the header block in front.
  LeafRange range_of(std::size_t begin, std::size_t end) const {
    const LeafRange body = leaf_range(bytes_->size() - header_bytes, begin, end);
    if (begin == 0) return {0, header_bytes + body.size};
    return {header_bytes + body.offset, body.size};
  }
  LeafHasher hasher_of(std::size_t begin, std::size_t end) {
    const LeafRange range = leaf_range(bytes_->size() - header_bytes, begin, end);
    return {bytes_->span().subspan(header_bytes + range.offset, range.size),
            std::span(digests).subspan(begin, end - begin)};
  }

  // Errors: the file's.
  void read() {
    read_on(1, [](std::size_t, std::size_t) {});
  }
  // For a rank that is alone. Errors: the file's; internal.
  void read_and_hash() {
    read_on(worker_count_for_leaves(digests.size()),
            [this](std::size_t begin, std::size_t end) { hasher_of(begin, end).finish(); });
  }

  Arrivals arrivals;
  std::vector<Digest> digests;

 private:
  template <class Use>
  void read_on(std::size_t workers, const Use& use) {
    try {
      for_each_pair_of_leaves(digests.size(), workers,
                              [&](std::size_t begin, std::size_t end, std::size_t) {
                                const LeafRange range = range_of(begin, end);
                                bytes_->populate_before(range.offset + range.size);
                                const auto bytes = bytes_->span().subspan(range.offset, range.size);
                                source_->read(bytes, range.offset);
                                arrivals.mark(begin, end);
                                use(begin, end);
                              });
    } catch (...) {
      arrivals.fail();
      source_.reset();
      throw;
    }
    source_.reset();
  }

  std::shared_ptr<ReadableFile> source_;
  std::shared_ptr<FileBytes> bytes_;
};

// What rank 0 says before each message, beside the number of leaves that are there.
enum : std::uint64_t {
  failed = std::numeric_limits<std::uint64_t>::max(),
  given_up = failed - 1,
};

// Rank 0 says how much there is, again and again while its disk is slow, and sends that. Each rank hashes
// every size()-th pair of leaves, a slice at a time where it would wait for the others: a thread that
// only polls takes half of a core from one that hashes.
class Exchange {
 public:
  Exchange(Communicator& communicator, Incoming& incoming, const Patience& patience)
      : communicator_(communicator),
        incoming_(incoming),
        patience_(patience),
        next_leaf_(2 * static_cast<std::size_t>(communicator.rank())) {}

  // Whether all leaves came. Errors: the communicator's; deadline_exceeded.
  bool send_all() {
    const std::size_t leaves = incoming_.digests.size();
    while (sent_ < leaves) {
      std::array<std::uint64_t, 1> there{communicator_.rank() == 0 ? look() : 0};
      finish(communicator_.start_broadcast(Buffer::of(std::span<std::uint64_t>(there)), 0));
      if (there[0] == failed) return false;
      if (there[0] == given_up) throw_out_of_patience(patience_);
      send_before(there[0]);
    }
    return true;
  }

  // What remains to be hashed, while all ranks meet now and then. Errors: the communicator's.
  void hash_the_rest() {
    if (incoming_.digests.size() <= leaves_hashed_at_once) {
      while (hash_slice()) continue;
      return;
    }
    for (std::array<std::uint64_t, 1> any{1}; any[0] != 0;) {
      const Deadline pause(meeting_seconds(communicator_, patience_));
      bool more = true;
      while (more && !pause.expired()) more = hash_slice();
      any[0] = more ? 1 : 0;
      communicator_.all_reduce(std::span<std::uint64_t>(any), Reduce::max);
    }
  }

  // What went wrong with hashing.
  const Attempt& failure() const { return failure_; }

 private:
  using Clock = std::chrono::steady_clock;

  std::uint64_t look() {
    const std::size_t wanted = std::min(sent_ + leaves_per_message, incoming_.digests.size());
    const double seconds = meeting_seconds(communicator_, patience_) / 2;
    const Deadline pause(seconds);
    while (incoming_.arrivals.count() < wanted && !pause.expired() && hash_slice()) continue;
    const std::size_t there = incoming_.arrivals.wait_before(wanted, pause.expired() ? 0 : seconds);
    if (incoming_.arrivals.failed()) return failed;
    if (there > sent_) last_progress_ = Clock::now();
    const std::chrono::duration<double> without = Clock::now() - last_progress_;
    return without.count() >= patience_.seconds ? std::uint64_t{given_up} : there;
  }

  // Each message is started before the one in front of it is through.
  void send_before(std::size_t end) {
    std::optional<Work> under_way;
    for (std::size_t started = sent_; started < end || under_way;) {
      std::optional<Work> next;
      const std::size_t arriving = started;
      if (started < end) {
        const std::size_t message_end = std::min(started + leaves_per_message, end);
        const LeafRange range = incoming_.range_of(started, message_end);
        incoming_.bytes()->populate_before(range.offset + range.size);
        const std::span<std::uint64_t> words = incoming_.bytes()->words(range.offset, range.size);
        next = communicator_.start_broadcast_in_place(Buffer::of(words), 0, incoming_.bytes());
        started = message_end;
      }
      if (under_way) {
        finish(std::move(*under_way));
        if (communicator_.rank() != 0) incoming_.arrivals.mark(sent_, arriving);
        sent_ = arriving;
      }
      under_way = std::move(next);
    }
  }

  void finish(Work work) {
    while (!work.test()) {
      if (!hash_slice()) return work.wait(communicator_.timeout_seconds());
    }
  }

  // False if there is nothing to hash now.
  bool hash_slice() {
    if (failure_) return false;
    if (hasher_.done()) {
      const std::size_t leaves = incoming_.digests.size();
      const std::size_t end = std::min(next_leaf_ + 2, leaves);
      if (next_leaf_ >= leaves || incoming_.arrivals.count() < end) return false;
      hasher_ = incoming_.hasher_of(next_leaf_, end);
      next_leaf_ += 2 * static_cast<std::size_t>(communicator_.size());
    }
    // The other ranks are to hear of it, not to wait.
    failure_ = attempting([&] { hasher_.step(); });
    return true;
  }

  Communicator& communicator_;
  Incoming& incoming_;
  const Patience& patience_;
  LeafHasher hasher_;
  std::size_t next_leaf_;  // for it, when it is done
  Attempt failure_;
  std::size_t sent_ = 0;
  Clock::time_point last_progress_ = Clock::now();
};

// Every rank's digests on every rank.
void gather_digests(Communicator& communicator, std::span<Digest> digests) {
  std::vector<std::uint64_t> words(digests.size() * sizeof(Digest) / sizeof(std::uint64_t));
  const std::span<std::byte> bytes = std::as_writable_bytes(std::span(words));
  std::copy_n(std::as_bytes(digests).begin(), bytes.size(), bytes.begin());
  communicator.all_reduce(std::span(words), Reduce::sum);  // zeros but for one rank's
  std::copy_n(bytes.begin(), bytes.size(), std::as_writable_bytes(digests).begin());
}

// What went wrong with the file, or on this rank.
Attempt receive_alone(Communicator& communicator, const std::shared_ptr<Incoming>& incoming,
                      const Patience& patience) {
  DiskTask reading;
  reading.start([incoming] { incoming->read_and_hash(); });
  return reading.wait(communicator, patience);
}

// A thread of rank 0 reads meanwhile.
Attempt receive_together(Communicator& communicator, const std::shared_ptr<Incoming>& incoming,
                         const Patience& patience) {
  DiskTask reading;
  if (communicator.rank() == 0 && !reading.start([incoming] { incoming->read(); })) {
    incoming->arrivals.fail();
  }
  Exchange exchange(communicator, *incoming, patience);
  const bool all_came = exchange.send_all();
  const Attempt failed_to_read = reading.wait(communicator, patience);
  if (all_came) exchange.hash_the_rest();
  return failed_to_read ? failed_to_read : exchange.failure();
}

}  // namespace

void receive_file(Communicator& communicator, std::shared_ptr<ReadableFile> source,
                  const std::shared_ptr<FileBytes>& bytes, std::vector<Digest>& leaves,
                  const Patience& patience) {
  const auto incoming = std::make_shared<Incoming>(std::move(source), bytes, leaves.size());
  const auto receive = communicator.size() == 1 ? receive_alone : receive_together;
  const Attempt attempt = receive(communicator, incoming, patience);
  agree(communicator, "receiving a checkpoint", attempt);
  if (communicator.size() > 1) gather_digests(communicator, incoming->digests);
  leaves = std::move(incoming->digests);
}

}  // namespace counterpoint::inline v1::checkpoint_internal
