// The bytes of one file in memory: owned, uninitialised, movable, padded so that they also go
// through a communicator as 64-bit words.
//
//   FileBytes bytes = FileBytes::allocate(size);
//   read_into(bytes.span());
//   communicator.broadcast(bytes.words(), 0);
//
// Thread-safety: as a std::vector.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>
#include <string>

#include "counterpoint/runtime/error.h"

namespace counterpoint::inline v1::checkpoint_internal {

class FileBytes {
 public:
  FileBytes() = default;

  // Errors: resource_exhausted.
  static FileBytes allocate(std::size_t size) {
    void* data = std::malloc(word_count(size) * sizeof(std::uint64_t));
    if (data == nullptr) throw_no_memory(size);
    return {data, size};
  }

  // `data` came from malloc and is freed if this throws. Errors: resource_exhausted.
  static FileBytes adopt(void* data, std::size_t size) {
    void* fitted = std::realloc(data, word_count(size) * sizeof(std::uint64_t));
    if (fitted != nullptr) return {fitted, size};
    std::free(data);
    throw_no_memory(size);
  }

  std::size_t size() const { return size_; }
  std::span<std::byte> span() { return {data_.get(), size_}; }
  std::span<const std::byte> span() const { return {data_.get(), size_}; }
  std::span<std::uint64_t> words() {
    return {reinterpret_cast<std::uint64_t*>(data_.get()), data_ ? word_count(size_) : 0};
  }

 private:
  FileBytes(void* data, std::size_t size) : data_(static_cast<std::byte*>(data)), size_(size) {}

  [[noreturn]] static void throw_no_memory(std::size_t size) {
    throw Error(ErrorCode::resource_exhausted,
                "no memory for a checkpoint of " + std::to_string(size) +
                    " bytes; it is held in memory whole while it is written or read");
  }

  struct Free {
    void operator()(std::byte* data) const { std::free(data); }
  };
  static std::size_t word_count(std::size_t size) { return size / sizeof(std::uint64_t) + 1; }

  std::unique_ptr<std::byte, Free> data_;
  std::size_t size_ = 0;
};

}  // namespace counterpoint::inline v1::checkpoint_internal
