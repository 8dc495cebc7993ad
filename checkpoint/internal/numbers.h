// Plain numbers among the objects of a save: a file holds rank 0's, so they must be everybody's.
//
//   const std::string numbers = numbers_of(objects);         // "step 17", a line each
//   require_same_numbers(communicator, numbers);             // collective
//
// Thread-safety: as the communicator.
#pragma once

#include <string>

#include "counterpoint/runtime/communicator.h"
#include "counterpoint/runtime/saveable.h"

namespace counterpoint::inline v1::checkpoint_internal {

// Also of nested objects. Errors: what an object's view() throws.
std::string numbers_of(const NamedObjects& objects);

// Collective. Errors, on every rank: diverged, naming the first number that differs.
void require_same_numbers(Communicator& communicator, const std::string& numbers);

}  // namespace counterpoint::inline v1::checkpoint_internal
