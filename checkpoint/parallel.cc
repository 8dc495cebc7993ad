#include "counterpoint/checkpoint/internal/parallel.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <new>
#include <system_error>
#include <thread>
#include <vector>

#include "counterpoint/runtime/internal/signals_blocked.h"

namespace counterpoint::inline v1::checkpoint_internal {

std::size_t worker_count(std::size_t pieces, std::size_t least) {
  if (pieces / least <= 1) return 1;  // asking for the cores reads a file
  constexpr std::size_t most = 8;
  const std::size_t cores = std::max(1u, std::thread::hardware_concurrency());
  return std::clamp<std::size_t>(pieces / least, 1, std::min(cores, most));
}

void for_each_in_parallel(std::size_t pieces, std::size_t workers,
                          const std::function<void(std::size_t, std::size_t)>& work) {
  std::atomic<std::size_t> next{0};
  std::mutex mutex;
  std::exception_ptr failure;
  const auto run = [&](std::size_t worker) noexcept {
    for (std::size_t piece = next++; piece < pieces; piece = next++) {
      try {
        work(piece, worker);
      } catch (...) {
        const std::scoped_lock lock(mutex);
        if (failure == nullptr) failure = std::current_exception();
        next = pieces;
      }
    }
  };
  std::vector<std::jthread> helpers;
  try {
    const SignalsBlocked deaf;
    helpers.reserve(workers - 1);
    while (helpers.size() + 1 < workers) helpers.emplace_back(run, helpers.size() + 1);
  } catch (const std::system_error&) {
    // No more threads to be had: those that there are do the rest.
  } catch (const std::bad_alloc&) {
    // Likewise.
  }
  run(0);
  helpers.clear();  // joins them
  if (failure != nullptr) std::rethrow_exception(failure);
}

}  // namespace counterpoint::inline v1::checkpoint_internal
