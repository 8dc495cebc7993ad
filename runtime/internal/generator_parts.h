// What the sources of the generator share.
#pragma once

#include <memory>
#include <string_view>

#include "counterpoint/runtime/context.h"
#include "counterpoint/runtime/state_store.h"

namespace counterpoint::inline v1 {

// The store of a generator that is made where the calling thread is.
std::shared_ptr<StateStore> make_store(const StreamDefinition& definition, const StreamState& state,
                                       StreamOrigin origin, const StreamLayout& layout);

// Errors: failed_precondition while a function is traced, naming the `operation` that cannot be.
void check_not_tracing(const Context& context, std::string_view operation);

}  // namespace counterpoint::inline v1
