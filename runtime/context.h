// Where the calling thread is: outside of any strategy, in a strategy's scope (cross-replica), or
// running as one replica. Immutable; set only by guards, for the thread that holds them.
//
//   const cp::Context& context = cp::current_context();
//   if (context.kind == cp::ContextKind::replica) use(context.replica_id);
//   const cp::ContextGuard guard({.kind = cp::ContextKind::cross_replica, .domain = &domain});
//
// Thread-safety: each thread has its own.
#pragma once

#include <cstdint>

#include "counterpoint/kernels/export.h"
#include "counterpoint/runtime/device.h"

namespace counterpoint::inline v1 {

class StreamDomain;
class Tracer;

enum class ContextKind : std::uint8_t { outside, cross_replica, replica };

struct Context {
  ContextKind kind = ContextKind::outside;
  StreamDomain* domain = nullptr;  // the strategy's; null outside
  int replica_id = 0;              // in the whole strategy
  int local_index = 0;             // on this rank
  int num_replicas = 1;            // in sync
  Device device = {};
  Tracer* tracer = nullptr;  // of the function being traced, if one is
};

// The calling thread's context.
COUNTERPOINT_PUBLIC const Context& current_context() noexcept;

// Makes `context` the calling thread's until it goes out of scope. Guards nest.
class COUNTERPOINT_PUBLIC ContextGuard {
 public:
  explicit ContextGuard(const Context& context) noexcept;
  ContextGuard(const ContextGuard&) = delete;
  ContextGuard& operator=(const ContextGuard&) = delete;
  ~ContextGuard();

 private:
  const Context context_;
  const Context* const previous_;
};

}  // namespace counterpoint::inline v1
