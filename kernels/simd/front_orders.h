// Which 32-bit lanes to take so that the chosen ones of four 64-bit lanes come first.
//
//   kFrontOrders[0b1010]   // 2 3 6 7, then what does not matter
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace counterpoint::inline v1::kernels {

struct alignas(32) FrontOrder : std::array<std::uint32_t, 8> {};

constexpr std::array<FrontOrder, 16> front_orders() {
  std::array<FrontOrder, 16> orders{};
  for (std::size_t chosen = 0; chosen < orders.size(); ++chosen) {
    std::size_t n = 0;
    for (std::uint32_t lane = 0; lane < 4; ++lane) {
      if ((chosen >> lane & 1) == 0) continue;
      orders[chosen][n++] = 2 * lane;
      orders[chosen][n++] = 2 * lane + 1;
    }
  }
  return orders;
}

inline constexpr std::array<FrontOrder, 16> kFrontOrders = front_orders();

}  // namespace counterpoint::inline v1::kernels
