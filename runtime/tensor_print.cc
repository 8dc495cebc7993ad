// How tensors read: like NumPy's arrays, long dimensions shortened to their ends.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstring>
#include <ostream>
#include <string>
#include <vector>

#include "counterpoint/runtime/internal/element_text.h"
#include "counterpoint/runtime/tensor.h"

namespace counterpoint::inline v1 {
namespace {

constexpr std::int64_t kSummaryThreshold = 1000;  // elements, from which long dimensions are cut
constexpr std::int64_t kEdgeItems = 3;

struct Printer {
  const Shape& shape;
  bool shortened;
  std::vector<std::string> texts;  // of the elements that are shown, row-major
  std::size_t width = 0;
  std::size_t next = 0;
  std::string out;

  // Calls `visit(index)` for each index of an axis that is shown, `gap()` once where some are not.
  template <class Visit, class Gap>
  void each(std::size_t axis, Visit visit, Gap gap) const {
    const std::int64_t length = shape[axis];
    const bool cut = shortened && length > 2 * kEdgeItems;
    for (std::int64_t i = 0; i < length; ++i) {
      if (cut && i == kEdgeItems) {
        gap();
        i = length - kEdgeItems;
      }
      visit(i);
    }
  }

  template <class Format>
  void collect(std::size_t axis, std::int64_t offset, const Format& format) {
    if (axis == shape.size()) {
      texts.push_back(format(offset));
      width = std::max(width, texts.back().size());
      return;
    }
    each(
        axis, [&](std::int64_t i) { collect(axis + 1, offset * shape[axis] + i, format); }, [] {});
  }

  void print(std::size_t axis) {
    if (axis == shape.size()) {
      out += fmt::format("{:>{}}", texts[next++], width);
      return;
    }
    const bool innermost = axis + 1 == shape.size();
    const std::string separator =
        innermost ? " " : std::string(shape.size() - axis - 1, '\n') + std::string(axis + 1, ' ');
    out += '[';
    bool first = true;
    const auto separate = [&] {
      if (!first) out += separator;
      first = false;
    };
    each(
        axis,
        [&](std::int64_t) {
          separate();
          print(axis + 1);
        },
        [&] {
          separate();
          out += "...";
        });
    out += ']';
  }
};

template <class T>
std::string format_element(T value) {
  if constexpr (std::is_same_v<T, Float16> || std::is_same_v<T, BFloat16>) {
    return fmt::format("{:.5g}", value.to_float());
  } else {
    return fmt::format("{}", value);
  }
}

}  // namespace

std::string element_to_string(DType dtype, std::span<const std::byte> element) {
  std::string text;
  visit_dtype(dtype, [&]<class T>(T value) {
    std::memcpy(&value, element.data(), sizeof value);
    text = format_element(value);
  });
  if (text.find("nan") != std::string::npos) {
    std::uint64_t bits = 0;
    std::memcpy(&bits, element.data(), element.size());
    text += fmt::format(" (bits {:#x})", bits);
  }
  return text;
}

std::string Tensor::to_string() const {
  const std::string type = fmt::format("{} {}", dtype_name(dtype_), shape_to_string(shape_));
  if (node_ != nullptr) return fmt::format("<traced {}>", type);
  if (!device_.is_cpu()) return fmt::format("<{} on GPU {}>", type, device_.index);
  if (size_ == 0) return fmt::format("[] ({})", type);
  Printer printer{.shape = shape_, .shortened = size_ > kSummaryThreshold, .texts = {}, .out = {}};
  visit_dtype(dtype_, [&]<class T>(T) {
    const std::span<const T> elements = values<T>();
    printer.collect(0, 0, [&](std::int64_t i) {
      return format_element(elements[static_cast<std::size_t>(i)]);
    });
  });
  printer.print(0);
  return fmt::format("{} ({})", printer.out, type);
}

std::ostream& operator<<(std::ostream& stream, const Tensor& tensor) {
  return stream << tensor.to_string();
}

}  // namespace counterpoint::inline v1
