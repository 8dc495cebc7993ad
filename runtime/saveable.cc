#include "counterpoint/runtime/saveable.h"

#include <fmt/format.h>

#include <cstring>
#include <set>
#include <string_view>

#include "counterpoint/runtime/error.h"

namespace counterpoint::inline v1 {
namespace {

// Runs `assign` at commit; `assign` may not throw.
template <class Assign>
class PendingAssignment final : public PendingRestore {
 public:
  explicit PendingAssignment(Assign assign) : assign_(std::move(assign)) {}
  RestoreOutcome outcome() const noexcept override { return RestoreOutcome::exact; }
  void commit() noexcept override { assign_(); }

 private:
  Assign assign_;
};

template <class Assign>
std::unique_ptr<PendingRestore> pending(Assign assign) {
  return std::make_unique<PendingAssignment<Assign>>(std::move(assign));
}

void check_type(const SavedObject& saved, const char* wanted) {
  if (saved.type != wanted) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("holds a {}, but a {} is to be restored", saved.type, wanted));
  }
}

const Tensor& value_of(const SavedObject& saved) {
  const auto found = saved.values.find("value");
  if (found == saved.values.end()) {
    throw Error(ErrorCode::invalid_argument, fmt::format("a {} without a value", saved.type));
  }
  return found->second;
}

class SaveableTensor final : public Saveable {
 public:
  explicit SaveableTensor(Tensor& tensor) : tensor_(tensor) {}

  SavedObject save() const override {
    return {.type = "tensor", .attributes = {}, .values = {{"value", tensor_}}, .members = {}};
  }

  SavedObject view() const override {
    SavedObject saved{.type = "tensor", .attributes = {}, .values = {}, .members = {}};
    saved.values.emplace("value", borrowed_tensor(tensor_));
    return saved;
  }

  std::unique_ptr<PendingRestore> prepare(const SavedObject& saved) override {
    check_type(saved, "tensor");
    const Tensor& value = value_of(saved);
    if (value.dtype() != tensor_.dtype()) {
      throw Error(ErrorCode::invalid_argument,
                  fmt::format("holds {} elements, but the tensor to restore has {}",
                              dtype_name(value.dtype()), dtype_name(tensor_.dtype())));
    }
    if (value.shape() == tensor_.shape()) {
      // Into the memory that is there, which may be the caller's own array.
      return pending([this, from = value.bytes()] {
        if (!from.empty()) std::memcpy(tensor_.bytes().data(), from.data(), from.size());
      });
    }
    return pending([this, copy = value]() mutable { tensor_ = std::move(copy); });
  }

  const void* target() const noexcept override { return &tensor_; }

 private:
  Tensor& tensor_;
};

template <class T>
class SaveableNumber final : public Saveable {
 public:
  explicit SaveableNumber(T& number) : number_(number) {}

  SavedObject save() const override {
    return {.type = "number",
            .attributes = {},
            .values = {{"value", Tensor::scalar<T>(number_)}},
            .members = {}};
  }

  std::unique_ptr<PendingRestore> prepare(const SavedObject& saved) override {
    check_type(saved, "number");
    const T value = value_of(saved).item<T>();
    return pending([this, value] { number_ = value; });
  }

  const void* target() const noexcept override { return &number_; }

 private:
  T& number_;
};

class SaveableMembers final : public Saveable {
 public:
  explicit SaveableMembers(NamedObjects members) : members_(std::move(members)) {
    std::set<std::string_view> names;
    for (const NamedObject& member : members_) {
      if (member.object == nullptr) {
        throw Error(ErrorCode::invalid_argument, fmt::format("member '{}' is null", member.name));
      }
      if (!names.insert(member.name).second) {
        throw Error(ErrorCode::invalid_argument,
                    fmt::format("two members are named '{}'; names must differ", member.name));
      }
    }
  }

  SavedObject save() const override { return collect(&Saveable::save); }
  SavedObject view() const override { return collect(&Saveable::view); }

  std::unique_ptr<PendingRestore> prepare(const SavedObject& saved) override {
    check_type(saved, "object");
    auto all = std::make_unique<PendingMembers>();
    for (const auto& [name, object] : members_) {
      const auto found = saved.members.find(name);
      if (found == saved.members.end()) {
        throw Error(ErrorCode::not_found, fmt::format("has no member '{}'", name));
      }
      try {
        all->parts.push_back(object->prepare(found->second));
        if (all->parts.back() == nullptr) {
          throw Error(ErrorCode::internal,
                      "has a prepare() that returned null; it returns or throws");
        }
      } catch (const Error& error) {
        throw Error(error.code(), fmt::format("member '{}' {}", name, error.message()));
      }
    }
    return all;
  }

  const NamedObjects& members() const noexcept override { return members_; }

  void ensure_in_step(const std::source_location& location, const ValueReader& reader) override {
    for (const auto& member : members_) member.object->ensure_in_step(location, reader);
  }
  void begin_restore(const std::source_location& location) override {
    for (const auto& member : members_) member.object->begin_restore(location);
  }

 private:
  struct PendingMembers final : PendingRestore {
    std::vector<std::unique_ptr<PendingRestore>> parts;

    RestoreOutcome outcome() const noexcept override {
      for (const auto& part : parts) {
        if (part->outcome() == RestoreOutcome::derived) return RestoreOutcome::derived;
      }
      return RestoreOutcome::exact;
    }
    void commit() noexcept override {
      for (const auto& part : parts) part->commit();
    }
  };

  SavedObject collect(SavedObject (Saveable::*how)() const) const {
    SavedObject saved{.type = "object", .attributes = {}, .values = {}, .members = {}};
    for (const auto& [name, object] : members_) {
      saved.members.emplace(name, (object.get()->*how)());
    }
    return saved;
  }

  NamedObjects members_;
};

}  // namespace

PendingRestore::~PendingRestore() = default;
Saveable::~Saveable() = default;
SavedObject Saveable::view() const { return save(); }
const void* Saveable::target() const noexcept { return this; }
const NamedObjects& Saveable::members() const noexcept {
  static const NamedObjects none;
  return none;
}
void Saveable::ensure_in_step(const std::source_location& /*location*/,
                              const ValueReader& /*reader*/) {}
void Saveable::begin_restore(const std::source_location& /*location*/) {}
std::optional<double> Saveable::timeout_seconds() const noexcept { return std::nullopt; }

Tensor borrowed_tensor(const Tensor& tensor) {
  // Nobody writes through it: what a checkpoint gets is read.
  auto* const data = const_cast<std::byte*>(tensor.bytes().data());
  return Tensor::adopt(tensor.dtype(), tensor.shape(), tensor.device(), data, nullptr);
}

std::shared_ptr<Saveable> saveable_tensor(Tensor& tensor) {
  return std::make_shared<SaveableTensor>(tensor);
}
std::shared_ptr<Saveable> saveable_number(std::int64_t& number) {
  return std::make_shared<SaveableNumber<std::int64_t>>(number);
}
std::shared_ptr<Saveable> saveable_number(double& number) {
  return std::make_shared<SaveableNumber<double>>(number);
}
std::shared_ptr<Saveable> saveable_members(NamedObjects members) {
  return std::make_shared<SaveableMembers>(std::move(members));
}

}  // namespace counterpoint::inline v1
