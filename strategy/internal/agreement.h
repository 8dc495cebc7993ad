// What ranks agree on: that they are about to do the same thing, having made the same calls. The
// end of a run is agreed upon later: its reduction is posted, and waited for before the next one.
//
//   agreement.settle();                                       // what the last run left open
//   agreement.agree(proposal, failure, [] { return "..."; });  // or throws, on every rank
//   agreement.post_end();                                     // does not wait
//
// Collective, all of it. Errors that every rank throws alike are AgreedErrors; any other is of this
// rank alone (a deadline, no memory), and the others must be told. Thread-safety: one thread, while
// no replica is running.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <source_location>
#include <string>
#include <vector>

#include "counterpoint/runtime/call_record.h"
#include "counterpoint/runtime/communicator.h"
#include "counterpoint/runtime/error.h"
#include "counterpoint/strategy/internal/control.h"
#include "counterpoint/strategy/internal/local_replica.h"
#include "counterpoint/strategy/internal/mirrored_objects.h"
#include "counterpoint/strategy/internal/outside_stores.h"
#include "counterpoint/strategy/internal/rank_search.h"
#include "counterpoint/strategy/strategy_options.h"

namespace counterpoint::inline v1 {

class AgreedError : public Error {
 public:
  enum class Effect : std::uint8_t { stops, changes_nothing };

  explicit AgreedError(const Error& error, Effect effect = Effect::stops)
      : Error(error), effect_(effect) {}
  AgreedError(ErrorCode code, const std::string& message, Effect effect = Effect::stops)
      : Error(code, message), effect_(effect) {}

  // Whether the strategy may go on.
  bool stops() const noexcept { return effect_ == Effect::stops; }

 private:
  Effect effect_;
};

// What was found first, before what ranks or replicas noticed it by.
std::string noticed_later(const std::string& first, const std::string& noticed);
// That rank `ignorant` cannot follow the turns of rank `drawing`, which is where `text` says.
std::string cannot_follow(int ignorant, int drawing, const std::string& text);

class Agreement {
 public:
  using Describe = std::function<std::string()>;

  // `control` carries nothing else. What is referred to outlives this.
  Agreement(const StrategyOptions& options, std::vector<LocalReplica>& replicas,
            MirroredObjects& objects, OutsideStores& outside, std::shared_ptr<Communicator> control,
            std::shared_ptr<Communicator> payload);

  Control& control() noexcept { return control_; }
  // Whether calls are compared in runs.
  bool compares_runs() const noexcept {
    return options_.on_divergence == OnDivergence::stop ||
           options_.on_divergence == OnDivergence::adopt_first;
  }
  // Puts the calls so far into `proposal`, to be compared.
  void compare_calls(Proposal& proposal) const;
  bool local_calls_differ() const noexcept;
  // Of any two replicas. Collective.
  bool calls_differ() const;
  // The first calls in which the local replicas differ.
  std::string local_difference() const { return local_difference(marks()); }
  // The same where they differ before what they are about to do, which is the last call of those that
  // `is_logged` says; else empty.
  std::string local_difference_before(const std::vector<bool>& is_logged) const;

  // All ranks do as `proposal` says. `record` is of the collective that is agreed upon, if it is
  // one; `failure` is why this rank cannot, if it cannot; `describe` says where this rank is, if
  // ranks differ. Not while an end is open.
  Verdict agree(const Proposal& proposal, const CallRecord* record,
                const std::optional<Error>& failure, const Describe& describe);

  void begin_run() noexcept { concluded_run_ = ++run_; }
  std::int64_t run() const noexcept { return run_; }
  // This rank has ended its run, and answers no turns.
  void post_end(std::uint64_t occasion);
  bool is_open() const noexcept { return control_.posted(); }
  // Waits for the other ranks' ends, and throws what they have to say. A replica that is about to
  // draw in turn is at no call that all replicas make: where there is one, on any rank, nothing is
  // adopted yet, and the difference shows again where they meet.
  void settle(bool in_turn = false);

  // Reports a difference after which the first replica's `adopted` are everybody's.
  void report(const std::string& message, std::vector<std::string> adopted);
  const std::vector<Divergence>& divergences() const noexcept { return divergences_; }
  std::int64_t num_divergences() const noexcept { return num_divergences_; }

  // Where replicas first differ, up to the marks. Collective.
  std::string first_difference(const std::vector<CallLog::Mark>& ends);
  std::vector<CallLog::Mark> marks() const;
  // The same error, saying who else does not answer, where this rank is and when all were last together
  // if it is a deadline's. For whoever catches what agree(), settle() or a payload throws, by reference
  // and once. `here` is where, if it is not the last call.
  Error placed(const Error& error, std::string here = {});
  // "; no answer from rank 1", after another rank or this one has revoked the communicators since a
  // deadline has passed; empty if all answer, which is waited for, a second at most.
  std::string describe_silent();
  // Describes what calls were logged of, as far as it lives here.
  CallLog::NameOf names() const {
    return [this](std::uint64_t stream) {
      const std::string name = objects_.name_of(stream);
      return name.empty() ? outside_.name_of(stream) : name;
    };
  }
  // "replica 3 on rank 1, the last call of which is call 12: ...", or that it has made none.
  std::string last_call(std::size_t local_index) const;
  // "replica 3 has left run 7 after 13 calls, the last at train.cc:12", where its log had come to `end`.
  // Under its lock.
  std::string left(std::size_t local_index, std::int64_t run, const CallLog::Mark& end) const;

 private:
  // Where all ranks came together.
  struct Place {
    std::int64_t run = -1;
    std::optional<Operation> operation;
    std::source_location location = {};
  };
  static constexpr std::size_t kKeptDivergences = 16;

  // Whether calls that differ are dealt with; else settle() is to leave that to the next time. `ends`: of
  // the run, where its end is waited for.
  bool conclude(const Proposal& proposal, const Verdict& verdict,
                const std::optional<Error>& failure, const Describe& describe,
                const std::vector<CallLog::Mark>* ends, bool in_turn = false);
  void resolve_difference(const std::vector<CallLog::Mark>& ends);
  // Whether calls differ up to `ends`, of any two replicas. Collective.
  bool differ_before(const std::vector<CallLog::Mark>& ends) const;
  std::string compare_forgotten(int a, int b, std::uint64_t number) const;
  std::string local_difference(const std::vector<CallLog::Mark>& ends) const;
  std::string describe_call(std::size_t local_index, std::uint64_t number,
                            std::uint64_t count) const;
  // Where calls were first made at other lines on `rank` than on the first rank; may be empty.
  std::string other_places(RankSearch& search, int rank, std::uint64_t begin, std::uint64_t end,
                           std::uint64_t count);
  // Every replica's calls are as the first's from here on, and its state is everybody's.
  void adopt_first(const std::string& message);
  int first_replica_id() const noexcept { return payload_->rank() * options_.replicas_per_rank; }

  const StrategyOptions& options_;
  std::vector<LocalReplica>& replicas_;
  MirroredObjects& objects_;
  OutsideStores& outside_;
  Control control_;
  const std::shared_ptr<Communicator> payload_;
  std::int64_t run_ = -1;
  Place together_;
  std::uint64_t compared_ = 0;            // so many calls were found alike on all ranks
  Proposal end_proposal_;                 // of the run whose end is open
  std::vector<CallLog::Mark> end_marks_;  // and where its logs were
  std::int64_t end_run_ = -1;
  std::int64_t concluded_run_ = -1;      // to which the calls belong that are compared
  std::vector<Divergence> divergences_;  // the last ones
  std::int64_t num_divergences_ = 0;
};

}  // namespace counterpoint::inline v1
