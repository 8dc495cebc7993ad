// Elements on their way out: a line each, lines of columns, or the bytes themselves.
//
//   ElementWriter writer(output, Format::csv, DType::f32, /*columns=*/3);
//   writer.write(bytes);      // whole elements, any number at a time
//   writer.finish();
//
// Raw bytes are little-endian on every machine. Memory: a fixed buffer. Thread-safety: one thread.
#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <span>

#include "counterpoint/kernels/dtype.h"
#include "output.h"

namespace counterpoint::tools {

enum class Format : std::uint8_t { text, csv, raw };

class ElementWriter {
 public:
  // `columns`: elements of a line of CSV.
  ElementWriter(Output& output, Format format, DType dtype, std::uint64_t columns);

  // Bytes of elements in this machine's order; they may be swapped in place. Errors: as Output.
  void write(std::span<std::byte> elements);
  // Ends the last line and writes what is buffered. Errors: as Output.
  void finish();

 private:
  template <class T>
  void write_text(std::span<const T> elements);
  void flush();

  Output& output_;
  Format format_;
  DType dtype_;
  std::uint64_t columns_;
  std::uint64_t column_ = 0;
  fmt::memory_buffer text_;
};

}  // namespace counterpoint::tools
