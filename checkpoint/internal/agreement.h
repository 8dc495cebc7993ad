// How ranks find out together whether a step of a save or a restore worked: an error of one rank
// becomes the same error on all of them, at once.
//
//   const Attempt attempt = attempting([&] { file = read_whole(files, path, limit); });
//   const std::uint64_t size = agree(communicator, call, attempt, file.size());  // rank 0's value
//
// Each agreement is one 64-byte min-reduction; only a failure exchanges more.
// Thread-safety: as the communicator.
#pragma once

#include <cstdint>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "counterpoint/runtime/communicator.h"
#include "counterpoint/runtime/error.h"

namespace counterpoint::inline v1::checkpoint_internal {

// What went wrong on this rank, if anything.
using Attempt = std::optional<Error>;

// Calls `function`; what it throws becomes an Error: resource_exhausted for a lack of memory,
// internal for what is not an Error.
template <class Function>
Attempt attempting(Function&& function) {
  try {
    function();
    return std::nullopt;
  } catch (const Error& error) {
    return error;
  } catch (const std::bad_alloc&) {
    return Error(ErrorCode::resource_exhausted, "no memory; free some and try again");
  } catch (const std::exception& error) {
    return Error(ErrorCode::internal, error.what());
  } catch (...) {
    return Error(ErrorCode::internal, "an exception that is no std::exception");
  }
}

// Returns what `function` does, with an Error, resource_exhausted, in place of std::bad_alloc.
template <class Function>
auto with_memory_errors(Function&& function) {
  try {
    return function();
  } catch (const std::bad_alloc&) {
    throw Error(ErrorCode::resource_exhausted, "no memory; free some and try again");
  }
}

// Returns rank 0's `value`. `call` says what is being done to what; ranks that do different things
// get failed_precondition. If any rank failed, all throw the lowest such rank's error, with the
// others' messages behind it.
std::uint64_t agree(Communicator& communicator, std::string_view call, const Attempt& attempt,
                    std::uint64_t value = 0);

// As agree(), after an attempt in which ranks met elsewhere. Where that may have failed for want of
// other ranks, they have a few seconds to come, and what this rank throws without them is
// `attempt`, which names them; the communicator is unusable then.
std::uint64_t agree_after_meeting(Communicator& communicator, std::string_view call,
                                  const Attempt& attempt, std::uint64_t value = 0);

// Whether every rank's text is this one.
bool same_on_all_ranks(Communicator& communicator, std::string_view text);

// Every rank's text, rank 0's first.
std::vector<std::string> gather_texts(Communicator& communicator, const std::string& text);

// Every rank has rank 0's text.
void broadcast_text(Communicator& communicator, std::string& text);

}  // namespace counterpoint::inline v1::checkpoint_internal
