#include "counterpoint/strategy/mirrored_variable.h"

#include <fmt/format.h>

#include <cstring>
#include <ostream>
#include <utility>

#include "counterpoint/runtime/context.h"
#include "counterpoint/runtime/error.h"
#include "counterpoint/runtime/internal/element_text.h"
#include "counterpoint/runtime/internal/saved_replicas.h"
#include "counterpoint/strategy/internal/element_arithmetic.h"
#include "counterpoint/strategy/internal/variable_store.h"

namespace counterpoint::inline v1 {
namespace {

void apply(Operation operation, Tensor& value, const ConstBuffer& operand) {
  const std::span<std::byte> bytes = value.bytes();
  if (operation == Operation::assign) {
    if (!bytes.empty()) std::memmove(bytes.data(), operand.data, bytes.size());
    return;
  }
  add_elements({bytes.data(), value.size(), value.dtype(), {}}, operand,
               operation == Operation::assign_sub);
}

// Equal on every rank for variables of one name, or without one of one line.
std::uint64_t digest_of(const std::string& name, const std::source_location& location) {
  constexpr std::uint64_t kVariable = 0x7661726961626c65u;  // a generator's may have the same name
  return mix_digest(StreamOrigin{.name = name, .location = location}.digest(), kVariable);
}

}  // namespace

// What a restore will put into every copy.
class PendingVariable final : public PendingRestore {
 public:
  // `value` outlives this: of all replicas, or [replicas, ...] of each.
  PendingVariable(std::shared_ptr<VariableStore> store, const Tensor& value, RestoreOutcome outcome)
      : store_(std::move(store)), value_(value), outcome_(outcome) {}

  RestoreOutcome outcome() const noexcept override { return outcome_; }

  void commit() noexcept override {
    const Shape shape = value_.shape();
    store_->core_->record_for_all(store_->digest_, {.operation = Operation::restore,
                                                    .dtype = value_.dtype(),
                                                    .shape = shape,
                                                    .scalars = {},
                                                    .location = store_->restored_at_});
    const std::size_t bytes = store_->copy_bytes();
    if (bytes == 0) return;
    const bool each = shape.size() != store_->copies_.front().value.shape().size();
    auto row = static_cast<std::size_t>(each ? store_->core_->first_replica_id() : 0);
    for (VariableStore::Copy& copy : store_->copies_) {
      std::memcpy(copy.value.bytes().data(), value_.bytes().data() + row * bytes, bytes);
      if (each) ++row;
    }
  }

 private:
  std::shared_ptr<VariableStore> store_;
  const Tensor& value_;
  RestoreOutcome outcome_;
};

VariableStore::VariableStore(std::shared_ptr<StrategyCore> core, const Tensor& initial,
                             std::string name, const std::source_location& location)
    : core_(std::move(core)),
      name_(std::move(name)),
      location_(location),
      number_(core_->next_of(core_->cross_replica_context(), digest_of(name_, location))),
      digest_(mix_digest(digest_of(name_, location), static_cast<std::uint64_t>(number_))),
      copies_(static_cast<std::size_t>(core_->replicas_per_rank())) {
  for (Copy& copy : copies_) copy.value = initial;
}

VariableStore::~VariableStore() = default;

std::string VariableStore::describe() const {
  const std::string text = name_.empty() ? "variable made at " + location_to_string(location_)
                                         : fmt::format("variable '{}'", name_);
  return number_ > 0 ? fmt::format("{} (number {})", text, number_ + 1) : text;
}

const Tensor& VariableStore::value() const {
  const Context& context = current_context();
  if (context.kind == ContextKind::replica) {
    if (context.domain != core_.get()) core_->check_use(context, describe());
    return copies_[static_cast<std::size_t>(context.local_index)].value;
  }
  return copies_.front().value;
}

void VariableStore::assign(Operation operation, const ConstBuffer& values, const Shape* shape,
                           const std::source_location& location) {
  const Tensor& first = copies_.front().value;
  const bool same_shape = shape == nullptr ? values.count == first.size() : *shape == first.shape();
  if (values.dtype != first.dtype() || !same_shape) {
    const std::string given =
        shape == nullptr ? fmt::format("an array of {}", values.count) : shape_to_string(*shape);
    throw Error(ErrorCode::invalid_argument,
                fmt::format("{} of {} {} cannot be assigned from {} {}", describe(),
                            dtype_name(first.dtype()), shape_to_string(first.shape()),
                            dtype_name(values.dtype), given));
  }
  const CallRecord record{.operation = operation,
                          .dtype = first.dtype(),
                          .shape = first.shape(),
                          .scalars = {},
                          .location = location};
  const Context& context = current_context();
  if (context.kind == ContextKind::replica && context.domain == core_.get()) {
    {
      LocalReplica& local = core_->replica(context.local_index);
      const std::scoped_lock lock(local.lock);
      local.log.record(digest_, record);
    }
    apply(operation, copies_[static_cast<std::size_t>(context.local_index)].value, values);
    return;
  }
  core_->check_use(context, describe());
  core_->record_for_all(digest_, record);
  // From the last to the first: the values may be the first copy's own.
  for (std::size_t i = copies_.size(); i-- > 0;) apply(operation, copies_[i].value, values);
}

SavedObject VariableStore::save() const {
  const SavedObject borrowed = VariableStore::view();
  return SavedObject(borrowed);
}

SavedObject VariableStore::view() const {
  SavedObject saved;
  saved.type = "variable";
  saved.attributes.emplace("replicas", static_cast<std::int64_t>(core_->num_replicas()));
  saved.values.emplace("value", borrowed_tensor(copies_.front().value));
  if (!saved_copies().empty()) {
    Tensor all(copies_.front().value.dtype(), shape_of_all());
    std::memcpy(all.bytes().data(), saved_copies().data(), saved_copies().size());
    saved.values.emplace("replica_values", std::move(all));
  }
  return saved;
}

std::unique_ptr<PendingRestore> VariableStore::prepare(const SavedObject& saved) {
  core_->check_use(current_context(), describe());
  const auto found = saved.values.find("value");
  if (saved.type != "variable" || found == saved.values.end()) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("holds a {}, but a variable is to be restored", saved.type));
  }
  const Tensor& own = copies_.front().value;
  const Tensor& value = found->second;
  if (value.dtype() != own.dtype() || value.shape() != own.shape()) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("holds {} {}, but {} is {} {}", dtype_name(value.dtype()),
                            shape_to_string(value.shape()), describe(), dtype_name(own.dtype()),
                            shape_to_string(own.shape())));
  }
  if (const auto each = saved.values.find("replica_values"); each != saved.values.end()) {
    const Tensor& values = each->second;
    const std::int64_t rows = values.shape().empty() ? 0 : values.shape().front();
    saved_replicas(saved, rows);
    core_->check_each_assignable(rows, describe());
    if (values.dtype() != own.dtype() || values.shape() != shape_of_all()) {
      throw Error(
          ErrorCode::invalid_argument,
          fmt::format("holds {} {} for the replicas of {}, which are {} {}",
                      dtype_name(values.dtype()), shape_to_string(values.shape()), describe(),
                      dtype_name(own.dtype()), shape_to_string(shape_of_all())));
    }
    return std::make_unique<PendingVariable>(shared_from_this(), values, RestoreOutcome::exact);
  }
  saved_replicas(saved);
  // A variable is the same on every replica: no replica count changes it.
  return std::make_unique<PendingVariable>(shared_from_this(), value, RestoreOutcome::exact);
}

