// Something that a checkpoint can hold: what it saves, and a restore in two steps, so that every
// object on every rank can refuse before any of them changes.
//
//   cp::NamedObjects objects = {{"noise", noise}, {"weights", weights}, {"step", step}};
//   for (auto& [name, object] : objects) file.write(name, object->save());
//   auto pending = objects[0].object->prepare(saved);   // may throw, changes nothing
//   pending->commit();                                  // cannot fail
//
// Generators and variables have `saveable()`; a Tensor or a number is held by reference and must
// outlive its NamedObject; a type of the user's with `cp::NamedObjects members()` becomes a nested
// object.
//
// Thread-safety: one thread at a time, outside of a run.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <source_location>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "counterpoint/runtime/tensor.h"

namespace counterpoint::inline v1 {

// What one object writes: named tensors, small attributes, nested objects.
struct SavedObject {
  std::string type;  // "generator", "variable", "tensor", "number", "object"
  std::map<std::string, std::variant<std::int64_t, std::string>> attributes;
  std::map<std::string, Tensor> values;
  std::map<std::string, SavedObject> members;
};

enum class RestoreOutcome : std::uint8_t {
  exact,    // what was saved is what goes on
  derived,  // saved by another number of replicas: surviving ids go on, new ones get their own
            // streams
};

// How a value's bytes are read where ranks compare it: gives their fingerprint, and may keep a copy, so
// that a save reads them once. None: reads them alone.
using ValueReader = std::function<std::uint64_t(std::span<const std::byte>)>;

struct NamedObject;
using NamedObjects = std::vector<NamedObject>;

// A restore that was agreed to; dropping it uncommitted leaves the object as it was.
class COUNTERPOINT_PUBLIC PendingRestore {
 public:
  virtual ~PendingRestore();
  virtual RestoreOutcome outcome() const noexcept = 0;
  virtual void commit() noexcept = 0;
};

class COUNTERPOINT_PUBLIC Saveable {
 public:
  virtual ~Saveable();
  // A copy of the object's state.
  virtual SavedObject save() const = 0;
  // As save(), but its tensors may be the object's own memory: good until that changes or goes.
  virtual SavedObject view() const;
  // `saved` must outlive what is returned, which may still read it in commit(). Errors:
  // invalid_argument with what differs (type, shape, algorithm); the object is unchanged.
  virtual std::unique_ptr<PendingRestore> prepare(const SavedObject& saved) = 0;
  // What a restore changes: the same of two objects that are one under two names.
  virtual const void* target() const noexcept;
  // What it is made of, where its members are objects of their own.
  virtual const NamedObjects& members() const noexcept;
  // Called by every rank before a save, which was called at `location`. Collective where it
  // communicates. What holds others asks them with the same arguments. A value that `reader` has read
  // stays as it is until view(). Errors: diverged if the replicas' copies differ.
  virtual void ensure_in_step(
      const std::source_location& location = std::source_location::current(),
      const ValueReader& reader = {});
  // Called by every rank before a restore, which was called at `location`. Collective where it
  // communicates. Errors: diverged if ranks are doing something else.
  virtual void begin_restore(
      const std::source_location& location = std::source_location::current());
  // How long ranks wait for each other in these; none where they do not. Members say so themselves.
  virtual std::optional<double> timeout_seconds() const noexcept;
};

// `tensor`'s memory as a tensor that does not own it. Errors: failed_precondition without data on
// the CPU.
COUNTERPOINT_PUBLIC Tensor borrowed_tensor(const Tensor& tensor);

// Saves and restores `tensor` in place; a restore may change its shape but not its type.
COUNTERPOINT_PUBLIC std::shared_ptr<Saveable> saveable_tensor(Tensor& tensor);
COUNTERPOINT_PUBLIC std::shared_ptr<Saveable> saveable_number(std::int64_t& number);
COUNTERPOINT_PUBLIC std::shared_ptr<Saveable> saveable_number(double& number);
// Errors: invalid_argument for a member that is null, or two of one name.
COUNTERPOINT_PUBLIC std::shared_ptr<Saveable> saveable_members(NamedObjects members);

namespace detail {

template <class T>
concept HasSaveable = requires(T& object) {
  { object.saveable() } -> std::convertible_to<std::shared_ptr<Saveable>>;
};
template <class T>
concept HasMembers = requires(T& object) {
  { object.members() } -> std::same_as<NamedObjects>;
};

template <class T>
std::shared_ptr<Saveable> as_saveable(T& object) {
  if constexpr (HasSaveable<T>) {
    return object.saveable();
  } else if constexpr (HasMembers<T>) {
    return saveable_members(object.members());
  } else if constexpr (std::is_same_v<T, Tensor>) {
    return saveable_tensor(object);
  } else {
    static_assert(
        std::is_same_v<T, std::int64_t> || std::is_same_v<T, double>,
        "a checkpoint holds generators, variables, tensors, std::int64_t and double numbers, "
        "and types with NamedObjects members()");
    return saveable_number(object);
  }
}

}  // namespace detail

struct NamedObject {
  template <class T>
    requires(!std::is_const_v<T> && !std::convertible_to<T&, std::shared_ptr<Saveable>>)
  NamedObject(std::string object_name, T& saved)
      : name(std::move(object_name)), object(detail::as_saveable(saved)) {}
  NamedObject(std::string object_name, std::shared_ptr<Saveable> saved)
      : name(std::move(object_name)), object(std::move(saved)) {}

  std::string name;  // one path component: no '/', not empty, not "." or ".."
  std::shared_ptr<Saveable> object;
};

}  // namespace counterpoint::inline v1
