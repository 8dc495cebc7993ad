// The state behind a generator. Every draw is one call of reserve(), after all validation and
// allocation, so that a call that fails changes nothing.
//
//   auto store = std::make_shared<cp::PlainStore>(definition, state, origin);
//   Reservation reserved = store->reserve(current_context(), record, 256 * count, KeyUse::stream);
//   definition.fill({..., .key = reserved.key, .counter = reserved.counter, ...});
//
// Three implementations: PlainStore (made outside of a strategy), the mirrored store of strategy/
// (made in a scope or a run), and the serialised view of a plain store that a strategy's domain
// gives its replicas (see stream_domain.h). Source: docs/streams.md sections 4 and 5.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <source_location>
#include <string>
#include <vector>

#include "counterpoint/runtime/algorithm.h"
#include "counterpoint/runtime/call_record.h"
#include "counterpoint/runtime/context.h"
#include "counterpoint/runtime/draw_lock.h"
#include "counterpoint/runtime/stream_layout.h"

namespace counterpoint::inline v1 {

class BlockClaims;

struct StreamState {
  kernels::Counter counter = {};
  std::uint64_t key = 0;

  friend constexpr bool operator==(const StreamState&, const StreamState&) = default;

  // TensorFlow's state vector: counter words, then the key.
  COUNTERPOINT_PUBLIC std::vector<std::int64_t> words(const StreamDefinition& definition) const;
  // Errors: invalid_argument unless there are definition.state_words() words.
  COUNTERPOINT_PUBLIC static StreamState from_words(const StreamDefinition& definition,
                                                    std::span<const std::int64_t> words);
};

// Blocks that nobody else gets: a draw reads block `counter` on under `key`.
struct Reservation {
  std::uint64_t key = 0;
  kernels::Counter counter = {};
};

enum class KeyUse : std::uint8_t {
  stream,   // the caller's own stream: in a replica, the key derived from (key, replica id)
  primary,  // the primary key, for whoever asks
};

// What identifies a stream across ranks: its name, else where it was made and the how-manieth
// there, else its parent and its number among the children. Never an address or a count over the
// process.
struct StreamOrigin {
  std::string name = {};
  std::source_location location = {};
  std::uint64_t parent = 0;  // digest of the parent's origin, 0 without
  std::int64_t child = 0;

  // Equal on every rank that makes the same generator.
  COUNTERPOINT_PUBLIC std::uint64_t digest() const;
  // "generator 'noise'" or "generator made at train.cc:12", for messages.
  COUNTERPOINT_PUBLIC std::string to_string() const;
};

class COUNTERPOINT_PUBLIC StateStore {
 public:
  virtual ~StateStore();
  StateStore(const StateStore&) = delete;
  StateStore& operator=(const StateStore&) = delete;

  // Takes `blocks` blocks for a call made in `context`: the state moves as TensorFlow's does.
  // Errors: failed_precondition in another strategy than the store's own; nothing moves then.
  virtual Reservation reserve(const Context& context, const CallRecord& record,
                              std::uint64_t blocks, KeyUse key_use) = 0;
  // The primary state as `context` sees it.
  virtual StreamState read(const Context& context) const = 0;
  // Overwrites the state; in cross-replica context every replica's copy. Errors: as reserve().
  virtual void assign(const Context& context, const CallRecord& record,
                      const StreamState& state) = 0;
  // How many replicas' streams derive from this state; 0 for a store made outside of a strategy.
  virtual int num_replicas() const noexcept = 0;
  // Before a save that was called at `location`. Collective if there are ranks. Errors: diverged if
  // the replicas' copies differ.
  virtual void ensure_in_step(const std::source_location& location) = 0;
  // Errors: failed_precondition if a restore from `context` may not assign. Changes nothing.
  virtual void check_assignable(const Context& context) const = 0;
  // Collective if there are ranks: all of them are about to restore, called at `location`. Errors:
  // diverged if they are not.
  virtual void begin_restore(const std::source_location& location);
  // How long ranks wait for each other in these; none where they do not.
  virtual std::optional<double> timeout_seconds() const noexcept;

  // Where a strategy saves replicas that differ: each replica's state, as the last ensure_in_step()
  // found them. Nothing where they are alike.
  virtual std::vector<StreamState> replica_states() const;
  // Errors: failed_precondition if a restore from `context` may not give each of `count` replicas
  // a state of its own. Changes nothing.
  virtual void check_each_assignable(const Context& context, std::int64_t count) const;
  // Gives replica r states[r], after check_each_assignable().
  virtual void assign_each(const Context& context, const CallRecord& record,
                           std::span<const StreamState> states) noexcept;

  const StreamDefinition& definition() const noexcept { return definition_; }
  const StreamOrigin& origin() const noexcept { return origin_; }
  const StreamLayout& layout() const noexcept { return layout_; }

 protected:
  StateStore(const StreamDefinition& definition, StreamOrigin origin, StreamLayout layout = {});

 private:
  const StreamDefinition& definition_;
  const StreamOrigin origin_;
  const StreamLayout layout_;
};

// One state. Draws are atomic: threads that share it get distinct numbers. Replicas of a strategy
// take turns, as their domain orders them.
class COUNTERPOINT_PUBLIC PlainStore final : public StateStore,
                                             public std::enable_shared_from_this<PlainStore> {
 public:
  enum class Sharing : std::uint8_t {
    by_replicas,       // which take turns
    private_to_owner,  // drawn by whoever holds it, in a run too
  };

  PlainStore(const StreamDefinition& definition, const StreamState& state, StreamOrigin origin,
             Sharing sharing = Sharing::by_replicas);
  ~PlainStore() override;

  Reservation reserve(const Context& context, const CallRecord& record, std::uint64_t blocks,
                      KeyUse key_use) override;
  StreamState read(const Context& context) const override;
  void assign(const Context& context, const CallRecord& record, const StreamState& state) override;
  int num_replicas() const noexcept override { return 0; }
  void ensure_in_step(const std::source_location& /*location*/) override {}
  void check_assignable(const Context& context) const override;

  // Without regard to turns: for the domain that gives them.
  StreamState peek() const;
  void replace(const StreamState& state);
  // What a turn takes, in the order of turns, before the state moves. Errors: failed_precondition if it
  // was taken before, where reuse is watched for.
  void claim_turn(const Reservation& reserved, const CallRecord& record, std::uint64_t blocks);
  // A turn that another rank took, or all of a round, moved the state from `at` by going back to `to`.
  void give_back_turn(const Reservation& at, const kernels::Counter& to) noexcept;

 private:
  // Asks whether the blocks were taken before; under the lock.
  void claim(const CallRecord& record, std::uint64_t blocks);

  const Sharing sharing_;
  mutable DrawLock lock_;
  StreamState state_;
  const std::unique_ptr<BlockClaims> claims_;  // null unless reuse is watched for
};

}  // namespace counterpoint::inline v1
