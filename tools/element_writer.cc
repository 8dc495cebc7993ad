#include "element_writer.h"

#include <algorithm>
#include <bit>

#include "element_text.h"

namespace counterpoint::tools {
namespace {

constexpr std::size_t flush_bytes = std::size_t{64} << 10;

void to_little_endian(std::span<std::byte> elements, std::size_t size) {
  if constexpr (std::endian::native == std::endian::little) return;
  for (std::size_t at = 0; at < elements.size(); at += size) {
    std::ranges::reverse(elements.subspan(at, size));
  }
}

}  // namespace

ElementWriter::ElementWriter(Output& output, Format format, DType dtype, std::uint64_t columns)
    : output_(output),
      format_(format),
      dtype_(dtype),
      columns_(format == Format::csv ? std::max<std::uint64_t>(columns, 1) : 1) {}

void ElementWriter::write(std::span<std::byte> elements) {
  if (format_ == Format::raw) {
    to_little_endian(elements, dtype_size(dtype_));
    output_.write(elements);
    return;
  }
  visit_dtype(dtype_, [&]<class T>(T) {
    write_text(std::span<const T>(reinterpret_cast<const T*>(elements.data()),
                                  elements.size() / sizeof(T)));
  });
}

template <class T>
void ElementWriter::write_text(std::span<const T> elements) {
  for (const T element : elements) {
    if (column_ != 0) text_.push_back(',');
    append_element(text_, element);
    column_ = column_ + 1 == columns_ ? 0 : column_ + 1;
    if (column_ == 0) text_.push_back('\n');
    if (text_.size() >= flush_bytes) flush();
  }
}

void ElementWriter::flush() {
  output_.write(std::as_bytes(std::span(text_.data(), text_.size())));
  text_.clear();
}

void ElementWriter::finish() {
  if (column_ != 0) text_.push_back('\n');
  column_ = 0;
  flush();
}

}  // namespace counterpoint::tools
