#include "counterpoint/checkpoint/internal/file_bytes.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <ctime>

#include "counterpoint/runtime/error.h"

namespace counterpoint::inline v1::checkpoint_internal {
namespace {

constexpr std::size_t large_page = std::size_t{2} << 20;

#ifdef MADV_POPULATE_WRITE
constexpr int populate_for_writing = MADV_POPULATE_WRITE;
#else
constexpr int populate_for_writing = 23;  // Linux 5.14; glibc 2.35 names it
#endif

// Of this thread: one that had to wait for a processor has lost no time to the kernel.
std::int64_t own_time_ns() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

}  // namespace

FileBytes FileBytes::allocate(std::size_t size) {
  constexpr std::size_t vector = 64;
  const std::size_t alignment = size >= 2 * large_page ? large_page : vector;
  const std::size_t rounded = (size + alignment) / alignment * alignment;  // at least a word more
  void* const data = rounded < size ? nullptr : std::aligned_alloc(alignment, rounded);
  if (data == nullptr) {
    throw Error(
        ErrorCode::resource_exhausted,
        fmt::format("no memory for {} bytes of a checkpoint; free some and try again", size));
  }
  return {data, size, alignment == large_page ? rounded / large_page : 0};
}

FileBytes::FileBytes(void* data, std::size_t size, std::size_t blocks)
    : data_(static_cast<std::byte*>(data)), size_(size) {
  if (blocks == 0) return;
  population_ = std::make_unique<Population>();
  population_->blocks = blocks;
}

void FileBytes::populate_before(std::size_t end) noexcept {
  if (population_ == nullptr) return;
  // One more than is needed: a thread that fills what is behind this one's must not use a block that is
  // only coming, whose pages would then be small.
  const std::size_t needed = (end + large_page - 1) / large_page;
  const std::size_t blocks = std::min(population_->blocks, needed + 1);
  for (std::size_t block = population_->next; block < blocks;) {
    if (population_->next.compare_exchange_weak(block, block + 1)) populate(block++);
  }
}

// Where memory is in fragments, the kernel stops a program that asks for large pages until it has moved
// others' pages out of the way, which can take longer than small pages would: the first blocks are of
// those, and large ones are asked for only while they have saved time.
void FileBytes::populate(std::size_t block) noexcept {
  constexpr std::size_t small_blocks = 2;
  Population& population = *population_;
  std::byte* const begin = data_.get() + block * large_page;
  const auto advise = [&](std::size_t blocks, int advice) {
    ::madvise(begin, std::min(blocks, population.blocks - block) * large_page, advice);
  };
  if (block == 0) advise(small_blocks, MADV_NOHUGEPAGE);
  if (block == small_blocks) advise(population.blocks, MADV_HUGEPAGE);
  const std::int64_t start_ns = own_time_ns();
  // An old kernel brings them as they are used.
  if (::madvise(begin, large_page, populate_for_writing) != 0) return;
  const std::int64_t ns = own_time_ns() - start_ns;
  if (block < small_blocks) {
    const std::int64_t least_ns = population.small_pages_ns;
    if (least_ns == 0 || ns < least_ns) population.small_pages_ns = ns;
  } else if (population.small_pages_ns > 0 && population.saved_ns >= 0) {
    const std::int64_t saved_ns = population.small_pages_ns - ns;
    if ((population.saved_ns += saved_ns) < 0) advise(population.blocks, MADV_NOHUGEPAGE);
  }
}

}  // namespace counterpoint::inline v1::checkpoint_internal
