// What all ranks do together outside of a run: agreeing, stopping, and what saves and restores need.
#include <fmt/format.h>

#include <exception>
#include <new>

#include "counterpoint/runtime/error.h"
#include "counterpoint/strategy/internal/last_calls.h"
#include "counterpoint/strategy/internal/strategy_core.h"

namespace counterpoint::inline v1 {

Error StrategyCore::stop(const Error& error) {
  if (stopped_) return error;
  stopped_ = with_last_calls(error);
  has_stopped_.store(true, std::memory_order_release);
  return *stopped_;
}

Error StrategyCore::with_last_calls(const Error& error) const {
  LastCallsFile file;
  try {
    file = write_last_calls(last_calls_folder(options_.last_calls_folder), rank(),
                            fmt::format("{} stopped on rank {}: {}", name(), rank(), error.what()),
                            first_replica_id(), replicas_, agreement_.names());
  } catch (const std::bad_alloc&) {
    // The error itself matters more.
  }
  if (!file.path.empty()) {
    return {error.code(), fmt::format("{}; the last calls of rank {} are in {}", error.message(),
                                      rank(), file.path)};
  }
  if (file.problem.empty()) return error;
  return {error.code(), fmt::format("{}; the last calls of rank {} could not be written: {}",
                                    error.message(), rank(), file.problem)};
}

Error StrategyCore::give_up(const Error& error) {
  agreement_.control().revoke(error);
  payload_->revoke(error);
  return stop(error);
}

void StrategyCore::together(const std::function<void()>& action, const Agreement::Describe& here) {
  try {
    action();
  } catch (const AgreedError& error) {
    if (error.stops()) throw stop(error);
    throw Error(error);
  } catch (const Error& error) {
    throw give_up(agreement_.placed(error, here ? here() : ""));
  } catch (const std::bad_alloc&) {
    throw give_up(Error(ErrorCode::resource_exhausted, "no memory for what ranks do together"));
  }
}

void StrategyCore::agree(const CallRecord& record, const std::optional<Error>& local_error,
                         bool compare_calls, const CalledUpon& of) {
  Proposal proposal{.occasion = of.stream == 0 ? record.fingerprint()
                                               : mix_digest(record.fingerprint(), of.stream),
                    .calls = {},
                    .turn = {},
                    .failed = local_error.has_value(),
                    .ended = true};
  const auto here = [&] {
    return "at " + record.to_string() + (of.what.empty() ? "" : ", of " + of.what);
  };
  together(
      [&] {
        agreement_.settle();
        if (compare_calls) agreement_.compare_calls(proposal);
        agreement_.agree(proposal, &record, local_error, here);
      },
      here);
  record_for_all(of.stream, record);
}

void StrategyCore::check(const std::source_location& location) {
  check_cross_replica(current_context(), "check", num_ranks() > 1);
  agree({.operation = Operation::check,
         .dtype = DType::u64,
         .shape = {},
         .scalars = {},
         .location = location},
        std::nullopt, true, {});
}

void StrategyCore::begin_save(MirroredObject& object, const std::source_location& location,
                              const ValueReader& reader) {
  check_cross_replica(current_context(), "a save");
  agree({.operation = Operation::save,
         .dtype = DType::u64,
         .shape = {},
         .scalars = {object.identity(), 0},
         .location = location},
        {.stream = object.logged_as(), .what = object.describe()});
  if (agreement_.compares_runs() && !options_.compare_values_at_saves) return;
  together([&] {
    object.keep_for_save({});
    if (!objects_.copies_differ(object, reader)) return;
    const std::string message =
        fmt::format("replicas hold different states of {}, and a save holds the first one's: {}",
                    object.describe(), objects_.first_difference(object));
    switch (options_.on_divergence) {
      case OnDivergence::save_all:
        return object.keep_for_save(objects_.all_copies(object));
      case OnDivergence::adopt_first:
        objects_.adopt_first(object);
        return agreement_.report(message, {object.describe()});
      case OnDivergence::stop:
        throw AgreedError(ErrorCode::diverged, message + "; yet they made the same calls",
                          AgreedError::Effect::changes_nothing);
      case OnDivergence::stop_at_saves:
        throw AgreedError(ErrorCode::diverged,
                          message + (agreement_.calls_differ()
                                         ? "; the first calls that differ: " +
                                               agreement_.first_difference(agreement_.marks())
                                         : "; yet they made the same calls"),
                          AgreedError::Effect::changes_nothing);
    }
  });
}

void StrategyCore::begin_restore(const MirroredObject& object,
                                 const std::source_location& location) {
  // Where this strategy cannot be used, prepare() says so of the object that is restored.
  const Context& context = current_context();
  if (has_stopped_.load(std::memory_order_acquire) || context.kind == ContextKind::replica ||
      (context.domain != nullptr && context.domain != this)) {
    return;
  }
  check_use(context, "a restore");
  payload_->ensure_callable();
  agree({.operation = Operation::restore,
         .dtype = DType::u64,
         .shape = {},
         .scalars = {},
         .location = location},
        {.what = object.describe()});
}

void StrategyCore::check_each_assignable(std::int64_t count, const std::string& what) const {
  if (options_.on_divergence == OnDivergence::save_all && count == num_replicas()) return;
  throw Error(
      ErrorCode::failed_precondition,
      fmt::format("was saved by {} replicas that differ, each with a state of its own, and "
                  "{} is of {} replicas {}; restore it on {} replicas with "
                  "OnDivergence::save_all, or use a checkpoint of replicas in step",
                  count, what, num_replicas(),
                  options_.on_divergence == OnDivergence::save_all ? "that may differ"
                                                                   : "that are to be in step",
                  count));
}

void StrategyCore::close() noexcept {
  closed_ = true;
  // Nothing is waited for while an exception is on its way: other ranks may never come.
  if (stopped_ || running_ || !agreement_.is_open() || std::uncaught_exceptions() > 0) return;
  try {
    agreement_.settle();
  } catch (const AgreedError& error) {
    stop(error);
  } catch (const Error& error) {
    // MPI may have been finalised before; a deadline is worth a word.
    if (error.code() == ErrorCode::deadline_exceeded) give_up(agreement_.placed(error));
  } catch (const std::exception&) {
    // No memory to say what differs.
  }
}

}  // namespace counterpoint::inline v1
