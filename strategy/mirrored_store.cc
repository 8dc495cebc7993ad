#include "counterpoint/strategy/internal/mirrored_store.h"

#include <fmt/format.h>

#include <array>
#include <cstring>
#include <optional>
#include <utility>

#include "counterpoint/runtime/error.h"

namespace counterpoint::inline v1 {
namespace {

using StateWords = std::array<std::uint64_t, 3>;

StreamState state_of(std::span<const std::byte> bytes) {
  StateWords words{};
  std::memcpy(words.data(), bytes.data(), sizeof words);
  return {.counter = {words[0], words[1]}, .key = words[2]};
}

}  // namespace

StreamState ReplicaState::advance(const StreamDefinition& definition, std::uint64_t blocks) {
  const StreamState before = state_;
  state_.counter = definition.advance(state_.counter, blocks);
  return before;
}

std::uint64_t ReplicaState::replica_key(const StreamDefinition& definition,
                                        const StreamLayout& layout, int replica_id) {
  if (!derived_) {
    const std::optional<std::uint64_t> stream = layout.stream_of(replica_id);
    replica_key_ = stream ? definition.derive_key(state_.key, *stream) : state_.key;
    derived_ = true;
  }
  return replica_key_;
}

MirroredStore::MirroredStore(std::shared_ptr<StrategyCore> core, const StreamDefinition& definition,
                             const StreamState& state, StreamOrigin origin,
                             const StreamLayout& layout, std::int64_t made_before)
    : StateStore(definition, std::move(origin), layout),
      core_(std::move(core)),
      stream_(made_before == 0
                  ? this->origin().digest()
                  : mix_digest(this->origin().digest(), static_cast<std::uint64_t>(made_before))),
      sharded_(MirroredObjects::logged_as_shared(stream_)),
      copies_(static_cast<std::size_t>(core_->replicas_per_rank())),
      shared_claims_(BlockClaims::if_watched(definition, state, this->origin(),
                                             {.kind = HolderKind::shared})) {
  for (std::size_t i = 0; i < copies_.size(); ++i) {
    copies_[i].replica.assign(state);
    copies_[i].claims =
        BlockClaims::if_watched(definition, state, this->origin(),
                                {.kind = HolderKind::replica,
                                 .replica_id = core_->first_replica_id() + static_cast<int>(i)});
  }
}

void MirroredStore::claim(const Context& context, const Reservation& reserved, std::uint64_t blocks,
                          const CallRecord& record, KeyUse key_use) {
  const bool in_replica = context.kind == ContextKind::replica;
  const Copy& own = copies_[static_cast<std::size_t>(in_replica ? context.local_index : 0)];
  if (record.operation == Operation::skip) {  // moves every stream that the copy is on
    if (in_replica) {
      own.claims->claim(reserved, blocks, record);
    } else {
      for (const Copy& copy : copies_) copy.claims->claim(reserved, blocks, record);
    }
    shared_claims_->claim(reserved, blocks, record);
  } else if (in_replica && key_use == KeyUse::stream && layout().is_per_replica()) {
    own.claims->claim(reserved, blocks, record);
  } else {
    shared_claims_->claim(reserved, blocks, record);
  }
}

Reservation MirroredStore::reserve(const Context& context, const CallRecord& record,
                                   std::uint64_t blocks, KeyUse key_use) {
  if (context.kind == ContextKind::replica && context.domain == core_.get()) [[likely]] {
    LocalReplica& local = core_->replica(context.local_index);
    ReplicaState& replica = copies_[static_cast<std::size_t>(context.local_index)].replica;
    const std::scoped_lock lock(local.lock);
    const std::uint64_t key = key_use == KeyUse::stream
                                  ? replica.replica_key(definition(), layout(), context.replica_id)
                                  : replica.state().key;
    if (shared_claims_ != nullptr) [[unlikely]] {
      claim(context, {key, replica.state().counter}, blocks, record, key_use);
    }
    local.log.record(key_use == KeyUse::stream ? stream_ : sharded_, record);
    const StreamState before = replica.advance(definition(), blocks);
    return {key, before.counter};
  }
  core_->check_use(context, origin().to_string());
  if (shared_claims_ != nullptr) {
    const StreamState& state = copies_.front().replica.state();
    claim(context, {state.key, state.counter}, blocks, record, key_use);
  }
  core_->record_for_all(key_use == KeyUse::stream ? stream_ : sharded_, record);
  StreamState before;
  for (std::size_t i = copies_.size(); i-- > 0;) {
    before = copies_[i].replica.advance(definition(), blocks);
  }
  return {before.key, before.counter};
}

StreamState MirroredStore::read(const Context& context) const {
  const int index = context.kind == ContextKind::replica && context.domain == core_.get()
                        ? context.local_index
                        : 0;
  const std::scoped_lock lock(core_->replica(index).lock);
  return copies_[static_cast<std::size_t>(index)].replica.state();
}

void MirroredStore::assign(const Context& context, const CallRecord& record,
                           const StreamState& state) {
  if (context.kind == ContextKind::replica && context.domain == core_.get()) {
    LocalReplica& local = core_->replica(context.local_index);
    const std::scoped_lock lock(local.lock);
    local.log.record(stream_, record);
    if (shared_claims_ != nullptr) {
      shared_claims_->rewind({state.key, state.counter}, record.operation);
    }
    put(context.local_index, state, record.operation);
    return;
  }
  // What was restored has been checked, and cannot fail any more, wherever it is committed.
  if (record.operation != Operation::restore) core_->check_use(context, origin().to_string());
  core_->record_for_all(stream_, located(record));
  if (shared_claims_ != nullptr) {
    shared_claims_->rewind({state.key, state.counter}, record.operation);
  }
  for (int i = 0; i < core_->replicas_per_rank(); ++i) put(i, state, record.operation);
}

void MirroredStore::ensure_in_step(const std::source_location& location) {
  core_->begin_save(*this, location, {});
}

void MirroredStore::begin_restore(const std::source_location& location) {
  restored_at_ = location;
  core_->begin_restore(*this, location);
}

CallRecord MirroredStore::located(const CallRecord& record) const noexcept {
  CallRecord located = record;
  if (record.operation == Operation::restore) located.location = restored_at_;
  return located;
}

void MirroredStore::check_assignable(const Context& context) const {
  core_->check_use(context, origin().to_string());
}

void MirroredStore::put(int local_index, const StreamState& state, Operation operation) noexcept {
  Copy& copy = copies_[static_cast<std::size_t>(local_index)];
  copy.replica.assign(state);
  if (copy.claims == nullptr) return;
  const std::uint64_t key =
      copy.replica.replica_key(definition(), layout(), core_->first_replica_id() + local_index);
  copy.claims->rewind({key, state.counter}, operation);
}

std::vector<StreamState> MirroredStore::replica_states() const {
  std::vector<StreamState> states;
  const std::span<const std::byte> copies = saved_copies();
  for (std::size_t at = 0; at < copies.size(); at += copy_bytes()) {
    states.push_back(state_of(copies.subspan(at, copy_bytes())));
  }
  return states;
}

void MirroredStore::check_each_assignable(const Context& context, std::int64_t count) const {
  core_->check_use(context, origin().to_string());
  core_->check_each_assignable(count, origin().to_string());
}

void MirroredStore::assign_each(const Context& /*context*/, const CallRecord& record,
                                std::span<const StreamState> states) noexcept {
  core_->record_for_all(stream_, located(record));
  if (shared_claims_ != nullptr) {
    shared_claims_->rewind({states.front().key, states.front().counter}, record.operation);
  }
  for (int i = 0; i < core_->replicas_per_rank(); ++i) {
    put(i, states[static_cast<std::size_t>(core_->first_replica_id() + i)], record.operation);
  }
}

std::uint64_t MirroredStore::identity() const { return mix_digest(stream_, layout().digest()); }

std::string MirroredStore::describe_element(std::size_t index,
                                            std::span<const std::byte> copy) const {
  constexpr const char* names[] = {"low counter", "high counter", "key"};
  std::uint64_t word = 0;
  std::memcpy(&word, copy.data() + index * sizeof word, sizeof word);
  return fmt::format("{} {}", names[index], word);
}

std::span<const std::byte> MirroredStore::copy_of(int local_index,
                                                  std::vector<std::byte>& scratch) const {
  const std::scoped_lock lock(core_->replica(local_index).lock);
  const StreamState& state = copies_[static_cast<std::size_t>(local_index)].replica.state();
  const StateWords words = {state.counter.low, state.counter.high, state.key};
  scratch.resize(sizeof words);
  std::memcpy(scratch.data(), words.data(), sizeof words);
  return scratch;
}

void MirroredStore::write_copy(int local_index, std::span<const std::byte> bytes) noexcept {
  const std::scoped_lock lock(core_->replica(local_index).lock);
  put(local_index, state_of(bytes), Operation::restore);
}

RunStore::RunStore(std::shared_ptr<StrategyCore> core, const StreamDefinition& definition,
                   const StreamState& state, StreamOrigin origin, const StreamLayout& layout,
                   const Context& made_in)
    : StateStore(definition, std::move(origin), layout),
      core_(std::move(core)),
      replica_id_(made_in.replica_id),
      local_(core_->replica(made_in.local_index)),
      claims_(
          BlockClaims::if_watched(definition, state, this->origin(),
                                  {.kind = HolderKind::replica, .replica_id = made_in.replica_id})),
      shared_claims_(BlockClaims::if_watched(
          definition, state, this->origin(),
          {.kind = HolderKind::shared_in_a_run, .run = core_->run_token()})) {
  state_.assign(state);
}

void RunStore::check_own(const Context& context) const {
  core_->check_use(context, origin().to_string());
  if (context.kind == ContextKind::replica && context.replica_id != replica_id_) {
    throw Error(
        ErrorCode::failed_precondition,
        fmt::format("{} was made by replica {} in its run and is used by replica {}; make it in "
                    "the strategy's scope to have one stream a replica",
                    origin().to_string(), replica_id_, context.replica_id));
  }
}

Reservation RunStore::reserve(const Context& context, const CallRecord& record,
                              std::uint64_t blocks, KeyUse key_use) {
  check_own(context);
  const std::scoped_lock lock(local_.lock);
  const std::uint64_t key = key_use == KeyUse::stream
                                ? state_.replica_key(definition(), layout(), replica_id_)
                                : state_.state().key;
  if (claims_ != nullptr) [[unlikely]] {
    const bool own = key_use == KeyUse::stream && layout().is_per_replica();
    (own ? claims_ : shared_claims_)->claim({key, state_.state().counter}, blocks, record);
  }
  const StreamState before = state_.advance(definition(), blocks);
  return {key, before.counter};
}

StreamState RunStore::read(const Context& /*context*/) const {
  const std::scoped_lock lock(local_.lock);
  return state_.state();
}

void RunStore::assign(const Context& context, const CallRecord& record, const StreamState& state) {
  if (record.operation != Operation::restore) check_own(context);
  const std::scoped_lock lock(local_.lock);
  state_.assign(state);
  if (claims_ != nullptr) {
    const std::uint64_t key = state_.replica_key(definition(), layout(), replica_id_);
    claims_->rewind({key, state.counter}, record.operation);
    shared_claims_->rewind({state.key, state.counter}, record.operation);
  }
}

void RunStore::ensure_in_step(const std::source_location& /*location*/) {
  throw Error(
      ErrorCode::failed_precondition,
      fmt::format("{} was made by replica {} in a run and differs from replica to replica; a "
                  "checkpoint holds what all share: make it in the strategy's scope",
                  origin().to_string(), replica_id_));
}

void RunStore::check_assignable(const Context& context) const { check_own(context); }

}  // namespace counterpoint::inline v1
