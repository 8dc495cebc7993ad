#include "counterpoint/runtime/internal/call_parameters.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "counterpoint/runtime/communicator.h"

namespace counterpoint::inline v1 {
namespace {

// Of a tensor parameter, from the top: a quiet NaN with a sign, its type, how many dimensions it
// has, and a digest of its shape.
constexpr std::uint64_t kTensor = 0xfff8000000000000u;
constexpr int kTypeShift = 47;
constexpr int kRankShift = 43;
constexpr std::uint64_t kNibble = 15;
constexpr std::uint64_t kShapeMask = (std::uint64_t{1} << kRankShift) - 1;

std::string floating(std::uint64_t scalar) {
  if ((scalar & kTensor) != kTensor) return fmt::format("{}", std::bit_cast<double>(scalar));
  return fmt::format("a tensor {} of {} dimensions, shape #{:x}",
                     dtype_name(static_cast<DType>(scalar >> kTypeShift & kNibble)),
                     scalar >> kRankShift & kNibble, scalar & kShapeMask);
}

std::string integer(std::uint64_t scalar, DType dtype) {
  const bool is_signed = dtype == DType::i32 || dtype == DType::i64;
  return is_signed ? fmt::format("{}", static_cast<std::int64_t>(scalar))
                   : fmt::format("{}", scalar);
}

const char* reduce_name(std::uint64_t reduce) {
  switch (static_cast<Reduce>(reduce)) {
    case Reduce::sum:
      return "sum";
    case Reduce::mean:
      return "mean";
    case Reduce::min:
      return "min";
    case Reduce::max:
      return "max";
  }
  return "no reduction";
}

}  // namespace

std::uint64_t tensor_scalar(DType dtype, ShapeView shape) noexcept {
  std::uint64_t digest = 1;
  for (const std::int64_t length : shape) {
    digest = mix_digest(digest, static_cast<std::uint64_t>(length));
  }
  return kTensor | static_cast<std::uint64_t>(dtype) << kTypeShift |
         std::min<std::uint64_t>(shape.size(), kNibble) << kRankShift | (digest & kShapeMask);
}

std::string parameters_to_string(Operation operation, DType dtype,
                                 const std::array<std::uint64_t, 2>& scalars) {
  const auto [first, second] = scalars;
  switch (operation) {
    case Operation::normal:
    case Operation::truncated_normal:
      return fmt::format("mean {}, stddev {}", floating(first), floating(second));
    case Operation::uniform:
      if (is_floating(dtype)) {
        return fmt::format("minval {}, maxval {}", floating(first), floating(second));
      }
      return fmt::format("minval {}, maxval {}", integer(first, dtype), integer(second, dtype));
    case Operation::binomial:
      return fmt::format("counts {}, probabilities {}", floating(first), floating(second));
    case Operation::all_reduce:
    case Operation::reduce:
      return fmt::format("{}{}", reduce_name(first), second != 0 ? ", of micro-batches" : "");
    case Operation::broadcast:
      return fmt::format("from rank {}", first);
    case Operation::gather:
      return fmt::format("along axis {}", first);
    case Operation::reset:
    case Operation::restore:
    case Operation::create:
    case Operation::take_turns:
      return first == 0 && second == 0 ? "" : fmt::format("state #{:x}, key #{:x}", first, second);
    case Operation::save:  // its object is told by name
      return "";
    case Operation::split:
      return first != 0 ? "separated" : "";
    case Operation::skip:
    case Operation::make_seeds:
    case Operation::uniform_full_int:
    case Operation::assign:
    case Operation::assign_add:
    case Operation::assign_sub:
    case Operation::any:
    case Operation::check:
      break;
  }
  return first == 0 && second == 0 ? "" : fmt::format("#{:x}, #{:x}", first, second);
}

}  // namespace counterpoint::inline v1
