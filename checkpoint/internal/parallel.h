// Independent pieces of work on a few threads that live as long as the call.
//
//   const std::size_t workers = worker_count(leaves, 8);
//   for_each_in_parallel(leaves, workers, [&](std::size_t leaf, std::size_t worker) {
//     digests[leaf] = sha256(leaf_of(file, leaf));   // `worker` < `workers`
//   });
//
// Thread-safety: any. Determinism: pieces start in order, and end in any.
#pragma once

#include <cstddef>
#include <functional>

namespace counterpoint::inline v1::checkpoint_internal {

// How many threads, the caller's included, should work on `pieces`, of which each should get
// `least`. What a process may use can change between two calls.
std::size_t worker_count(std::size_t pieces, std::size_t least);

// Calls work(piece, worker) for each piece, on the caller's thread and up to `workers` - 1 others,
// fewer where no more are to be had, which leave signals to the program's own. What the first of
// them throws is thrown here, and no further piece is begun.
void for_each_in_parallel(std::size_t pieces, std::size_t workers,
                          const std::function<void(std::size_t, std::size_t)>& work);

}  // namespace counterpoint::inline v1::checkpoint_internal
