// Where data lies: the CPU, or one GPU.
//
//   cp::Device device;                 // the CPU
//   if (device.is_cpu()) use(tensor);
//
// Thread-safety: values.
#pragma once

#include <cstdint>

namespace counterpoint::inline v1 {

enum class DeviceKind : std::uint8_t { cpu, cuda };

struct Device {
  DeviceKind kind = DeviceKind::cpu;
  int index = 0;

  constexpr bool is_cpu() const { return kind == DeviceKind::cpu; }
  friend constexpr bool operator==(const Device&, const Device&) = default;
};

}  // namespace counterpoint::inline v1
