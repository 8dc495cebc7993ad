// How many threads a large draw may use.
//
//   cp::set_fill_threads(1);     // every draw on the thread that asks for it
//   cp::set_fill_threads(0);     // as many as the process may use CPUs (the default)
//   int most = cp::fill_threads();
//
// Draws from some hundred kilobytes on are split among a few threads of the library's own: as many
// as the process's affinity mask has CPUs when the first such draw is made (the main thread's mask,
// so that `taskset`, a batch system or a launcher that binds ranks decides; several ranks a node
// that are bound to nothing share its CPUs, and set a number here). Those threads sleep between
// draws and never spin. Draws made at the same time by several threads, as by local replicas, do
// not wait for each other: one has the helpers, the others do without.
//
// Thread-safety: any thread may call these, at any time. Determinism: the numbers are the same
// whatever the threads, which all take the caller's floating-point environment (fills want the
// default one: see kernels/stream_definition.h). A child of fork() counts its CPUs anew.
#pragma once

#include "counterpoint/kernels/export.h"

namespace counterpoint::inline v1 {

// At most `threads` threads a draw from now on, the caller's included, and never more than CPUs.
// Errors: invalid_argument if it is negative.
COUNTERPOINT_PUBLIC void set_fill_threads(int threads);

// What a large draw may use now, the caller's thread included: 1 or more.
COUNTERPOINT_PUBLIC int fill_threads();

}  // namespace counterpoint::inline v1
