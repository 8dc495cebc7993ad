#include "counterpoint/strategy/mirrored_strategy.h"

#include <fmt/format.h>

#include "counterpoint/runtime/error.h"
#include "counterpoint/runtime/thread_communicator.h"
#include "counterpoint/strategy/internal/strategy_core.h"
#include "counterpoint/strategy/internal/variable_store.h"

namespace counterpoint::inline v1 {

namespace {

StrategyCore& entered(StrategyCore& core) {
  core.enter();
  return core;
}

StrategyOptions named(StrategyOptions options, const std::source_location& location) {
  if (options.name.empty()) options.name = "strategy made at " + location_to_string(location);
  return options;
}

}  // namespace

ReplicaGuard::ReplicaGuard(std::shared_ptr<StrategyCore> core)
    : core_(std::move(core)),
      replica_(entered(*core_), core_->replica_context(0)),
      uncaught_exceptions_(std::uncaught_exceptions()) {
  guard_.emplace(core_->replica_context(0));
}

ReplicaGuard::~ReplicaGuard() {
  guard_.reset();
  std::optional<Error> error;
  const bool thrown = std::uncaught_exceptions() > uncaught_exceptions_;
  if (thrown || failure_) error = core_->left_in_failure(failure_.value_or("left by an exception"));
  core_->leave(error);
}

MirroredStrategy::MirroredStrategy(const std::shared_ptr<Communicator>& world,
                                   StrategyOptions options, Location location)
    : core_(StrategyCore::create(world, named(std::move(options), location))) {}

MirroredStrategy::MirroredStrategy(StrategyOptions options, Location location)
    : MirroredStrategy(ThreadCommunicator::create(1).front(), std::move(options), location) {}

MirroredStrategy::~MirroredStrategy() { core_->close(); }

int MirroredStrategy::rank() const noexcept { return core_->rank(); }
int MirroredStrategy::num_ranks() const noexcept { return core_->num_ranks(); }
int MirroredStrategy::replicas_per_rank() const noexcept { return core_->replicas_per_rank(); }
int MirroredStrategy::num_replicas_in_sync() const noexcept { return core_->num_replicas(); }
const std::string& MirroredStrategy::name() const noexcept { return core_->name(); }
std::string MirroredStrategy::describe() const { return core_->describe(); }

StrategyScope::StrategyScope(std::shared_ptr<StrategyCore> core)
    : core_(std::move(core)), guard_(core_->cross_replica_context()) {}

StrategyScope MirroredStrategy::scope() {
  const Context& context = current_context();
  if (context.kind == ContextKind::replica) {
    throw Error(
        ErrorCode::failed_precondition,
        fmt::format("the scope of {} was entered by a replica of {}; enter it outside of run",
                    name(), context.domain->name()));
  }
  return StrategyScope(core_);
}

ReplicaGuard MirroredStrategy::enter_replica() { return ReplicaGuard(core_); }

void MirroredStrategy::check_argument_size(std::size_t size) const {
  if (size != static_cast<std::size_t>(replicas_per_rank())) {
    throw Error(
        ErrorCode::invalid_argument,
        fmt::format("a per-replica value of {} elements was given to {}, which has {} replicas a "
                    "rank",
                    size, name(), replicas_per_rank()));
  }
}

void MirroredStrategy::run_replicas(const ReplicaFunction& function) { core_->run(function); }

void MirroredStrategy::check(Location location) { core_->check(location); }

std::int64_t MirroredStrategy::num_divergences() const noexcept { return core_->num_divergences(); }

const Divergence& MirroredStrategy::last_divergence() const {
  if (core_->divergences().empty()) {
    throw Error(ErrorCode::failed_precondition,
                fmt::format("replicas of {} have not been given the first one's state", name()));
  }
  return core_->divergences().back();
}

}  // namespace counterpoint::inline v1
