#include "counterpoint/runtime/context.h"

namespace counterpoint::inline v1 {
namespace {

constexpr Context kOutside;
constinit thread_local const Context* current = &kOutside;

}  // namespace

const Context& current_context() noexcept { return *current; }

ContextGuard::ContextGuard(const Context& context) noexcept
    : context_(context), previous_(current) {
  current = &context_;
}

ContextGuard::~ContextGuard() { current = previous_; }

}  // namespace counterpoint::inline v1
