// Much memory in one piece: owned, uninitialised, movable, in large pages where those come fast, and
// padded so that it also goes through a communicator as 64-bit words.
//
//   FileBytes bytes = FileBytes::allocate(size);
//   bytes.populate_before(size);                      // or piece by piece, as it is filled
//   read_into(bytes.span());
//   communicator.broadcast(bytes.words(0, bytes.size()), 0);
//
// Thread-safety: as a std::vector; populate_before() any.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>

namespace counterpoint::inline v1::checkpoint_internal {

class FileBytes {
 public:
  FileBytes() = default;

  // Errors: resource_exhausted.
  static FileBytes allocate(std::size_t size);

  // Has the kernel bring the memory before `end` that nobody asked for yet: that costs less than page by
  // page as it is used. Memory that is in use already stays as it is. A hint, which may do nothing.
  void populate_before(std::size_t end) noexcept;

  std::size_t size() const { return size_; }
  std::span<std::byte> span() { return {data_.get(), size_}; }
  std::span<const std::byte> span() const { return {data_.get(), size_}; }
  // `size` bytes from `offset`, a multiple of 8, rounded up to whole words.
  std::span<std::uint64_t> words(std::size_t offset, std::size_t size) {
    return {reinterpret_cast<std::uint64_t*>(data_.get() + offset),
            (size + sizeof(std::uint64_t) - 1) / sizeof(std::uint64_t)};
  }

 private:
  FileBytes(void* data, std::size_t size, std::size_t blocks);

  struct Free {
    void operator()(std::byte* data) const { std::free(data); }
  };

  // Of blocks as large as a large page.
  struct Population {
    std::size_t blocks = 0;
    std::atomic<std::size_t> next = 0;
    std::atomic<std::int64_t> small_pages_ns = 0;  // that a block of those takes; 0: not known
    std::atomic<std::int64_t> saved_ns = 0;  // by large ones; below 0 there are no more of them
  };
  void populate(std::size_t block) noexcept;

  std::unique_ptr<std::byte, Free> data_;
  std::size_t size_ = 0;
  std::unique_ptr<Population> population_;  // null where it is small
};

}  // namespace counterpoint::inline v1::checkpoint_internal
