// A caller's array to fill, whatever holds it: std::span, std::vector, std::array of any element
// type.
//
//   void fill_stateless_normal(const FillTarget& out, const StatelessSeed& seed, ...);
//   fill_stateless_normal(buffer, {1, 2});             // std::vector<float> buffer
//   fill_stateless_normal(std::span(pointer, 8), {1, 2});
//
// Thread-safety: values; refers to the array, which must outlive the call.
#pragma once

#include <cstdint>
#include <ranges>
#include <type_traits>

#include "counterpoint/kernels/dtype.h"

namespace counterpoint::inline v1 {

class FillTarget {
 public:
  template <std::ranges::contiguous_range R>
    requires(std::ranges::sized_range<R> && Element<std::ranges::range_value_t<R>> &&
             !std::is_const_v<std::remove_reference_t<std::ranges::range_reference_t<R>>>)
  FillTarget(R&& range)  // NOLINT(google-explicit-constructor)
      : data_(std::ranges::data(range)),
        count_(static_cast<std::int64_t>(std::ranges::size(range))),
        dtype_(dtype_of<std::ranges::range_value_t<R>>) {}

  void* data() const noexcept { return data_; }
  std::int64_t count() const noexcept { return count_; }
  DType dtype() const noexcept { return dtype_; }

 private:
  void* data_;
  std::int64_t count_;
  DType dtype_;
};

}  // namespace counterpoint::inline v1
