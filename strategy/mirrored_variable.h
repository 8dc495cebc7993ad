// A tensor of which every replica has a copy, kept alike by all of them making the same
// assignments.
//
//   auto weights = strategy.variable<float>({64, 10});
//   strategy.run([&](cp::ReplicaContext& replica) {
//     replica.all_reduce(gradient, cp::Reduce::mean);
//     weights.assign_sub(gradient);                       // this replica's copy
//   });
//
// In a run, reads and assignments are of the calling replica's copy; in cross-replica context reads
// are of the first replica's and assignments of every copy. Thread-safety: each replica's copy is
// its own; in cross-replica context one thread at a time. Errors: invalid_argument for another type
// or shape; failed_precondition in another strategy than its own. A call that fails changes
// nothing.
#pragma once

#include <memory>
#include <source_location>
#include <span>
#include <string>

#include "counterpoint/runtime/communicator.h"
#include "counterpoint/runtime/generator.h"
#include "counterpoint/runtime/saveable.h"
#include "counterpoint/runtime/tensor.h"

namespace counterpoint::inline v1 {

class VariableStore;

class COUNTERPOINT_PUBLIC MirroredVariable {
  using Location = std::source_location;

 public:
  // Made by MirroredStrategy::variable.
  explicit MirroredVariable(std::shared_ptr<VariableStore> store);
  MirroredVariable(MirroredVariable&&) noexcept;
  MirroredVariable& operator=(MirroredVariable&&) noexcept;
  ~MirroredVariable();

  DType dtype() const noexcept;
  const Shape& shape() const noexcept;

  // Stays valid, and follows assignments, as long as the variable lives.
  const Tensor& value() const;
  template <Element T>
  std::span<const T> values() const {
    return value().values<T>();
  }

  void assign(const Tensor& value, Location location = Location::current());
  void assign_add(const Tensor& value, Location location = Location::current());
  void assign_sub(const Tensor& value, Location location = Location::current());

  // The same from a caller's array, row-major.
  template <ElementRange R>
  void assign(const R& values, Location location = Location::current()) {
    assign_buffer(Operation::assign, buffer_of(values), location);
  }
  template <ElementRange R>
  void assign_add(const R& values, Location location = Location::current()) {
    assign_buffer(Operation::assign_add, buffer_of(values), location);
  }
  template <ElementRange R>
  void assign_sub(const R& values, Location location = Location::current()) {
    assign_buffer(Operation::assign_sub, buffer_of(values), location);
  }

  // What a checkpoint holds: the first replica's copy.
  std::shared_ptr<Saveable> saveable() const;
  std::string to_string() const;

 private:
  template <class R>
  static ConstBuffer buffer_of(const R& values) {
    using T = std::ranges::range_value_t<R>;
    return ConstBuffer::of(std::span<const T>(values));
  }
  void assign_buffer(Operation operation, const ConstBuffer& values, const Location& location);

  std::shared_ptr<VariableStore> store_;
};

COUNTERPOINT_PUBLIC std::ostream& operator<<(std::ostream& stream,
                                             const MirroredVariable& variable);

}  // namespace counterpoint::inline v1
