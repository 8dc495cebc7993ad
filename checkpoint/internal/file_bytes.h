// Much memory in one piece: owned, uninitialised, movable, in large pages where there are some, and
// padded so that it also goes through a communicator as 64-bit words.
//
//   FileBytes bytes = FileBytes::allocate(size);
//   read_into(bytes.span());
//   communicator.broadcast(bytes.words(0, bytes.size()), 0);
//
// Thread-safety: as a std::vector.
#pragma once

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

  std::size_t size() const { return size_; }
  std::span<std::byte> span() { return {data_.get(), size_}; }
  std::span<const std::byte> span() const { return {data_.get(), size_}; }
  // `size` bytes from `offset`, a multiple of 8, rounded up to whole words.
  std::span<std::uint64_t> words(std::size_t offset, std::size_t size) {
    return {reinterpret_cast<std::uint64_t*>(data_.get() + offset),
            (size + sizeof(std::uint64_t) - 1) / sizeof(std::uint64_t)};
  }

 private:
  FileBytes(void* data, std::size_t size) : data_(static_cast<std::byte*>(data)), size_(size) {}

  struct Free {
    void operator()(std::byte* data) const { std::free(data); }
  };

  std::unique_ptr<std::byte, Free> data_;
  std::size_t size_ = 0;
};

}  // namespace counterpoint::inline v1::checkpoint_internal
