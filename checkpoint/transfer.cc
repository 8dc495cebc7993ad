#include "counterpoint/checkpoint/internal/transfer.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <condition_variable>
#include <future>
#include <limits>
#include <mutex>
#include <new>
#include <system_error>
#include <utility>

#include "counterpoint/checkpoint/internal/file_format.h"
#include "counterpoint/runtime/internal/signals_blocked.h"

namespace counterpoint::inline v1::checkpoint_internal {
namespace {

constexpr std::size_t leaves_to_overlap = 8;
constexpr std::size_t leaves_per_message = 4;

// Which leaves are in memory. They may come in any order.
class Arrivals {
 public:
  explicit Arrivals(std::size_t leaves) : here_(leaves, false) {}

  void mark(std::size_t begin, std::size_t end) {
    change([&] {
      std::fill(here_.begin() + static_cast<std::ptrdiff_t>(begin),
                here_.begin() + static_cast<std::ptrdiff_t>(end), true);
      while (first_missing_ < here_.size() && here_[first_missing_]) ++first_missing_;
    });
  }
  // Nothing more comes, and nobody is to wait for it.
  void fail() {
    change([&] { failed_ = true; });
  }
  bool failed() {
    const std::scoped_lock lock(mutex_);
    return failed_;
  }
  // Whether all leaves before `end` are there.
  bool wait_before(std::size_t end) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return failed_ || first_missing_ >= end; });
    return first_missing_ >= end;
  }
  // How many of the first leaves are there, `end` or more unless `seconds` are over or it failed.
  std::size_t wait_before(std::size_t end, double seconds) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::duration<double>(seconds),
                      [&] { return failed_ || first_missing_ >= end; });
    return first_missing_;
  }

 private:
  template <class Change>
  void change(Change apply) {
    {
      const std::scoped_lock lock(mutex_);
      apply();
    }
    changed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<bool> here_;
  std::size_t first_missing_ = 0;
  bool failed_ = false;
};

// What the threads of a rank share, for as long as the last of them lives.
class Incoming {
 public:
  Incoming(int rank, int ranks, std::shared_ptr<ReadableFile> source,
           std::shared_ptr<FileBytes> bytes, std::size_t leaves)
      : arrivals(leaves),
        digests(leaves),
        rank_(static_cast<std::size_t>(rank)),
        ranks_(static_cast<std::size_t>(ranks)),
        source_(std::move(source)),
        bytes_(std::move(bytes)) {}

  FileBytes& bytes() { return *bytes_; }

  // Bytes of leaves [begin, end) in the file; the first has the header block in front.
  LeafRange range_of(std::size_t begin, std::size_t end) const {
    const LeafRange body = leaf_range(bytes_->size() - header_bytes, begin, end);
    if (begin == 0) return {0, header_bytes + body.size};
    return {header_bytes + body.offset, body.size};
  }

  // Rank 0 reads all leaves; each rank hashes its own when they are there. Errors: the file's.
  void read_and_hash() {
    try {
      const std::size_t workers = worker_count_for_leaves(digests.size());
      for_each_pair_of_leaves(
          digests.size(), workers,
          [&](std::size_t begin, std::size_t end, std::size_t) { read_and_hash(begin, end); });
    } catch (...) {
      arrivals.fail();
      source_.reset();
      throw;
    }
    source_.reset();
  }

  Arrivals arrivals;
  std::vector<Digest> digests;

 private:
  void read_and_hash(std::size_t begin, std::size_t end) {
    if (source_ != nullptr) {
      const LeafRange range = range_of(begin, end);
      source_->read(bytes_->span().subspan(range.offset, range.size), range.offset);
      arrivals.mark(begin, end);
    }
    if (begin / 2 % ranks_ != rank_) return;
    if (source_ == nullptr && !arrivals.wait_before(end)) return;
    const LeafRange range = leaf_range(bytes_->size() - header_bytes, begin, end);
    hash_leaves(bytes_->span().subspan(header_bytes + range.offset, range.size),
                std::span(digests).subspan(begin, end - begin));
  }

  std::size_t rank_;
  std::size_t ranks_;
  std::shared_ptr<ReadableFile> source_;
  std::shared_ptr<FileBytes> bytes_;
};

