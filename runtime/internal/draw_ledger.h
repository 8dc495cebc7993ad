// Which blocks of which streams the generators of a process took, so that a second taking is found.
//
//   std::unique_ptr<BlockClaims> claims = BlockClaims::if_watched(definition, origin, {});
//   if (claims != nullptr) claims->claim(reserved, blocks, record);  // throws, and then claims nothing
//   state.counter = definition.advance(state.counter, blocks);
//   claims->rewind({state.key, state.counter}, record.operation);    // in a reset or restore
//
// A holder is one object's stream: a plain generator, a replica's copy of a mirrored one. Ranges of a
// stream never overlap; those that a holder took one after the other are merged, those of a replica also
// across what its other streams drew meanwhile (which it passed and will not draw). Thread-safety: all of it is under the
// ledger's lock. Source: docs/streams.md section 4 for what a draw reserves.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <source_location>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "counterpoint/runtime/call_record.h"
#include "counterpoint/runtime/internal/ledger_entry.h"
#include "counterpoint/runtime/reuse_detector.h"
#include "counterpoint/runtime/state_store.h"

namespace counterpoint::inline v1 {

constexpr BlockNumber block_number(const kernels::Counter& counter) {
  return BlockNumber{counter.high} << 64 | counter.low;
}

class DrawLedger {
 public:
  struct Holder;

 private:
  struct Stream {
    std::uint32_t algorithm;  // index in algorithms_
    std::uint64_t key;
    friend auto operator<=>(const Stream&, const Stream&) = default;
  };
  struct RangeKey {
    Stream stream;
    BlockNumber first;
    friend bool operator<(const RangeKey& a, const RangeKey& b) {
      return std::tie(a.stream, a.first) < std::tie(b.stream, b.first);
    }
  };
  struct Call {
    Operation operation = Operation::normal;
    std::source_location location = {};
    const LedgerText* text = nullptr;  // instead of the two, of an imported range
    BlockNumber first = 0;
    BlockNumber last = 0;
    bool separated = false;  // a split_separated

    std::string to_string() const;
  };
  struct Range {
    BlockNumber last = 0;
    Holder* holder = nullptr;
    std::uint64_t jumps = 0;  // of the holder, when it took the last of this
    std::vector<Call> calls = {};
    std::list<RangeKey>::iterator age = {};
  };
  using Ranges = std::map<RangeKey, Range>;

 public:
  struct Holder {
    LedgerText text;  // "generator 'noise'"
    std::uint64_t identity = 0;
    HolderKind kind = HolderKind::plain;
    std::shared_ptr<const void> run = {};  // that it was made in, of shared_in_a_run
    std::uint64_t made_with = 0;  // digest of its first state; 0 where its name says enough
    std::uint32_t algorithm = 0;
    BlockNumber last_block = 0;  // of a counter; the next is 0
    std::uint64_t jumps = 0;     // moves that were no draws
    bool alive = true;
    bool imported = false;
    std::set<RangeKey> ranges = {};
    std::optional<Ranges::iterator> latest = {};  // that it took from
  };

  explicit DrawLedger(const ReuseDetectorOptions& options) : options_(options) {}

  // The one that generators made now report to; null when reuse is not watched for.
  COUNTERPOINT_PUBLIC static std::shared_ptr<DrawLedger> current();

  // A new holder. Equal identities mark the same object on other ranks and in other processes.
  Holder& open(const StreamDefinition& definition, Holder holder);
  // Its object has gone; its ranges stay.
  void close(Holder& holder);
  // Errors: failed_precondition if a block was taken before; nothing is then.
  void claim(Holder& holder, const Reservation& reserved, std::uint64_t blocks,
             const CallRecord& record);
  // The holder moved without drawing what lies between.
  void jump(Holder& holder);
  // The holder was told to go back, and went from `at` to block `to`: gives back what it took of that
  // stream from there on. Where the counter is one word it may have gone over block 0; where it is two,
  // TensorFlow's addition may have lost a carry.
  void rewind_to(Holder& holder, const Reservation& at, BlockNumber to);
  // The holder gets another state: gives back what it took of that stream from there on. So do gone holders
  // of its identity, in a reset those alone that were made with the same state.
  void rewind(Holder& holder, const Reservation& to, Operation operation);

  std::vector<Reuse> reuses() const;
  std::size_t num_ranges() const;
  std::size_t num_forgotten() const;
  // Objects that live, or have ranges.
  COUNTERPOINT_PUBLIC std::size_t num_holders() const;

