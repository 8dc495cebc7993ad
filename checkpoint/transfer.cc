#include "counterpoint/checkpoint/internal/transfer.h"

#include <algorithm>
#include <condition_variable>
#include <future>
#include <mutex>
#include <vector>

#include "counterpoint/checkpoint/internal/file_format.h"
#include "counterpoint/checkpoint/internal/parallel.h"

namespace counterpoint::inline v1::checkpoint_internal {
namespace {

constexpr std::size_t leaves_per_thread = 4;
constexpr std::size_t leaves_per_message = 4;

// Which leaves are in memory. They may come in any order.
class Arrivals {
 public:
  explicit Arrivals(std::size_t leaves) : here_(leaves, false) {}

  void mark(std::size_t begin, std::size_t end) {
    {
      const std::scoped_lock lock(mutex_);
      std::fill(here_.begin() + static_cast<std::ptrdiff_t>(begin),
                here_.begin() + static_cast<std::ptrdiff_t>(end), true);
    }
    changed_.notify_all();
  }
  void mark_all() { mark(0, here_.size()); }
  void wait_for(std::size_t begin, std::size_t end) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] {
      return std::all_of(here_.begin() + static_cast<std::ptrdiff_t>(begin),
                         here_.begin() + static_cast<std::ptrdiff_t>(end),
                         [](bool here) { return here; });
    });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<bool> here_;
};

class Transfer {
 public:
  Transfer(Communicator& communicator, ReadableFile* source, FileBytes& bytes,
           std::span<Digest> leaves)
      : communicator_(communicator),
        source_(source),
        bytes_(bytes),
        leaves_(leaves),
        arrivals_(leaves.size()) {}

  Attempt run() {
    std::fill(leaves_.begin(), leaves_.end(), Digest{});
    if (communicator_.size() == 1) return read_and_hash();
    Attempt failed;
    if (leaves_.size() < 2 * leaves_per_thread) {
      if (source_ != nullptr) failed = read_and_hash();
      send_all();
      if (source_ == nullptr) failed = read_and_hash();
    } else {
      failed = overlapped();
    }
    gather_digests();
    return failed;
  }

 private:
  // Bytes of leaves [begin, end) in the file; the first has the header block in front.
  LeafRange range_of(std::size_t begin, std::size_t end) const {
    const std::uint64_t body = bytes_.size() - header_bytes;
    const LeafRange last = leaf_range(body, end - 1);
    const std::uint64_t first = begin == 0 ? 0 : header_bytes + leaf_range(body, begin).offset;
    return {first, static_cast<std::size_t>(header_bytes + last.offset + last.size - first)};
  }

  bool ours(std::size_t leaf) const {
    return leaf % static_cast<std::size_t>(communicator_.size()) ==
           static_cast<std::size_t>(communicator_.rank());
  }

  // Rank 0 reads all leaves; each rank hashes its own when they are there.
  Attempt read_and_hash() {
    Attempt failed = attempting([&] {
      for_each_in_parallel(leaves_.size(), leaves_per_thread, [&](std::size_t leaf, std::size_t) {
        if (source_ != nullptr) {
          const LeafRange range = range_of(leaf, leaf + 1);
          source_->read(bytes_.span().subspan(range.offset, range.size), range.offset);
          arrivals_.mark(leaf, leaf + 1);
        }
        if (!ours(leaf)) return;
        arrivals_.wait_for(leaf, leaf + 1);
        const LeafRange range = leaf_range(bytes_.size() - header_bytes, leaf);
        leaves_[leaf] = sha256(bytes_.span().subspan(header_bytes + range.offset, range.size));
      });
    });
    // Nobody waits for what does not come; the others get bytes that are refused.
    if (failed && source_ != nullptr) arrivals_.mark_all();
    return failed;
  }

  void send_all() {
    for (std::size_t begin = 0; begin < leaves_.size(); begin += leaves_per_message) {
      const std::size_t end = std::min(begin + leaves_per_message, leaves_.size());
      const LeafRange range = range_of(begin, end);
      if (source_ != nullptr) arrivals_.wait_for(begin, end);
      communicator_.broadcast(bytes_.words(range.offset, range.size));
      if (source_ == nullptr) arrivals_.mark(begin, end);
    }
  }

  Attempt overlapped() {
    std::future<Attempt> hashing =
        std::async(std::launch::async, [this] { return read_and_hash(); });
    try {
      send_all();
    } catch (...) {
      arrivals_.mark_all();
      throw;  // the future waits
    }
    return hashing.get();
  }

  void gather_digests() {
    std::vector<std::uint64_t> words(leaves_.size() * sizeof(Digest) / sizeof(std::uint64_t));
    const std::span<std::byte> bytes = std::as_writable_bytes(std::span(words));
    std::copy_n(std::as_bytes(leaves_).begin(), bytes.size(), bytes.begin());
    communicator_.all_reduce(std::span(words), Reduce::sum);  // zeros but for one rank's
    std::copy_n(bytes.begin(), bytes.size(), std::as_writable_bytes(leaves_).begin());
  }

  Communicator& communicator_;
  ReadableFile* source_;
  FileBytes& bytes_;
  std::span<Digest> leaves_;
  Arrivals arrivals_;
};

}  // namespace

Attempt receive_file(Communicator& communicator, ReadableFile* source, FileBytes& bytes,
                     std::span<Digest> leaves) {
  return Transfer(communicator, source, bytes, leaves).run();
}

}  // namespace counterpoint::inline v1::checkpoint_internal
