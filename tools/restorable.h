// Whether what a file holds could be restored by any program: what the library's own types refuse whatever
// they are restored into.
//
//   require_restorable(path, "noise", file.read("noise"));
//
// Types of a user's own pass, since only their program knows them. Thread-safety: any threads.
#pragma once

#include <string>

#include "counterpoint/runtime/saveable.h"

namespace counterpoint::tools {

// Errors: data_loss with the words that a restore has for it.
void require_restorable(const std::string& path, const std::string& name,
                        const SavedObject& object);

}  // namespace counterpoint::tools
