// Whether a pool has as many threads at once as asked.
//
//   FillPool pool(3);
//   EXPECT_TRUE(runs_on(pool, 3));
//   EXPECT_FALSE(runs_on(pool, 3));   // while another thread has it
//
// Thread-safety: any thread.
#pragma once

#include <latch>

#include "counterpoint/runtime/internal/fill_pool.h"

namespace counterpoint {

// As many slices as threads, each of which ends when all have begun: only that many threads at once
// get through.
inline bool runs_on(FillPool& pool, int threads) {
  std::latch all(threads);
  const auto meet = [&all](std::uint64_t, std::uint64_t) noexcept { all.arrive_and_wait(); };
  return pool.try_run(sliced_work(meet, static_cast<std::uint64_t>(threads), 1), threads);
}

}  // namespace counterpoint
