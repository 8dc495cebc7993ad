// The process's global generator: one of the two pieces of global state that the library has.
//
//   cp::get_global_generator().normal<float>({3});
//   cp::set_global_generator(cp::Generator::from_seed(1));
//
// Made on first use from the operating system's entropy; where that is in a strategy's scope or
// run, as a generator of the strategy's with the same state on every rank. Thread-safety: both
// functions may be called from any thread.
#pragma once

#include <string_view>

#include "counterpoint/runtime/generator.h"

namespace counterpoint::inline v1 {

// The name of its stream, by which a strategy knows it.
inline constexpr std::string_view global_generator_name = "global generator";

// A handle on the global generator's state.
COUNTERPOINT_PUBLIC Generator get_global_generator();
// Replaces it; handles that were got before keep the old one.
COUNTERPOINT_PUBLIC void set_global_generator(Generator generator);

}  // namespace counterpoint::inline v1
