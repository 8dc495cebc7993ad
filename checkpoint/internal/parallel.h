// Independent pieces of work on a few threads that live as long as the call.
//
//   for_each_in_parallel(leaves, 8, [&](std::size_t leaf, std::size_t worker) {
//     digests[leaf] = sha256(leaf_of(file, leaf));   // `worker` < worker_count(leaves, 8)
//   });
//
// Thread-safety: any. Determinism: pieces start in order, and end in any.
#pragma once

#include <cstddef>
#include <functional>

namespace counterpoint::inline v1::checkpoint_internal {

// How many threads, the caller's included, work on `pieces`, of which each should get `least`.
std::size_t worker_count(std::size_t pieces, std::size_t least);

// Calls work(piece, worker) for each piece; what the first of them throws is thrown here, and no
// further piece is begun.
void for_each_in_parallel(std::size_t pieces, std::size_t least,
                          const std::function<void(std::size_t, std::size_t)>& work);

}  // namespace counterpoint::inline v1::checkpoint_internal
