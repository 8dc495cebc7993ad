#include "counterpoint/runtime/call_record.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "counterpoint/runtime/internal/call_parameters.h"

namespace counterpoint::inline v1 {

std::string_view operation_name(Operation operation) {
  switch (operation) {
    case Operation::normal:
      return "normal";
    case Operation::truncated_normal:
      return "truncated_normal";
    case Operation::uniform:
      return "uniform";
    case Operation::uniform_full_int:
      return "uniform_full_int";
    case Operation::binomial:
      return "binomial";
    case Operation::make_seeds:
      return "make_seeds";
    case Operation::split:
      return "split";
    case Operation::skip:
      return "skip";
    case Operation::reset:
      return "reset";
    case Operation::restore:
      return "restore";
    case Operation::assign:
      return "assign";
    case Operation::assign_add:
      return "assign_add";
    case Operation::create:
      return "create";
    case Operation::gather:
      return "gather";
    case Operation::broadcast:
      return "broadcast";
    case Operation::reduce:
      return "reduce";
    case Operation::any:
      return "any";
    case Operation::check:
      return "check";
    case Operation::assign_sub:
      return "assign_sub";
    case Operation::all_reduce:
      return "all_reduce";
    case Operation::save:
      return "save";
    case Operation::take_turns:
      return "take_turns";
  }
  return "unknown";
}

std::string location_to_string(const std::source_location& location) {
  const std::string_view path = location.file_name();
  return fmt::format("{}:{}", path.substr(path.find_last_of('/') + 1), location.line());
}

std::string CallRecord::to_string() const {
  const bool separated = operation == Operation::split && scalars[0] != 0;  // its domain
  const std::string parameters = parameters_to_string(operation, dtype, scalars);
  return fmt::format("{}{} {} [{}] at {}{}", operation_name(operation),
                     separated ? "_separated" : "", dtype_name(dtype), fmt::join(shape, ", "),
                     location_to_string(location),
                     parameters.empty() ? "" : fmt::format(" ({})", parameters));
}

}  // namespace counterpoint::inline v1
