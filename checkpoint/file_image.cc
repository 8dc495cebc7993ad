#include "counterpoint/checkpoint/internal/file_image.h"

#include <algorithm>
#include <cstring>
#include <iterator>

namespace counterpoint::inline v1::checkpoint_internal {

void FileImage::put(std::uint64_t offset, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const std::size_t begin = offset % page_bytes;
    const std::size_t count = std::min(bytes.size(), page_bytes - begin);
    Page& page = pages_[offset / page_bytes];  // zeros at first
    std::memcpy(page.data() + begin, bytes.data(), count);
    bytes = bytes.subspan(count);
    offset += count;
  }
}

void FileImage::refer(std::uint64_t offset, const Tensor& tensor) { references_[offset] = &tensor; }

void FileImage::read(std::uint64_t offset, std::span<std::byte> bytes) const {
  auto next = references_.upper_bound(offset);
  while (!bytes.empty()) {
    std::size_t count = 0;
    if (next != references_.begin()) {
      const auto& [begin, tensor] = *std::prev(next);
      const std::span<const std::byte> referred = tensor->bytes();
      if (offset - begin < referred.size()) {
        count = std::min<std::uint64_t>(bytes.size(), referred.size() - (offset - begin));
        std::memcpy(bytes.data(), referred.data() + (offset - begin), count);
      }
    }
    if (count == 0) {
      count = bytes.size();
      if (next != references_.end()) {
        count = std::min<std::uint64_t>(count, next->first - offset);
      }
      read_pages(offset, bytes.first(count));
    }
    bytes = bytes.subspan(count);
    offset += count;
    while (next != references_.end() && next->first <= offset) ++next;
  }
}

void FileImage::read_pages(std::uint64_t offset, std::span<std::byte> bytes) const {
  while (!bytes.empty()) {
    const std::size_t begin = offset % page_bytes;
    const std::size_t count = std::min(bytes.size(), page_bytes - begin);
    const auto page = pages_.find(offset / page_bytes);
    if (page == pages_.end()) {
      std::memset(bytes.data(), 0, count);
    } else {
      std::memcpy(bytes.data(), page->second.data() + begin, count);
    }
    bytes = bytes.subspan(count);
    offset += count;
  }
}

}  // namespace counterpoint::inline v1::checkpoint_internal
