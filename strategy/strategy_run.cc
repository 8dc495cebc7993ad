// Running replicas: on threads that this one serves, or, with one replica a rank, on this one.
#include <fmt/format.h>

#include "counterpoint/runtime/error.h"
#include "counterpoint/strategy/internal/equal_turns.h"
#include "counterpoint/strategy/internal/strategy_core.h"

namespace counterpoint::inline v1 {
namespace {

// What a replica's function threw, as an error that can travel to the other ranks.
Error error_of_current_exception(int replica_id, int rank) {
  const std::string where = fmt::format("replica {} on rank {}: ", replica_id, rank);
  try {
    throw;
  } catch (const Error& error) {
    return {error.code(), where + error.message()};
  } catch (const std::bad_alloc&) {
    return {ErrorCode::resource_exhausted, where + "out of memory"};
  } catch (const std::exception& exception) {
    return {ErrorCode::aborted, where + exception.what()};
  } catch (...) {
    return {ErrorCode::aborted, where + "threw something that is no std::exception"};
  }
}

}  // namespace

void StrategyCore::check_can_run(const char* what) {
  const Context& context = current_context();
  if (context.kind == ContextKind::replica) {
    throw Error(ErrorCode::failed_precondition,
                fmt::format("{} of {} was called by a replica of {}; replicas do not nest", what,
                            name(), context.domain->name()));
  }
  check_use(context, what);
  if (closed_) {
    throw Error(ErrorCode::failed_precondition, fmt::format("{} has been destroyed", name()));
  }
  // Before any replica has done anything. A rank that is alone sends nothing at its end.
  if (num_ranks() > 1) payload_->ensure_callable();
}

void StrategyCore::begin_run() {
  made_in_run_.clear();  // what replicas make from a seed is the same again in the next
  run_token_.reset();
  rendezvous_.begin();
  running_ = true;
}

void StrategyCore::finish_run() {
  running_ = false;
  if (const std::optional<Error>& failure = rendezvous_.failure()) throw stop(*failure);
  finish_equal_turns(replicas_);
}

std::optional<Error> StrategyCore::call_replica(
    const std::function<void(ReplicaContext&)>& function, int local_index) noexcept {
  const Context context = replica_context(local_index);
  const ContextGuard guard(context);
  try {
    ReplicaContext replica(*this, context);
    function(replica);
    return std::nullopt;
  } catch (...) {
    return error_of_current_exception(context.replica_id, rank());
  }
}

void StrategyCore::run(const std::function<void(ReplicaContext&)>& function) {
  check_can_run("run");
  ReplicaThreads::Work work;
  if (threads_ != nullptr) {
    // A replica that hangs may outlive all but what its thread holds itself.
    work = [core = shared_from_this(), function](int local_index) {
      const std::optional<Error> error = core->call_replica(function, local_index);
      core->rendezvous_.leave(local_index, error);
    };
  }
  begin_run();  // what needs memory has it
  if (threads_ == nullptr) {
    rendezvous_.leave(0, call_replica(function, 0));
    rendezvous_.serve();
  } else {
    threads_->start(std::move(work));
    rendezvous_.serve();
    rendezvous_.abandoned() ? threads_->abandon() : threads_->wait();
  }
  finish_run();
}

void StrategyCore::enter() {
  check_can_run("enter_replica");
  if (replicas_per_rank() != 1) {
    throw Error(
        ErrorCode::failed_precondition,
        fmt::format("enter_replica makes the calling thread the rank's one replica, but {} has {} "
                    "a rank; use run, or make it with replicas_per_rank = 1",
                    name(), replicas_per_rank()));
  }
  begin_run();
}

void StrategyCore::leave(const std::optional<Error>& error) noexcept {
  rendezvous_.leave(0, error);
  rendezvous_.serve();
  running_ = false;
  if (const std::optional<Error>& failure = rendezvous_.failure()) {
    stop(*failure);
  } else {
    finish_equal_turns(replicas_);
  }
}

Error StrategyCore::left_in_failure(const std::string& why) const {
  return {ErrorCode::aborted, fmt::format("{}: {}", agreement_.last_call(0), why)};
}

void StrategyCore::meet(const Context& context, Request& request) {
  rendezvous_.meet(context.local_index, request);
}

}  // namespace counterpoint::inline v1
