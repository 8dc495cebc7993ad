#include "counterpoint/checkpoint/internal/file_bytes.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include "counterpoint/runtime/error.h"

namespace counterpoint::inline v1::checkpoint_internal {

FileBytes FileBytes::allocate(std::size_t size) {
  constexpr std::size_t large_page = std::size_t{2} << 20;
  constexpr std::size_t vector = 64;
  const std::size_t alignment = size >= 2 * large_page ? large_page : vector;
  const std::size_t rounded = (size + alignment) / alignment * alignment;  // at least a word more
  void* const data = rounded < size ? nullptr : std::aligned_alloc(alignment, rounded);
  if (data == nullptr) {
    throw Error(
        ErrorCode::resource_exhausted,
        fmt::format("no memory for {} bytes of a checkpoint; free some and try again", size));
  }
  // Touching a page the first time costs as much as copying it. A hint: it may be ignored.
  if (alignment == large_page) ::madvise(data, rounded, MADV_HUGEPAGE);
  return {data, size};
}

}  // namespace counterpoint::inline v1::checkpoint_internal
