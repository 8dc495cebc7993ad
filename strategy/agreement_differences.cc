// Finding the first calls that differ: between the replicas of a rank, and between ranks.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "counterpoint/strategy/internal/agreement.h"

namespace counterpoint::inline v1 {
namespace {

// Two replicas' calls, `text` behind "replica R on rank N ". What looks alike differs in what a log
// does not keep.
std::string compare(const std::string& a, const std::string& b) {
  const auto call_of = [](const std::string& text) { return text.substr(text.find(" call ") + 1); };
  const bool same = a.find(" call ") != std::string::npos && call_of(a) == call_of(b);
  return fmt::format(
      "{}; {}{}", a, b,
      same ? ", with another shape beyond the first lengths, or another generator" : "");
}

// What is said behind it where calls that are alike were made at other lines before.
std::string perhaps(const std::string& a, const std::string& b) {
  return fmt::format(
      "; or perhaps a call too many or too few of several that are alike: the first that were made "
      "at different lines are {}; {}",
      a, b);
}

}  // namespace

// Where the first call that differs may have been before `number`.
std::string Agreement::compare_forgotten(int a, int b, std::uint64_t number) const {
  return fmt::format(
      "replica {} and replica {} differ in run {} or before, since one of the calls {} to {}, but "
      "only the last {} are remembered; to have the first one named, compare within so many calls: "
      "by a collective in the run, or by shorter runs, between which check() compares as well",
      a, b, concluded_run_, std::min(compared_, number), number, CallLog::kRemembered);
}

bool Agreement::calls_differ() const { return differ_before(marks()); }

bool Agreement::differ_before(const std::vector<CallLog::Mark>& ends) const {
  RankSearch search(*payload_);
  const bool differ =
      std::ranges::any_of(ends, [&](const CallLog::Mark& mark) { return mark != ends.front(); });
  if (search.most(differ ? 1 : 0) != 0) return true;
  return !search.alike(ends.front().digest);
}

std::string Agreement::local_difference_before(const std::vector<bool>& is_logged) const {
  std::vector<CallLog::Mark> before;
  for (std::size_t i = 0; i < replicas_.size(); ++i) {
    const CallLog& log = replicas_[i].log;
    before.push_back(is_logged[i] ? log.mark_before_last() : log.mark());
  }
  const bool differ = std::ranges::any_of(
      before, [&](const CallLog::Mark& mark) { return mark != before.front(); });
  return differ ? local_difference() : "";
}

std::vector<CallLog::Mark> Agreement::marks() const {
  std::vector<CallLog::Mark> marks;
  for (const LocalReplica& replica : replicas_) marks.push_back(replica.log.mark());
  return marks;
}

std::string Agreement::describe_call(std::size_t local_index, std::uint64_t number,
                                     std::uint64_t count) const {
  return fmt::format("replica {} on rank {} {}", first_replica_id() + static_cast<int>(local_index),
                     payload_->rank(), replicas_[local_index].log.describe(number, count, names()));
}

std::string Agreement::local_difference(const std::vector<CallLog::Mark>& ends) const {
  for (std::size_t i = 1; i < replicas_.size(); ++i) {
    if (const auto number =
            counterpoint::first_difference(replicas_[0].log, ends[0], replicas_[i].log, ends[i])) {
      if (replicas_[0].log.may_differ_before(*number) ||
          replicas_[i].log.may_differ_before(*number)) {
        return compare_forgotten(first_replica_id(), first_replica_id() + static_cast<int>(i),
                                 *number);
      }
      const auto calls = [&](std::uint64_t at) {
        return std::pair(describe_call(0, at, ends[0].count), describe_call(i, at, ends[i].count));
      };
      const auto [one, other] = calls(*number);
      const auto place = first_other_place(replicas_[0].log, replicas_[i].log, compared_, *number);
      if (!place) return compare(one, other);
      const auto [one_before, other_before] = calls(*place);
      return compare(one, other) + perhaps(one_before, other_before);
    }
  }
  return {};
}

std::string Agreement::first_difference(const std::vector<CallLog::Mark>& ends) {
  const CallLog& log = replicas_.front().log;
  const std::uint64_t count = ends.front().count;
  const int rank = payload_->rank();
  RankSearch search(*payload_);
  const std::uint64_t shortest = search.least(count);
  const std::uint64_t begin = std::min(search.most(log.first_remembered()), shortest);
  // Logs that differ never meet again, so what is alike is so from the first call on.
  const auto digest_at = [&](std::uint64_t number) -> RankSearch::Value {
    constexpr std::uint64_t kEnded = 0x656e6465u;
    constexpr std::uint64_t kForgotten = 0x666f7267u;
    if (number >= count) return kEnded;
    const CallLog::Call* const call = log.call(number);
    return call != nullptr ? call->digest : kForgotten;
  };
  const std::uint64_t number = search.first_unlike(begin, shortest, digest_at);
  const auto ranks = search.unlike(digest_at(number));
  if (!ranks) {
    // What was called since has taken the place of all that was called up to the ends.
    if (const auto forgotten = search.unlike(ends.front().digest)) {
      return compare_forgotten(forgotten->first * options_.replicas_per_rank,
                               forgotten->second * options_.replicas_per_rank, shortest);
    }
    // Ranks agree about their first replicas: some rank's own replicas differ.
    const std::string mine = local_difference(ends);
    const std::optional<int> told = search.first_rank(!mine.empty());
    return told ? search.text_of(mine, *told) : "they were alike when they were looked at again";
  }
  const int other = ranks->second;  // beside rank 0
  const bool asked = rank == 0 || rank == other;
  if (search.most(asked && log.may_differ_before(number) ? 1 : 0) != 0) {
    return compare_forgotten(0, other * options_.replicas_per_rank, number);
  }
  const std::string mine = describe_call(0, number, count);
  const std::string first = search.text_of(mine, 0);
  return compare(first, search.text_of(mine, other)) +
         other_places(search, other, std::max(begin, compared_), number, count);
}

std::string Agreement::other_places(RankSearch& search, int rank, std::uint64_t begin,
                                    std::uint64_t end, std::uint64_t count) {
  if (begin >= end) return {};
  const CallLog& log = replicas_.front().log;
  const bool asked = payload_->rank() == 0 || payload_->rank() == rank;
  // Of the places of all calls from `begin` up to each, so that differing once is differing ever after.
  std::vector<std::uint64_t> places;
  std::uint64_t digest = 0;
  for (std::uint64_t number = begin; asked && number < end; ++number) {
    digest = mix_digest(digest, log.place(number));
    places.push_back(digest);
  }
  const std::uint64_t at = search.first_unlike(begin, end, [&](std::uint64_t number) {
    return asked ? RankSearch::Value(places[number - begin]) : std::nullopt;
  });
  if (at == end) return {};
  const std::string mine = describe_call(0, at, count);
  const std::string first = search.text_of(mine, 0);
  return perhaps(first, search.text_of(mine, rank));
}

}  // namespace counterpoint::inline v1