// What rank 0 says before each message, beside the number of leaves that are there.
enum : std::uint64_t {
  failed = std::numeric_limits<std::uint64_t>::max(),
  given_up = failed - 1,
};

// Rank 0 says how much there is, again and again while its disk is slow, and sends that. Alone, it
// only waits.
class Sender {
 public:
  Sender(Communicator& communicator, Incoming& incoming, const Patience& patience)
      : communicator_(communicator), incoming_(incoming), patience_(patience) {}

  // Whether all leaves came. Errors: the communicator's; deadline_exceeded.
  bool send_all() {
    const std::size_t leaves = incoming_.digests.size();
    while (sent_ < leaves) {
      std::array<std::uint64_t, 1> there{communicator_.rank() == 0 ? look() : 0};
      broadcast(there);
      if (there[0] == failed) return false;
      if (there[0] == given_up) throw_out_of_patience(patience_);
      while (sent_ < there[0]) send_to(std::min<std::size_t>(sent_ + leaves_per_message, there[0]));
    }
    return true;
  }

 private:
  using Clock = std::chrono::steady_clock;

  std::uint64_t look() {
    const std::size_t wanted = std::min(sent_ + leaves_per_message, incoming_.digests.size());
    const std::size_t there =
        incoming_.arrivals.wait_before(wanted, meeting_seconds(communicator_, patience_));
    if (incoming_.arrivals.failed()) return failed;
    if (there > sent_) last_progress_ = Clock::now();
    const std::chrono::duration<double> without = Clock::now() - last_progress_;
    return without.count() >= patience_.seconds ? std::uint64_t{given_up} : there;
  }

  void send_to(std::size_t end) {
    const LeafRange range = incoming_.range_of(sent_, end);
    broadcast(incoming_.bytes().words(range.offset, range.size));
    if (communicator_.rank() != 0) incoming_.arrivals.mark(sent_, end);
    sent_ = end;
  }

  void broadcast(std::span<std::uint64_t> words) {
    if (communicator_.size() > 1) communicator_.broadcast(words);
  }

  Communicator& communicator_;
  Incoming& incoming_;
  const Patience& patience_;
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

// Rank 0's part: a thread reads and hashes, this one sends. Returns what went wrong with reading.
Attempt send(Communicator& communicator, const std::shared_ptr<Incoming>& incoming,
             const Patience& patience) {
  DiskTask reading;
  if (!reading.start([incoming] { incoming->read_and_hash(); })) incoming->arrivals.fail();
  Sender(communicator, *incoming, patience).send_all();
  return reading.wait(communicator, patience);
}

// The others': this one receives, a thread hashes.
Attempt receive(Communicator& communicator, const std::shared_ptr<Incoming>& incoming,
                const Patience& patience) {
  const auto hash = [&] { return attempting([&] { incoming->read_and_hash(); }); };
  std::future<Attempt> hashing;
  if (incoming->digests.size() >= leaves_to_overlap) {
    try {
      const SignalsBlocked deaf;
      hashing = std::async(std::launch::async, hash);
    } catch (const std::system_error&) {
      // No thread is to be had: it is done when all is there.
    } catch (const std::bad_alloc&) {
      // Likewise: the other ranks are on their way.
    }
  }
  try {
    if (!Sender(communicator, *incoming, patience).send_all()) incoming->arrivals.fail();
  } catch (...) {
    incoming->arrivals.fail();
    throw;  // the future waits
  }
  Attempt failed_here = hashing.valid() ? hashing.get() : hash();
  DiskTask().wait(communicator, patience);
  return failed_here;
}

}  // namespace

void receive_file(Communicator& communicator, std::shared_ptr<ReadableFile> source,
                  const std::shared_ptr<FileBytes>& bytes, std::vector<Digest>& leaves,
                  const Patience& patience) {
  const bool is_source = source != nullptr;
  const auto incoming = std::make_shared<Incoming>(communicator.rank(), communicator.size(),
                                                   std::move(source), bytes, leaves.size());
  const Attempt attempt = is_source ? send(communicator, incoming, patience)
                                    : receive(communicator, incoming, patience);
  agree(communicator, "receiving a checkpoint", attempt);
  if (communicator.size() > 1) gather_digests(communicator, incoming->digests);
  leaves = std::move(incoming->digests);
}

}  // namespace counterpoint::inline v1::checkpoint_internal
