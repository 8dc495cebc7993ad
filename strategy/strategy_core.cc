#include "counterpoint/strategy/internal/strategy_core.h"

#include <fmt/format.h>

#include <array>
#include <memory>
#include <optional>
#include <random>

#include "counterpoint/runtime/error.h"
#include "counterpoint/runtime/global_generator.h"
#include "counterpoint/strategy/internal/mirrored_store.h"

namespace counterpoint::inline v1 {
namespace {

constexpr std::size_t kEntropyWords = 4;

// Ranks of different versions may not be in step: what they do differs in ways that no call shows.
constexpr std::uint64_t kProtocolVersion = 1;

// Errors: invalid_argument.
void check_options(const StrategyOptions& options) {
  if (options.replicas_per_rank < 1) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("replicas_per_rank is 1 or more, not {}", options.replicas_per_rank));
  }
  if (options.timeout_seconds && !(*options.timeout_seconds > 0)) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("timeout_seconds is above 0, not {}", *options.timeout_seconds));
  }
}

std::shared_ptr<Communicator> with_timeout(std::shared_ptr<Communicator> communicator,
                                           const StrategyOptions& options) {
  if (options.timeout_seconds) communicator->set_timeout_seconds(*options.timeout_seconds);
  return communicator;
}

}  // namespace

StrategyCore::StrategyCore(const std::shared_ptr<Communicator>& world, StrategyOptions options)
    : options_(std::move(options)),
      payload_(with_timeout(world->duplicate(), options_)),
      control_(with_timeout(world->duplicate(), options_)),
      replicas_(static_cast<std::size_t>(options_.replicas_per_rank)),
      rendezvous_({.first_replica_id = payload_->rank() * options_.replicas_per_rank,
                   .replicas_per_rank = options_.replicas_per_rank,
                   .timeout_seconds = payload_->timeout_seconds()},
                  replicas_, control_, payload_),
      entropy_(kEntropyWords) {}

std::shared_ptr<StrategyCore> StrategyCore::create(const std::shared_ptr<Communicator>& world,
                                                   StrategyOptions options) {
  if (world == nullptr) {
    throw Error(ErrorCode::invalid_argument,
                "a strategy needs a communicator: Communicator::world(), say, or none for threads");
  }
  // What is wrong on one rank is thrown on all, which therefore all come to agree_on_options().
  std::optional<Error> refused;
  try {
    check_options(options);
  } catch (const Error& error) {
    refused = error;
    options = {.name = options.name};
  }
  std::shared_ptr<StrategyCore> core(new StrategyCore(world, std::move(options)));
  if (core->replicas_per_rank() > 1) {
    try {
      core->threads_ = std::make_unique<ReplicaThreads>(core->replicas_per_rank());
    } catch (const Error& error) {
      refused = error;
    }
  }
  core->agree_on_options(refused);
  return core;
}

StrategyCore::~StrategyCore() = default;

void StrategyCore::agree_on_options(const std::optional<Error>& refused) {
  const auto replicas = static_cast<std::uint64_t>(options_.replicas_per_rank);
  const Verdict verdict = control_.exchange({.occasion = mix_digest(kProtocolVersion, replicas),
                                             .calls = {},
                                             .turn = {},
                                             .failed = refused.has_value()});
  if (verdict.failed_rank) {
    throw control_.share_error(refused.value_or(Error(ErrorCode::internal, "")),
                               *verdict.failed_rank);
  }
  if (!verdict.occasions_agree) {
    std::string message = "ranks make different strategies: ";
    const std::vector<std::string> texts = control_.tell_all(
        fmt::format("protocol {}, {} replicas a rank", kProtocolVersion, replicas));
    for (std::size_t rank = 0; rank < texts.size(); ++rank) {
      message += fmt::format("{}{} on rank {}", rank == 0 ? "" : "; ", texts[rank], rank);
    }
    throw Error(ErrorCode::diverged, message);
  }
  std::random_device device;
  for (std::uint64_t& word : entropy_) {
    word = static_cast<std::uint64_t>(device()) << 32 | static_cast<std::uint64_t>(device());
  }
  payload_->broadcast(std::span<std::uint64_t>(entropy_), 0);
}

std::string StrategyCore::describe() const {
  return fmt::format("{}: {} replicas, {} on each of {} ranks ({})", options_.name, num_replicas(),
                     replicas_per_rank(), num_ranks(), payload_->describe());
}

Context StrategyCore::cross_replica_context() {
  return {.kind = ContextKind::cross_replica, .domain = this, .num_replicas = num_replicas()};
}

Context StrategyCore::replica_context(int local_index) {
  return {.kind = ContextKind::replica,
          .domain = this,
          .replica_id = first_replica_id() + local_index,
          .local_index = local_index,
          .num_replicas = num_replicas()};
}

std::shared_ptr<StateStore> StrategyCore::make_store(const Context& context,
                                                     const StreamDefinition& definition,
                                                     const StreamState& state, StreamOrigin origin,
                                                     const StreamLayout& layout) {
  if (layout.num_replicas() != 0 && layout.num_replicas() != num_replicas()) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("a layout of streams for {} replicas was given to {}, which has {}",
                            layout.num_replicas(), name(), num_replicas()));
  }
  if (origin.name.empty() && origin.parent == 0) {
    const std::scoped_lock lock(origins_mutex_);
    const int maker = context.kind == ContextKind::replica ? context.replica_id : -1;
    origin.child = made_[{maker, origin.digest()}]++;
  }
  if (context.kind == ContextKind::replica) {
    return std::make_shared<RunStore>(shared_from_this(), definition, state, std::move(origin),
                                      layout, context);
  }
  // A replica that is the first to use the global generator makes it for all, in the middle of a run: it
  // is in no log then, since replicas come to it at different calls.
  const bool in_run = running_ && origin.name == global_generator_name;
  if (!in_run) check_use(context, origin.to_string());
  auto store =
      std::make_shared<MirroredStore>(shared_from_this(), definition, state, origin, layout);
  if (in_run) return store;
  // Ranks that make different generators differ from here on.
  record_for_all(mix_digest(origin.digest(), layout.digest()),
                 {.operation = Operation::create,
                  .dtype = DType::i64,
                  .shape = {},
                  .scalars = {mix_digest(state.counter.low, state.counter.high), state.key},
                  .location = origin.location});
  return store;
}