void VariableStore::ensure_in_step(const std::source_location& location,
                                   const ValueReader& reader) {
  core_->begin_save(*this, location, reader);
}

void VariableStore::begin_restore(const std::source_location& location) {
  restored_at_ = location;
  core_->begin_restore(*this, location);
}

Shape VariableStore::shape_of_all() const {
  Shape shape = copies_.front().value.shape();
  shape.insert(shape.begin(), core_->num_replicas());
  return shape;
}

std::uint64_t VariableStore::identity() const {
  const Tensor& value = copies_.front().value;
  std::uint64_t identity = mix_digest(digest_, static_cast<std::uint64_t>(value.dtype()));
  for (const std::int64_t length : value.shape()) {
    identity = mix_digest(identity, static_cast<std::uint64_t>(length));
  }
  return identity;
}

std::string VariableStore::describe_element(std::size_t index,
                                            std::span<const std::byte> copy) const {
  const std::size_t size = element_bytes();
  return fmt::format(
      "{} in element {}",
      element_to_string(copies_.front().value.dtype(), copy.subspan(index * size, size)), index);
}

std::span<const std::byte> VariableStore::copy_of(int local_index,
                                                  std::vector<std::byte>& /*scratch*/) const {
  return copies_[static_cast<std::size_t>(local_index)].value.bytes();
}

void VariableStore::write_copy(int local_index, std::span<const std::byte> bytes) noexcept {
  Tensor& value = copies_[static_cast<std::size_t>(local_index)].value;
  if (!bytes.empty()) std::memcpy(value.bytes().data(), bytes.data(), bytes.size());
}

MirroredVariable::MirroredVariable(std::shared_ptr<VariableStore> store)
    : store_(std::move(store)) {}
MirroredVariable::MirroredVariable(MirroredVariable&&) noexcept = default;
MirroredVariable& MirroredVariable::operator=(MirroredVariable&&) noexcept = default;
MirroredVariable::~MirroredVariable() = default;

DType MirroredVariable::dtype() const noexcept { return store_->value().dtype(); }
const Shape& MirroredVariable::shape() const noexcept { return store_->value().shape(); }
const Tensor& MirroredVariable::value() const { return store_->value(); }

void MirroredVariable::assign(const Tensor& value, Location location) {
  const Shape shape = value.shape();
  store_->assign(Operation::assign, {value.bytes().data(), value.size(), value.dtype(), {}}, &shape,
                 location);
}

void MirroredVariable::assign_add(const Tensor& value, Location location) {
  store_->assign(Operation::assign_add, {value.bytes().data(), value.size(), value.dtype(), {}},
                 &value.shape(), location);
}

void MirroredVariable::assign_sub(const Tensor& value, Location location) {
  store_->assign(Operation::assign_sub, {value.bytes().data(), value.size(), value.dtype(), {}},
                 &value.shape(), location);
}

void MirroredVariable::assign_buffer(Operation operation, const ConstBuffer& values,
                                     const Location& location) {
  store_->assign(operation, values, nullptr, location);
}

std::shared_ptr<Saveable> MirroredVariable::saveable() const { return store_; }

std::string MirroredVariable::to_string() const {
  return fmt::format("{}: {}", store_->describe(), store_->value().to_string());
}

std::ostream& operator<<(std::ostream& stream, const MirroredVariable& variable) {
  return stream << variable.to_string();
}

}  // namespace counterpoint::inline v1
