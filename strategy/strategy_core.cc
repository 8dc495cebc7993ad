#include "counterpoint/strategy/internal/strategy_core.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <exception>
#include <memory>
#include <optional>
#include <random>

#include "counterpoint/runtime/error.h"
#include "counterpoint/runtime/global_generator.h"
#include "counterpoint/strategy/internal/equal_turns.h"
#include "counterpoint/strategy/internal/last_calls.h"
#include "counterpoint/strategy/internal/mirrored_store.h"

namespace counterpoint::inline v1 {
namespace {

constexpr std::size_t kEntropyWords = 4;
constexpr int kMostReplicasPerRank = 4096;  // each is a thread, with some 64 KiB of a log

std::string describe_options(const StrategyOptions& options, std::uint64_t protocol_version) {
  constexpr const char* policies[] = {"stop", "stop_at_saves", "adopt_first", "save_all"};
  return fmt::format(
      "version {} of the protocol, {} replicas a rank, on_divergence {}, collectives checked {}, "
      "{} turns, values {} at saves",
      protocol_version, options.replicas_per_rank,
      policies[static_cast<std::size_t>(options.on_divergence)],
      options.collective_checks == CollectiveChecks::before_payload ? "before their payload"
                                                                    : "at the end of a run",
      options.turns == Turns::agreed ? "agreed" : "assumed equal",
      options.compare_values_at_saves ? "compared" : "not compared");
}

// Errors: invalid_argument.
void check_options(const StrategyOptions& options) {
  if (options.replicas_per_rank < 1 || options.replicas_per_rank > kMostReplicasPerRank) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("replicas_per_rank is 1 to {}, not {}", kMostReplicasPerRank,
                            options.replicas_per_rank));
  }
  if (options.timeout_seconds && !(*options.timeout_seconds > 0)) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("timeout_seconds is above 0, not {}", *options.timeout_seconds));
  }
  if (options.last_calls_folder && !options.last_calls_folder->empty()) {
    check_last_calls_folder(*options.last_calls_folder);
  }
  if (options.turns == Turns::assumed_equal && options.on_divergence != OnDivergence::stop) {
    throw Error(ErrorCode::invalid_argument,
                "turns that are assumed to be equal are proven by comparing every run: use "
                "OnDivergence::stop, or agreed turns");
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
      replicas_(static_cast<std::size_t>(options_.replicas_per_rank)),
      objects_(payload_, options_.replicas_per_rank),
      outside_(payload_->size() == 1),
      agreement_(options_, replicas_, objects_, outside_,
                 with_timeout(world->duplicate(), options_), payload_),
      rendezvous_(options_, replicas_, outside_, agreement_, payload_),
      entropy_(kEntropyWords) {}

std::shared_ptr<StrategyCore> StrategyCore::create(const std::shared_ptr<Communicator>& world,
                                                   StrategyOptions options,
                                                   std::uint64_t protocol_version) {
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
  core->agree_on_options(refused, protocol_version);
  return core;
}

StrategyCore::~StrategyCore() = default;

void StrategyCore::agree_on_options(const std::optional<Error>& refused,
                                    std::uint64_t protocol_version) {
  std::uint64_t occasion = mix_digest(0, protocol_version);  // what comes first is added alone
  for (const std::uint64_t option : {static_cast<std::uint64_t>(options_.replicas_per_rank),
                                     static_cast<std::uint64_t>(options_.on_divergence),
                                     static_cast<std::uint64_t>(options_.collective_checks),
                                     static_cast<std::uint64_t>(options_.turns),
                                     std::uint64_t{options_.compare_values_at_saves}}) {
    occasion = mix_digest(occasion, option);
  }
  const Verdict verdict = agreement_.control().exchange(
      {.occasion = occasion, .calls = {}, .turn = {}, .failed = refused.has_value()});
  if (verdict.failed_rank) {
    throw agreement_.control().share_error(refused.value_or(Error(ErrorCode::internal, "")),
                                           *verdict.failed_rank);
  }
  if (!verdict.occasions_agree) {
    throw Error(ErrorCode::diverged,
                "ranks make different strategies: " +
                    RankSearch(*payload_).describe_unlike(
                        occasion, describe_options(options_, protocol_version)));
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
  if (origin.parent == 0) origin.child = next_of(context, origin.digest());
  if (context.kind == ContextKind::replica) {
    return std::make_shared<RunStore>(shared_from_this(), definition, state, std::move(origin),
                                      layout, context);
  }
  // A replica that is the first to use the global generator makes it for all, in the middle of a run: it
  // is in no log then, since replicas come to it at different calls.
  const bool in_run = running_ && origin.name == global_generator_name;
  if (!in_run) check_use(context, origin.to_string());
  auto store = std::make_shared<MirroredStore>(shared_from_this(), definition, state, origin,
                                               layout, times_split_before(origin));
  add(store);
  if (in_run) return store;
  // Ranks that make different generators differ from here on.
  record_for_all(store->logged_as(),
                 {.operation = Operation::create,
                  .dtype = DType::i64,
                  .shape = {},
                  .scalars = {mix_digest(digest_of(state.counter), layout.digest()), state.key},
                  .location = origin.location});
  return store;
}

std::shared_ptr<const void> StrategyCore::run_token() {
  const std::scoped_lock lock(origins_mutex_);
  if (run_token_ == nullptr) run_token_ = std::make_shared<const char>();
  return run_token_;
}

std::int64_t StrategyCore::next_of(const Context& context, std::uint64_t origin) {
  const std::scoped_lock lock(origins_mutex_);
  return context.kind == ContextKind::replica ? made_in_run_[{context.replica_id, origin}]++
                                              : made_[{-1, origin}]++;
}

std::int64_t StrategyCore::times_split_before(const StreamOrigin& origin) {
  if (origin.parent == 0) return 0;
  const std::scoped_lock lock(origins_mutex_);
  const auto [split, is_new] = splits_.try_emplace(origin.parent, -1);
  if (is_new) {
    kept_splits_.push_back(origin.parent);
    if (kept_splits_.size() > kMostKeptSplits) {
      splits_.erase(kept_splits_.front());
      kept_splits_.pop_front();
    }
  }
  if (origin.child == 0) ++split->second;  // children are made in order
  return std::max(split->second, std::int64_t{0});
}

StreamState StrategyCore::entropy_state(const Context& context, const StreamOrigin& origin) {
  // Beside the count that make_store keeps of the same origin. In a run that count begins anew, and the
  // run's own number tells it from the others'.
  const std::int64_t number = next_of(context, mix_digest(origin.digest(), entropy_.front()));
  const std::int64_t run = context.kind == ContextKind::replica ? agreement_.run() : -1;
  const std::uint64_t place = mix_digest(mix_digest(0, static_cast<std::uint64_t>(run)),
                                         static_cast<std::uint64_t>(number));
  // Words of the stream that the shared entropy keys, at a place that the origin gives.
  std::array<std::uint64_t, 4> words{};
  const std::array<std::int64_t, 1> shape = {static_cast<std::int64_t>(words.size())};
  kernels::philox_stream().fill(
      {.distribution = kernels::Distribution::uniform_full_int,
       .dtype = DType::u64,
       .shape = shape,
       .key = entropy_[0],
       .counter = {entropy_[1] ^ mix_digest(place, entropy_[3]), entropy_[2] ^ origin.digest()},
       .output = words.data(),
       .count = words.size()});
  return {.counter = {words[0], words[1]}, .key = words[2]};
}

Reservation StrategyCore::reserve_in_turn(const Context& context, PlainStore& store,
                                          const CallRecord& record, std::uint64_t blocks) {
  if (options_.turns == Turns::assumed_equal) {
    return reserve_equal_turn(replica(context.local_index), context.replica_id, num_replicas(),
                              outside_, store, record, blocks);
  }
  Request request{.record = record, .store = &store, .blocks = blocks};
  meet(context, request);
  if (request.refused != nullptr) std::rethrow_exception(request.refused);
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
  if (has_stopped_.load(std::memory_order_acquire)) {
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

void StrategyCore::check_cross_replica(const Context& context, const char* what,
                                       bool communicates) const {
  if (context.kind == ContextKind::replica) {
    throw Error(ErrorCode::failed_precondition,
                fmt::format("{} is called outside of run, by every rank; in a run, use the "
                            "ReplicaContext",
                            what));
  }
  check_use(context, what);
  if (communicates) payload_->ensure_callable();  // while nothing is logged or waited for
}

}  // namespace counterpoint::inline v1
