// Which of MPI's functions this program calls, and with how many bytes: linked with counted_calls.cc, whose
// functions count before they pass on.
//
//   EXPECT_EQ(sent_by([&] { strategy.check(); }), Calls{"allgather 64"});
//
// Thread-safety: none; one thread calls MPI.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace counterpoint {

// With the bytes that this rank brings to each; for an all-to-all, to each rank.
using Calls = std::vector<std::string>;

// Those that were made so far.
Calls& counted_calls();

// "allgather 64"
std::string call_of(const char* what, std::int64_t bytes);
std::int64_t bytes_of(const std::string& call);

inline Calls operator+(Calls first, const Calls& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

// What `operation` sends.
template <class Operation>
Calls sent_by(Operation operation) {
  counted_calls().clear();
  operation();
  return std::exchange(counted_calls(), {});
}

}  // namespace counterpoint
