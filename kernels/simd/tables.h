// math.h's log table as two arrays, for vector look-ups.
#pragma once

#include "counterpoint/kernels/internal/math.h"

namespace counterpoint::inline v1::kernels {

struct LogColumns {
  alignas(64) double reciprocals[16];
  alignas(64) double logs[16];
};

constexpr LogColumns log_columns() {
  LogColumns columns{};
  for (int i = 0; i < 16; ++i) {
    columns.reciprocals[i] = math::kLogTableF32[i].reciprocal;
    columns.logs[i] = math::kLogTableF32[i].log;
  }
  return columns;
}

inline constexpr LogColumns kLogColumns = log_columns();

}  // namespace counterpoint::inline v1::kernels
