// Private: the arithmetic of reductions, the same for every transport.
//
//   std::vector<double> rows(3 * 8);  // rank 0's eight values, then rank 1's, ...
//   reduce_rows(DType::f64, Reduce::sum, rows_bytes, 8 * sizeof(double), 3, 8, out_bytes);
//
// Thread-safety: pure. Determinism: a left fold in row order for each element by itself, so that
// neither the number of elements nor where a payload was cut changes a bit.
#pragma once

#include <cstddef>
#include <cstdint>

#include "counterpoint/kernels/dtype.h"
#include "counterpoint/runtime/communicator.h"

namespace counterpoint::inline v1 {

// out[i] = the reduction of rows[0][i] ... rows[row_count - 1][i], for i < count; row r starts
// `row_bytes * r` bytes into `rows`. row_count is at least 1. `out` may be the first row, else it
// does not overlap the rows. Visible, because strategy/ reduces with it as well.
COUNTERPOINT_PUBLIC void reduce_rows(DType dtype, Reduce reduce, const std::byte* rows,
                                     std::size_t row_bytes, int row_count, std::int64_t count,
                                     std::byte* out);

}  // namespace counterpoint::inline v1
