#include "counterpoint/strategy/internal/agreement.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <mutex>
#include <thread>
#include <utility>

#include "counterpoint/runtime/internal/collective_call.h"

namespace counterpoint::inline v1 {

Agreement::Agreement(const StrategyOptions& options, std::vector<LocalReplica>& replicas,
                     MirroredObjects& objects, OutsideStores& outside,
                     std::shared_ptr<Communicator> control, std::shared_ptr<Communicator> payload)
    : options_(options),
      replicas_(replicas),
      objects_(objects),
      outside_(outside),
      control_(std::move(control)),
      payload_(std::move(payload)),
      end_marks_(replicas.size()) {}

void Agreement::compare_calls(Proposal& proposal) const {
  proposal.calls = replicas_.front().log.digest();
  proposal.calls_differ = local_calls_differ();
}

bool Agreement::local_calls_differ() const noexcept {
  return std::ranges::any_of(replicas_, [this](const LocalReplica& replica) {
    return replica.log.mark() != replicas_.front().log.mark();
  });
}

Verdict Agreement::agree(const Proposal& proposal, const CallRecord* record,
                         const std::optional<Error>& failure, const Describe& describe) {
  const Verdict verdict = control_.exchange(proposal);
  const bool compared = conclude(proposal, verdict, failure, describe, nullptr);
  if (verdict.turn) return verdict;
  if (proposal.calls && compared) compared_ = replicas_.front().log.count();
  together_ = {.run = run_, .operation = std::nullopt};
  if (record != nullptr) {
    together_.operation = record->operation;
    together_.location = record->location;
  }
  return verdict;
}

void Agreement::post_end(std::uint64_t occasion) {
  end_proposal_ = {.occasion = occasion, .calls = {}, .turn = {}, .ended = true};
  if (compares_runs()) compare_calls(end_proposal_);
  for (std::size_t i = 0; i < replicas_.size(); ++i) end_marks_[i] = replicas_[i].log.mark();
  end_run_ = run_;
  control_.post(end_proposal_);
  if (payload_->size() == 1) settle();
}

void Agreement::settle(bool in_turn) {
  if (!control_.posted()) return;
  const Verdict verdict = control_.wait();
  const bool compared = conclude(
      end_proposal_, verdict, std::nullopt,
      [this] {
        std::string text;
        for (std::size_t i = 0; i < end_marks_.size(); ++i) {
          text += (i == 0 ? "" : ", ") + left(i, end_run_, end_marks_[i]);
        }
        return text;
      },
      &end_marks_, in_turn);
  if (end_proposal_.calls && compared) compared_ = end_marks_.front().count;
  together_ = {.run = end_run_, .operation = std::nullopt};
  concluded_run_ = run_;
}

// What the verdict means, the same on every rank, whether it waits for a posted end or not: returns if all
// go on.
bool Agreement::conclude(const Proposal& proposal, const Verdict& verdict,
                         const std::optional<Error>& failure, const Describe& describe,
                         const std::vector<CallLog::Mark>* ends, bool in_turn) {
  concluded_run_ = ends != nullptr ? end_run_ : run_;
  if (verdict.failed_rank) {
    const Error mine = failure.value_or(Error(ErrorCode::internal, ""));
    // What all were about to do and one refused changes nothing; a run that failed did happen.
    const bool refused = ends == nullptr && verdict.occasions_agree && !verdict.turn;
    throw AgreedError(control_.share_error(mine, *verdict.failed_rank),
                      refused ? AgreedError::Effect::changes_nothing : AgreedError::Effect::stops);
  }
  RankSearch search(*payload_);
  const auto do_different_things = [&](RankSearch::Value mine) {
    return "ranks that must do the same thing do not: " + search.describe_unlike(mine, describe());
  };
  if (verdict.turn) {
    if (!verdict.turns_agree) {
      throw AgreedError(ErrorCode::diverged, do_different_things(proposal.turn));
    }
    if (!verdict.ended_rank) return true;  // whatever else ranks are about to do waits for the turn
    if (const auto outside = search.first_rank(proposal.ended && ends == nullptr)) {
      const auto drawing = proposal.turn ? RankSearch::Value(1) : std::nullopt;
      throw AgreedError(ErrorCode::diverged,
                        do_different_things(payload_->rank() == *outside ? 0 : drawing));
    }
    const int drawing = search.first_rank(proposal.turn.has_value()).value_or(0);
    throw AgreedError(ErrorCode::diverged, cannot_follow(*verdict.ended_rank, drawing,
                                                         search.text_of(describe(), drawing)));
  }
  if (!verdict.occasions_agree) {
    const std::string noticed = do_different_things(proposal.occasion);
    std::vector<CallLog::Mark> before = ends != nullptr ? *ends : marks();
    if (!compares_runs()) throw AgreedError(ErrorCode::diverged, noticed);
    for (std::size_t i = 0; i < before.size() && proposal.is_logged; ++i) {
      before[i] = replicas_[i].log.mark_before_last();
    }
    if (!differ_before(before)) throw AgreedError(ErrorCode::diverged, noticed);
    throw AgreedError(ErrorCode::diverged,
                      noticed_later(first_difference(ends != nullptr ? *ends : marks()), noticed));
  }
  if (verdict.calls_agree) return true;
  if (options_.on_divergence == OnDivergence::adopt_first && search.most(in_turn ? 1 : 0) != 0) {
    return false;
  }
  resolve_difference(ends != nullptr ? *ends : marks());
  return true;
}

std::string noticed_later(const std::string& first, const std::string& noticed) {
  return fmt::format("replicas that must make the same calls do not: {}; noticed where {}", first,
                     noticed);
}

std::string cannot_follow(int ignorant, int drawing, const std::string& text) {
  return fmt::format(
      "no replica on rank {} has yet drawn from a generator that was made outside and that others "
      "draw from, so its copy cannot follow: on rank {}, {}; let every rank draw from it (no "
      "elements will do), or make it in the strategy's scope",
      ignorant, drawing, text);
}

void Agreement::resolve_difference(const std::vector<CallLog::Mark>& ends) {
  const std::string message =
      "replicas that must make the same calls do not: " + first_difference(ends);
  switch (options_.on_divergence) {
    case OnDivergence::stop:
      throw AgreedError(ErrorCode::diverged, message);
    case OnDivergence::adopt_first:
      return adopt_first(message);
    case OnDivergence::stop_at_saves:
    case OnDivergence::save_all:
      throw AgreedError(ErrorCode::diverged, message, AgreedError::Effect::changes_nothing);
  }
}

void Agreement::adopt_first(const std::string& message) {
  const std::vector<std::shared_ptr<MirroredObject>> objects = objects_.living();
  const std::uint64_t mine = MirroredObjects::digest_of(objects);
  std::vector<std::uint64_t> all(static_cast<std::size_t>(payload_->size()));
  payload_->all_gather(std::span<const std::uint64_t>(&mine, 1), std::span(all));
  if (std::ranges::any_of(all, [&](std::uint64_t other) { return other != all.front(); })) {
    throw AgreedError(ErrorCode::diverged,
                      message +
                          "; the first replica's state cannot be adopted, since ranks hold "
                          "different generators and variables");
  }
  std::vector<std::int32_t> changed(objects.size());
  for (std::size_t i = 0; i < objects.size(); ++i) {
    changed[i] = objects_.adopt_first(*objects[i]) ? 1 : 0;
  }
  payload_->all_reduce(std::span(changed), Reduce::max);
  std::vector<std::uint64_t> mark = {replicas_.front().log.count(), replicas_.front().log.digest()};
  payload_->broadcast(std::span(mark), 0);
  for (LocalReplica& replica : replicas_) {
    const std::scoped_lock lock(replica.lock);
    replica.log.adopt({.count = mark[0], .digest = mark[1]});
  }
  std::vector<std::string> adopted;
  for (std::size_t i = 0; i < objects.size(); ++i) {
    if (changed[i] != 0) adopted.push_back(objects[i]->describe());
  }
  compared_ = mark[0];
  report(message, std::move(adopted));
}

void Agreement::report(const std::string& message, std::vector<std::string> adopted) {
  if (divergences_.size() == kKeptDivergences) divergences_.erase(divergences_.begin());
  divergences_.push_back({.run = run_, .message = message, .adopted = std::move(adopted)});
  ++num_divergences_;
}

std::string Agreement::last_call(std::size_t local_index) const {
  const LocalReplica& replica = replicas_[local_index];
  const std::scoped_lock lock(replica.lock);
  const std::uint64_t count = replica.log.count();
  const std::string who =
      fmt::format("replica {} on rank {}", first_replica_id() + static_cast<int>(local_index),
                  payload_->rank());
  if (count == 0) return who + ", which has made no call";
  return fmt::format("{}, the last call of which is {}", who,
                     replica.log.describe(count - 1, count, names()));
}

std::string Agreement::left(std::size_t local_index, std::int64_t run,
                            const CallLog::Mark& end) const {
  const CallLog::Call* const last =
      end.count == 0 ? nullptr : replicas_[local_index].log.call(end.count - 1);
  return fmt::format("replica {} has left run {} after {} calls{}",
                     first_replica_id() + static_cast<int>(local_index), run, end.count,
                     last == nullptr ? "" : ", the last at " + location_to_string(last->location));
}

std::string Agreement::describe_silent() {
  const double timeout = payload_->timeout_seconds();
  const auto until = std::chrono::steady_clock::now() +
                     std::chrono::duration<double>(std::clamp(timeout / 2, 0.1, 1.0));
  std::vector<int> silent;
  for (;;) {
    // Where ranks wait differs; whoever is heard of on one of the two is there.
    silent = control_.silent_ranks();
    const std::vector<int> others = payload_->silent_ranks();
    std::erase_if(silent, [&](int rank) { return !std::ranges::binary_search(others, rank); });
    if (silent.empty() || std::chrono::steady_clock::now() > until) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  if (silent.empty()) return "";
  constexpr std::size_t kMost = 16;
  const std::size_t shown = std::min(silent.size(), kMost);
  return fmt::format(
      "; no answer from rank{} {}{}", silent.size() == 1 ? "" : "s",
      fmt::join(silent.begin(), silent.begin() + shown, ", "),
      shown < silent.size() ? fmt::format(" and {} more", silent.size() - shown) : "");
}

Error Agreement::placed(const Error& error, std::string here) {
  if (error.code() != ErrorCode::deadline_exceeded) return error;
  if (here.empty()) here = last_call(0);
  std::string together = "when this strategy was made";
  if (together_.operation) {
    together = fmt::format(
        "at {} at {}, {}", operation_name(*together_.operation),
        location_to_string(together_.location),
        together_.run < 0 ? "before any run" : fmt::format("in or after run {}", together_.run));
  } else if (together_.run >= 0) {
    together = fmt::format("at the end of run {}", together_.run);
  }
  const auto* const failure = dynamic_cast<const CommunicatorError*>(&error);
  const std::string& reason = failure != nullptr ? failure->reason() : error.message();
  const std::string silent =
      failure != nullptr && !failure->names_silent() ? describe_silent() : "";
  return {error.code(), fmt::format("{}{}; here: {}; all ranks were last together {}", reason,
                                    silent, here, together)};
}

}  // namespace counterpoint::inline v1
