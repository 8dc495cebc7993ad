#include <utility>

#include "counterpoint/runtime/communicator.h"

namespace counterpoint::inline v1 {

Work::Work() = default;
Work::Work(std::unique_ptr<Operation> operation) : operation_(std::move(operation)) {}
Work::Work(Work&&) noexcept = default;
Work& Work::operator=(Work&&) noexcept = default;
Work::~Work() = default;

bool Work::test() {
  if (operation_ && !operation_->test()) return false;
  operation_.reset();
  return true;
}

void Work::wait(double timeout_seconds) {
  if (operation_) operation_->wait(timeout_seconds);
  operation_.reset();
}

}  // namespace counterpoint::inline v1
