// Finding the first calls that differ: between the replicas of a rank, and between ranks.
#include <fmt/format.h>

#include <algorithm>

#include "counterpoint/strategy/internal/agreement.h"

namespace counterpoint::inline v1 {
namespace {

// Two replicas' calls, `text` behind "replica R on rank N ". What looks alike differs in what a log
// does not spell out.
std::string compare(const std::string& a, const std::string& b) {
  const auto call_of = [](const std::string& text) { return text.substr(text.find(" call ") + 1); };
  const bool same = a.find(" call ") != std::string::npos && call_of(a) == call_of(b);
  return fmt::format("{}; {}{}", a, b, same ? ", with other parameters or another shape" : "");
}

// The same where the first call that differs may have been before `number`.
std::string compare_forgotten(int a, int b, std::uint64_t number) {
  return fmt::format(
      "replica {} and replica {} differ since call {} or before, and what was called before is no "
      "longer remembered; call check() at least every {} calls to have the first one named",
      a, b, number, CallLog::kRemembered);
}

// What a rank tells of its first replica's log: the number of the first call that is remembered and
// of all, whether that one may only look like the first to differ, then the digests of the calls from
// the one on, oldest first.
class ToldLog {
 public:
  static constexpr std::size_t kHead = 3;
  static constexpr std::size_t kWords = kHead + CallLog::kRemembered;

  static std::vector<std::uint64_t> words_of(const CallLog& log, const CallLog::Mark& end) {
    std::vector<std::uint64_t> words(kWords);
    words[0] = std::min(log.first_remembered(), end.count);
    words[1] = end.count;
    words[2] = log.may_differ_before(words[0]) ? 1 : 0;
    for (std::uint64_t number = words[0]; number < words[1]; ++number) {
      words[kHead + number - words[0]] = log.call(number)->digest;
    }
    return words;
  }

  explicit ToldLog(const std::uint64_t* words) : words_(words) {}
  std::uint64_t first() const { return words_[0]; }
  std::uint64_t count() const { return words_[1]; }
  bool may_differ_before(std::uint64_t number) const { return number == first() && words_[2] != 0; }
  std::uint64_t digest(std::uint64_t number) const { return words_[kHead + number - first()]; }

 private:
  const std::uint64_t* words_;
};

}  // namespace

std::vector<CallLog::Mark> Agreement::marks() const {
  std::vector<CallLog::Mark> marks;
  for (const LocalReplica& replica : replicas_) marks.push_back(replica.log.mark());
  return marks;
}

std::string Agreement::describe_call(std::size_t local_index, std::uint64_t number,
                                     std::uint64_t count) const {
  return fmt::format(
      "replica {} on rank {} {}", first_replica_id() + static_cast<int>(local_index),
      payload_->rank(),
      replicas_[local_index].log.describe(
          number, count, [this](std::uint64_t stream) { return objects_.name_of(stream); }));
}

std::string Agreement::local_difference(const std::vector<CallLog::Mark>& ends) const {
  for (std::size_t i = 1; i < replicas_.size(); ++i) {
    if (const auto number =
            counterpoint::first_difference(replicas_[0].log, ends[0], replicas_[i].log, ends[i])) {
      if (*number < std::min(ends[0].count, ends[i].count) &&
          (replicas_[0].log.may_differ_before(*number) ||
           replicas_[i].log.may_differ_before(*number))) {
        return compare_forgotten(first_replica_id(), first_replica_id() + static_cast<int>(i),
                                 *number);
      }
      return compare(describe_call(0, *number, ends[0].count),
                     describe_call(i, *number, ends[i].count));
    }
  }
  return {};
}

std::string Agreement::first_difference(const std::vector<CallLog::Mark>& ends) {
  const CallLog& log = replicas_.front().log;
  const std::vector<std::uint64_t> mine = ToldLog::words_of(log, ends.front());
  const auto ranks = static_cast<std::size_t>(payload_->size());
  std::vector<std::uint64_t> all(ranks * mine.size());
  payload_->all_gather(std::span<const std::uint64_t>(mine), std::span(all));

  // The first call in which some rank differs from rank 0.
  std::uint64_t number = ~std::uint64_t{0};
  std::size_t differing = 0;
  bool forgotten = false;
  const ToldLog first(all.data());
  for (std::size_t rank = 1; rank < ranks; ++rank) {
    const ToldLog other(all.data() + rank * mine.size());
    const std::uint64_t both = std::min(first.count(), other.count());
    std::uint64_t at = std::min(std::max(first.first(), other.first()), both);
    while (at < both && first.digest(at) == other.digest(at)) ++at;
    const bool differs = at < both || first.count() != other.count();
    if (differs && at < number) {
      number = at;
      differing = rank;
      forgotten = at < both && (first.may_differ_before(at) || other.may_differ_before(at));
    }
  }
  if (differing == 0) {
    // Ranks agree about their first replicas: some rank's own replicas differ.
    const std::vector<std::string> texts = control_.tell_all(local_difference(ends));
    const auto told = std::ranges::find_if(texts, [](const auto& text) { return !text.empty(); });
    return told == texts.end() ? "the call that differs is not remembered any more" : *told;
  }
  if (forgotten) {
    return compare_forgotten(0, static_cast<int>(differing) * options_.replicas_per_rank, number);
  }
  const std::vector<std::string> texts =
      control_.tell_all(describe_call(0, number, ends.front().count));
  return compare(texts.front(), texts[differing]);
}

}  // namespace counterpoint::inline v1
