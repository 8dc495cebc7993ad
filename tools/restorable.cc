#include "restorable.h"

#include <fmt/format.h>

#include <string_view>

#include "counterpoint/checkpoint/internal/reuse_ledger.h"
#include "counterpoint/runtime/error.h"
#include "counterpoint/runtime/generator.h"

namespace counterpoint::tools {
namespace {

[[noreturn]] void refuse(const std::string& why) { throw Error(ErrorCode::data_loss, why); }

const Tensor& value_of(const SavedObject& object) {
  const auto found = object.values.find("value");
  if (found == object.values.end()) refuse(fmt::format("is a {} without a value", object.type));
  return found->second;
}

// One row of `each` for each replica.
void require_rows(const Tensor& each, DType dtype, const Shape& row, std::string_view wanted) {
  const Shape& shape = each.shape();
  if (each.dtype() == dtype && shape.size() == row.size() + 1 && shape[0] >= 1 &&
      std::equal(row.begin(), row.end(), shape.begin() + 1)) {
    return;
  }
  refuse(fmt::format("holds {} {} where {}", dtype_name(each.dtype()), shape_to_string(shape),
                     wanted));
}

Generator generator_of(const std::string& algorithm) {
  try {
    return Generator::from_seed(0, {.algorithm = algorithm});
  } catch (const Error& error) {
    refuse(fmt::format("was saved by a {} generator: {}", algorithm, error.message()));
  }
}

void check_generator(const SavedObject& object) {
  const auto algorithm = object.attributes.find("algorithm");
  const auto* const name =
      algorithm == object.attributes.end() ? nullptr : std::get_if<std::string>(&algorithm->second);
  if (name == nullptr) refuse("was saved by a nameless generator");
  if (AlgorithmName(*name).name() != *name || *name == "autoselect") {
    refuse(fmt::format("was saved by a {} generator, which is no name of an algorithm in a file",
                       *name));
  }
  const Generator generator = generator_of(*name);
  SavedObject one = object;
  one.values.erase("replica_states");  // which a strategy restores
  (void)generator.saveable()->prepare(one);
  const auto each = object.values.find("replica_states");
  if (each == object.values.end()) return;
  const std::int64_t words = generator.definition().state_words();
  require_rows(each->second, DType::i64, {words},
               fmt::format("states of replicas are i64 [replicas, {}]", words));
}

void check_variable(const SavedObject& object) {
  const Tensor& value = value_of(object);
  const auto each = object.values.find("replica_values");
  if (each == object.values.end()) return;
  require_rows(each->second, value.dtype(), value.shape(),
               fmt::format("values of replicas are rows of {} {}", dtype_name(value.dtype()),
                           shape_to_string(value.shape())));
}

void check(const SavedObject& object) {
  if (object.type == "generator") {
    check_generator(object);
  } else if (object.type == "variable") {
    check_variable(object);
  } else if (object.type == "tensor") {
    (void)value_of(object);
  } else if (object.type == "number") {
    std::int64_t integer = 0;
    double real = 0;
    const bool is_real = value_of(object).dtype() == DType::f64;
    (void)(is_real ? saveable_number(real) : saveable_number(integer))->prepare(object);
  } else if (object.type == "object") {
    for (const auto& [name, member] : object.members) {
      try {
        check(member);
      } catch (const Error& error) {
        refuse(fmt::format("member '{}' {}", name, error.message()));
      }
    }
  }
}

}  // namespace

void require_restorable(const std::string& path, const std::string& name,
                        const SavedObject& object) {
  try {
    check(object);
    const bool is_ledger = name == checkpoint_internal::reuse_ledger_name &&
                           object.type == checkpoint_internal::reuse_ledger_name;
    if (is_ledger) (void)ledger_of(object);  // as where reuse is watched for
  } catch (const Error& error) {
    throw Error(ErrorCode::data_loss,
                fmt::format("{}: object '{}' {}", path, name, error.message()));
  }
}

}  // namespace counterpoint::tools
