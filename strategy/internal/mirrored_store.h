// The state of a generator made in a strategy's scope, and of one made in a run.
//
// In a scope, each replica has a copy, all equal as long as replicas make the same draws. In
// replica r a draw takes (counter, key) from that copy, moves it, and derives the key from (key,
// r); in cross-replica context every copy moves and the key is the primary one. Made in a run,
// there is the one copy of the replica that made it, and its draws derive the key alike.
//
// Thread-safety: a copy is under its replica's lock. Source: docs/streams.md section 5.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "counterpoint/runtime/internal/draw_ledger.h"
#include "counterpoint/runtime/state_store.h"
#include "counterpoint/strategy/internal/mirrored_objects.h"
#include "counterpoint/strategy/internal/strategy_core.h"

namespace counterpoint::inline v1 {

// A state with the key of a replica's stream, derived once.
class ReplicaState {
 public:
  const StreamState& state() const noexcept { return state_; }
  void assign(const StreamState& state) noexcept {
    state_ = state;
    derived_ = false;
  }
  // The state before it moves by `blocks`.
  StreamState advance(const StreamDefinition& definition, std::uint64_t blocks);
  // Of the stream that `layout` gives the replica.
  std::uint64_t replica_key(const StreamDefinition& definition, const StreamLayout& layout,
                            int replica_id);

 private:
  StreamState state_;
  std::uint64_t replica_key_ = 0;
  bool derived_ = false;
};

class MirroredStore final : public StateStore, public MirroredObject {
 public:
  // `made_before`: how many of the same origin, from which it is told apart in the log.
  MirroredStore(std::shared_ptr<StrategyCore> core, const StreamDefinition& definition,
                const StreamState& state, StreamOrigin origin, const StreamLayout& layout,
                std::int64_t made_before = 0);

  Reservation reserve(const Context& context, const CallRecord& record, std::uint64_t blocks,
                      KeyUse key_use) override;
  StreamState read(const Context& context) const override;
  void assign(const Context& context, const CallRecord& record, const StreamState& state) override;
  int num_replicas() const noexcept override { return core_->num_replicas(); }
  void ensure_in_step(const std::source_location& location) override;
  void check_assignable(const Context& context) const override;
  void begin_restore(const std::source_location& location) override;
  std::optional<double> timeout_seconds() const noexcept override {
    return core_->timeout_seconds();
  }
  std::vector<StreamState> replica_states() const override;
  void check_each_assignable(const Context& context, std::int64_t count) const override;
  void assign_each(const Context& context, const CallRecord& record,
                   std::span<const StreamState> states) noexcept override;

  // MirroredObject: counter low, counter high and key of each copy.
  std::uint64_t identity() const override;
  std::uint64_t logged_as() const noexcept override { return stream_; }
  std::string describe() const override { return origin().to_string(); }
  std::size_t copy_bytes() const override { return 3 * sizeof(std::uint64_t); }
  std::size_t element_bytes() const override { return sizeof(std::uint64_t); }
  std::string describe_element(std::size_t index, std::span<const std::byte> copy) const override;
  std::span<const std::byte> copy_of(int local_index,
                                     std::vector<std::byte>& scratch) const override;
  void write_copy(int local_index, std::span<const std::byte> bytes) noexcept override;

 private:
  struct alignas(64) Copy {
    ReplicaState replica;
    std::unique_ptr<BlockClaims> claims = {};  // null unless reuse is watched for
  };

  // Before the copies move: what the draw takes, of the stream that it is on.
  void claim(const Context& context, const Reservation& reserved, std::uint64_t blocks,
             const CallRecord& record, KeyUse key_use);
  // A restore's record says where it was called, which begin_restore() was told.
  CallRecord located(const CallRecord& record) const noexcept;
  // Without a word to any log.
  void put(int local_index, const StreamState& state, Operation operation) noexcept;

  const std::shared_ptr<StrategyCore> core_;
  const std::uint64_t stream_;
  const std::uint64_t sharded_;
  std::vector<Copy> copies_;
  const std::unique_ptr<BlockClaims> shared_claims_;  // of streams that replicas share
  std::source_location restored_at_;
};

// Private to one replica and not compared with the others.
class RunStore final : public StateStore {
 public:
  RunStore(std::shared_ptr<StrategyCore> core, const StreamDefinition& definition,
           const StreamState& state, StreamOrigin origin, const StreamLayout& layout,
           const Context& made_in);

  Reservation reserve(const Context& context, const CallRecord& record, std::uint64_t blocks,
                      KeyUse key_use) override;
  StreamState read(const Context& context) const override;
  void assign(const Context& context, const CallRecord& record, const StreamState& state) override;
  int num_replicas() const noexcept override { return core_->num_replicas(); }
  void ensure_in_step(const std::source_location& location) override;
  void check_assignable(const Context& context) const override;

 private:
  void check_own(const Context& context) const;

  const std::shared_ptr<StrategyCore> core_;
  const int replica_id_;
  LocalReplica& local_;
  ReplicaState state_;
  const std::unique_ptr<BlockClaims> claims_;  // null unless reuse is watched for
  const std::unique_ptr<BlockClaims> shared_claims_;
};

}  // namespace counterpoint::inline v1
