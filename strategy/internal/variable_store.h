// The copies behind a mirrored variable: one a local replica.
//
//   auto store = std::make_shared<VariableStore>(core, initial, "weights", location);
//   store->assign(Operation::assign_sub, ConstBuffer::of(gradient), location);
//
// Thread-safety: a copy by its replica's thread; all of them in cross-replica context by one
// thread.
#pragma once

#include <cstdint>
#include <memory>
#include <source_location>
#include <span>
#include <string>
#include <vector>

#include "counterpoint/runtime/saveable.h"
#include "counterpoint/runtime/tensor.h"
#include "counterpoint/strategy/internal/mirrored_objects.h"
#include "counterpoint/strategy/internal/strategy_core.h"

namespace counterpoint::inline v1 {

class VariableStore : public Saveable,
                      public MirroredObject,
                      public std::enable_shared_from_this<VariableStore> {
 public:
  VariableStore(std::shared_ptr<StrategyCore> core, const Tensor& initial, std::string name,
                const std::source_location& location);
  ~VariableStore() override;

  const Tensor& value() const;
  void assign(Operation operation, const ConstBuffer& values, const Shape* shape,
              const std::source_location& location);

  SavedObject save() const override;
  SavedObject view() const override;
  std::unique_ptr<PendingRestore> prepare(const SavedObject& saved) override;
  void ensure_in_step(const std::source_location& location, const ValueReader& reader) override;
  void begin_restore(const std::source_location& location) override;
  std::optional<double> timeout_seconds() const noexcept override {
    return core_->timeout_seconds();
  }

  // MirroredObject
  std::uint64_t identity() const override;
  std::uint64_t logged_as() const noexcept override { return digest_; }
  std::string describe() const override;
  std::size_t copy_bytes() const override { return copies_.front().value.bytes().size(); }
  std::size_t element_bytes() const override { return dtype_size(copies_.front().value.dtype()); }
  std::string describe_element(std::size_t index, std::span<const std::byte> copy) const override;
  std::span<const std::byte> copy_of(int local_index,
                                     std::vector<std::byte>& scratch) const override;
  void write_copy(int local_index, std::span<const std::byte> bytes) noexcept override;

 private:
  friend class PendingVariable;
  struct alignas(64) Copy {
    Tensor value;
  };

  // [replicas, ...]
  Shape shape_of_all() const;

  const std::shared_ptr<StrategyCore> core_;
  const std::string name_;
  const std::source_location location_;
  std::source_location restored_at_;
  const std::int64_t number_;  // among those of its name, or else its line, from 0
  const std::uint64_t digest_;
  std::vector<Copy> copies_;
};

}  // namespace counterpoint::inline v1