  COUNTERPOINT_PUBLIC std::vector<LedgerEntry> entries() const;
  // A reuse that was found elsewhere. Errors: failed_precondition if reuse stops draws.
  COUNTERPOINT_PUBLIC void report(std::string message);
  // Adds what is not taken yet, in as many steps as there are entries and ranges that these meet; reports
  // nothing. What there is no memory for is forgotten.
  COUNTERPOINT_PUBLIC void import(const std::vector<LedgerEntry>& entries);

 private:
  Holder& add_holder(std::unique_ptr<Holder> holder);
  using ImportedHolders = std::map<std::tuple<std::uint64_t, LedgerText, HolderKind>, Holder*>;
  void import_one(const LedgerEntry& entry, ImportedHolders& known);
  static bool equal_by_design(const Holder& a, const Holder& b);
  std::uint32_t algorithm_index(std::string_view name);
  static bool is_of(const Holder& holder, const Stream& stream, const Ranges::value_type& range);
  bool extends_latest(const Holder& holder, const Stream& stream, BlockNumber first,
                      BlockNumber last) const;
  void extend(Ranges::iterator range, BlockNumber first, BlockNumber last, const Call* call);
  // The first range of the stream that has a block of first..last.
  Ranges::iterator first_meeting(const Stream& stream, BlockNumber first, BlockNumber last);
  bool meets(Ranges::const_iterator at, const Stream& stream, BlockNumber last) const;
  void check(const Holder& holder, const Stream& stream, BlockNumber first, BlockNumber last,
             const CallRecord& record);
  // Throws, or collects what has the same key as one.
  void report_once(std::string key, std::string message);
  std::string describe(const Ranges::value_type& taken, const Holder& holder, BlockNumber first,
                       BlockNumber last, const CallRecord& record) const;
  void add(Holder& holder, const Stream& stream, BlockNumber first, BlockNumber last,
           const Call* call);
  void add_piece(Holder& holder, const Stream& stream, BlockNumber first, BlockNumber last,
                 const Call* call);
  Ranges::iterator new_range(Holder& holder, const RangeKey& key, BlockNumber last,
                             Ranges::iterator next);
  void merge_with_next(Ranges::iterator range);
  static void add_call(Range& range, const Call& call, BlockNumber first, BlockNumber last);
  void forget(Ranges::iterator range);
  void forget_from(Holder& holder, const Stream& stream, BlockNumber from);
  // What began before `end`.
  void forget_before(Holder& holder, const Stream& stream, BlockNumber end);
  void drop_if_gone(Holder& holder);

  const ReuseDetectorOptions options_;
  mutable std::mutex mutex_;
  std::vector<std::string> algorithms_;
  std::map<std::string, std::uint32_t, std::less<>> algorithm_numbers_;
  std::map<std::pair<std::uint64_t, const Holder*>, std::unique_ptr<Holder>>
      holders_;  // by identity
  Ranges ranges_;
  std::list<RangeKey> ages_;  // the range that was longest not drawn first
  std::set<LedgerText> texts_;
  std::vector<Reuse> reuses_;
  std::map<std::string, std::size_t> reuse_numbers_;
  std::size_t forgotten_ = 0;
};

// One holder's part of the ledger, where its state is. Called under whatever guards the state.
class COUNTERPOINT_PUBLIC BlockClaims {
 public:
  struct Who {
    HolderKind kind = HolderKind::plain;
    std::optional<int> replica_id = {};
    std::shared_ptr<const void> run = {};  // of shared_in_a_run: one object a run
  };

  // Of an object that is made with `state`. Null unless reuse is watched for.
  static std::unique_ptr<BlockClaims> if_watched(const StreamDefinition& definition,
                                                 const StreamState& state,
                                                 const StreamOrigin& origin, const Who& who);
  BlockClaims(std::shared_ptr<DrawLedger> ledger, const StreamDefinition& definition,
              DrawLedger::Holder& holder);
  BlockClaims(const BlockClaims&) = delete;
  BlockClaims& operator=(const BlockClaims&) = delete;
  ~BlockClaims();

  // Before the state moves. A skip claims nothing, and backwards gives back. Errors:
  // failed_precondition if a block was taken before.
  void claim(const Reservation& reserved, std::uint64_t blocks, const CallRecord& record);
  // The stream went back from `at` to `to`, without a call of this process.
  void rewind_to(const Reservation& at, const kernels::Counter& to);
  // With the state that is assigned, its key that of the stream.
  void rewind(const Reservation& to, Operation operation) noexcept;

 private:
  const std::shared_ptr<DrawLedger> ledger_;
  const StreamDefinition& definition_;
  DrawLedger::Holder& holder_;
};

}  // namespace counterpoint::inline v1
