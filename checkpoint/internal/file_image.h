// A whole file before it is written: the bytes that libhdf5 wrote, and tensors where they lie.
//
//   FileImage image;
//   image.put(512, superblock);          // copied; a later put replaces what it overlaps
//   image.refer(4096, weights);          // read when the file is written
//   image.set_size(image_end);
//   image.read(0, bytes);                // zeros where nothing was put
//
// Thread-safety: reads from several threads; tensors are read where they are then.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>

#include "counterpoint/runtime/tensor.h"

namespace counterpoint::inline v1::checkpoint_internal {

class FileImage {
 public:
  void put(std::uint64_t offset, std::span<const std::byte> bytes);
  // `tensor` must stay in its place; references may not overlap.
  void refer(std::uint64_t offset, const Tensor& tensor);
  void set_size(std::uint64_t size) { size_ = size; }

  std::uint64_t size() const { return size_; }
  // By offset.
  const std::map<std::uint64_t, const Tensor*>& references() const { return references_; }
  void read(std::uint64_t offset, std::span<std::byte> bytes) const;

 private:
  static constexpr std::size_t page_bytes = 4096;
  using Page = std::array<std::byte, page_bytes>;

  void read_pages(std::uint64_t offset, std::span<std::byte> bytes) const;

  std::map<std::uint64_t, Page> pages_;  // by number
  std::map<std::uint64_t, const Tensor*> references_;
  std::uint64_t size_ = 0;
};

}  // namespace counterpoint::inline v1::checkpoint_internal