StreamState StrategyCore::entropy_state(const Context& context, const StreamOrigin& origin) {
  const int maker = context.kind == ContextKind::replica ? context.replica_id : -1;
  std::int64_t number = 0;
  {
    const std::scoped_lock lock(origins_mutex_);
    // Beside the count that make_store keeps of the same origin.
    number = made_[{maker, mix_digest(origin.digest(), entropy_.front())}]++;
  }
  // Words of the stream that the shared entropy keys, at a place that the origin gives.
  std::array<std::uint64_t, 4> words{};
  const std::array<std::int64_t, 1> shape = {static_cast<std::int64_t>(words.size())};
  kernels::philox_stream().fill(
      {.distribution = kernels::Distribution::uniform_full_int,
       .dtype = DType::u64,
       .shape = shape,
       .key = entropy_[0],
       .counter = {entropy_[1] ^ mix_digest(static_cast<std::uint64_t>(number), entropy_[3]),
                   entropy_[2] ^ origin.digest()},
       .output = words.data(),
       .count = words.size()});
  return {.counter = {words[0], words[1]}, .key = words[2]};
}

Reservation StrategyCore::reserve_in_turn(const Context& context, PlainStore& store,
                                          const CallRecord& record, std::uint64_t blocks) {
  Request request{.record = record, .store = &store, .blocks = blocks};
  meet(context, request);
  return request.reserved;
}

void StrategyCore::record_for_all(std::uint64_t stream, const CallRecord& record) {
  for (LocalReplica& local : replicas_) {
    const std::scoped_lock lock(local.lock);
    local.log.record(stream, record);
  }
}

void StrategyCore::check_use(const Context& context, const std::string& what) const {
  if (context.domain != nullptr && context.domain != this) {
    throw Error(ErrorCode::failed_precondition,
                fmt::format("{} belongs to {} and was used in {}; use it in its own", what, name(),
                            context.domain->name()));
  }
  if (stopped_) {
    throw Error(
        ErrorCode::failed_precondition,
        fmt::format("{} has stopped and {} with it, since its replicas may be out of step: {}; "
                    "make the strategy anew and restore from a checkpoint",
                    name(), what, stopped_->message()));
  }
  if (context.kind != ContextKind::replica && running_) {
    throw Error(
        ErrorCode::failed_precondition,
        fmt::format("{} was used while a run of {} is on, by a thread that is no replica's; in a "
                    "thread pool, bind each thread with ReplicaContext::bind_thread()",
                    what, name()));
  }
}

void StrategyCore::check_cross_replica(const Context& context, const char* what) const {
  if (context.kind == ContextKind::replica) {
    throw Error(ErrorCode::failed_precondition,
                fmt::format("{} is called outside of run, by every rank; in a run, use the "
                            "ReplicaContext",
                            what));
  }
  check_use(context, what);
}

void StrategyCore::stop(const Error& error) {
  if (!stopped_) stopped_ = error;
}

void StrategyCore::give_up(const Error& error) {
  control_.revoke(error);
  payload_->revoke(error);
  stop(error);
}

void StrategyCore::agree(const CallRecord& record, const std::optional<Error>& local_error) {
  const Verdict verdict = control_.exchange({.occasion = record.fingerprint(),
                                             .calls = replicas_.front().log.digest(),
                                             .turn = {},
                                             .failed = local_error.has_value()});
  if (verdict.failed_rank) {
    throw control_.share_error(local_error.value_or(Error(ErrorCode::internal, "")),
                               *verdict.failed_rank);
  }
  if (verdict.occasions_agree && verdict.calls_agree) {
    record_for_all(0, record);
    return;
  }
  const Error error = [&] {
    if (verdict.occasions_agree) {
      return log_difference_between_ranks(control_, *payload_, first_replica_id(),
                                          replicas_.front().log);
    }
    std::string message = "ranks that must call the same thing do not: ";
    const std::vector<std::string> texts = control_.tell_all(record.to_string());
    for (std::size_t rank = 0; rank < texts.size(); ++rank) {
      message += fmt::format("{}rank {} is at {}", rank == 0 ? "" : "; ", rank, texts[rank]);
    }
    return Error(ErrorCode::diverged, message);
  }();
  stop(error);
  throw error;
}

void StrategyCore::check(const std::source_location& location) {
  check_cross_replica(current_context(), "check");
  std::optional<Error> local;
  for (std::size_t i = 1; i < replicas_.size() && !local; ++i) {
    const CallLog& first = replicas_.front().log;
    const CallLog& other = replicas_[i].log;
    if (const auto number = first_difference(first, other)) {
      local = Error(
          ErrorCode::diverged,
          fmt::format("replica {} {}; replica {} {}", first_replica_id(), first.describe(*number),
                      first_replica_id() + static_cast<int>(i), other.describe(*number)));
    }
  }
  agree({.operation = Operation::check,
         .dtype = DType::u64,
         .shape = {},
         .scalars = {},
         .location = location},
        local);
}

}  // namespace counterpoint::inline v1
