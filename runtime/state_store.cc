#include "counterpoint/runtime/state_store.h"

#include <fmt/format.h>

#include <mutex>

#include "counterpoint/runtime/error.h"
#include "counterpoint/runtime/internal/draw_ledger.h"
#include "counterpoint/runtime/stream_domain.h"

namespace counterpoint::inline v1 {

std::vector<std::int64_t> StreamState::words(const StreamDefinition& definition) const {
  std::vector<std::int64_t> words = {static_cast<std::int64_t>(counter.low)};
  if (definition.counter_words == 2) words.push_back(static_cast<std::int64_t>(counter.high));
  words.push_back(static_cast<std::int64_t>(key));
  return words;
}

StreamState StreamState::from_words(const StreamDefinition& definition,
                                    std::span<const std::int64_t> words) {
  if (words.size() != static_cast<std::size_t>(definition.state_words())) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("a {} state has {} words (counter, then key), not {}", definition.name,
                            definition.state_words(), words.size()));
  }
  StreamState state;
  state.counter.low = static_cast<std::uint64_t>(words.front());
  if (definition.counter_words == 2) state.counter.high = static_cast<std::uint64_t>(words[1]);
  state.key = static_cast<std::uint64_t>(words.back());
  return state;
}

std::uint64_t StreamOrigin::digest() const {
  const auto mix_text = [](std::uint64_t digest, std::string_view text) {
    for (const char c : text) digest = mix_digest(digest, static_cast<unsigned char>(c));
    return mix_digest(digest, text.size());
  };
  if (!name.empty()) {
    const std::uint64_t digest = mix_text(1, name);
    return child == 0 ? digest : mix_digest(digest, static_cast<std::uint64_t>(child));
  }
  std::uint64_t digest = 2;
  if (parent != 0) {
    digest = mix_digest(digest, parent);
  } else {
    digest = mix_text(digest, location.file_name());
    digest = mix_digest(digest, location.line());
    digest = mix_digest(digest, location.column());
  }
  return mix_digest(digest, static_cast<std::uint64_t>(child));
}

std::string StreamOrigin::to_string() const {
  const std::string text = name.empty() ? "generator made at " + location_to_string(location)
                                        : fmt::format("generator '{}'", name);
  return parent == 0 && child > 0 ? fmt::format("{} (number {})", text, child + 1) : text;
}

StateStore::StateStore(const StreamDefinition& definition, StreamOrigin origin, StreamLayout layout)
    : definition_(definition), origin_(std::move(origin)), layout_(std::move(layout)) {}

StateStore::~StateStore() = default;

void StateStore::begin_restore(const std::source_location& /*location*/) {}
std::optional<double> StateStore::timeout_seconds() const noexcept { return std::nullopt; }

std::vector<StreamState> StateStore::replica_states() const { return {}; }

void StateStore::check_each_assignable(const Context& /*context*/, std::int64_t count) const {
  throw Error(ErrorCode::failed_precondition,
              fmt::format("was saved with states that differ on its {0} replicas, and {1} has one "
                          "state; restore it in a strategy of {0} replicas that saves all states",
                          count, origin().to_string()));
}

void StateStore::assign_each(const Context& /*context*/, const CallRecord& /*record*/,
                             std::span<const StreamState> /*states*/) noexcept {}

PlainStore::PlainStore(const StreamDefinition& definition, const StreamState& state,
                       StreamOrigin origin, Sharing sharing)
    : StateStore(definition, std::move(origin)),
      sharing_(sharing),
      state_(state),
      claims_(BlockClaims::if_watched(definition, state, this->origin(), {})) {}

PlainStore::~PlainStore() = default;

Reservation PlainStore::reserve(const Context& context, const CallRecord& record,
                                std::uint64_t blocks, KeyUse /*key_use*/) {
  if (context.kind == ContextKind::replica && sharing_ == Sharing::by_replicas) [[unlikely]] {
    return context.domain->reserve_in_turn(context, *this, record, blocks);
  }
  const std::scoped_lock lock(lock_);
  if (claims_ != nullptr) [[unlikely]] {
    claim(record, blocks);
  }
  // Word by word, as they were stored: a wider load would wait for the draw before to end.
  const kernels::Counter counter = state_.counter;
  const std::uint64_t key = state_.key;
  state_.counter = definition().advance(counter, blocks);
  return {key, counter};
}

void PlainStore::claim(const CallRecord& record, std::uint64_t blocks) {
  claims_->claim({state_.key, state_.counter}, blocks, record);
}

void PlainStore::claim_turn(const Reservation& reserved, const CallRecord& record,
                            std::uint64_t blocks) {
  if (claims_ != nullptr) claims_->claim(reserved, blocks, record);
}

void PlainStore::give_back_turn(const Reservation& at, const kernels::Counter& to) noexcept {
  if (claims_ != nullptr) claims_->rewind_to(at, to);
}

void PlainStore::replace(const StreamState& state) {
  const std::scoped_lock lock(lock_);
  state_ = state;
}

StreamState PlainStore::peek() const {
  const std::scoped_lock lock(lock_);
  return state_;
}

StreamState PlainStore::read(const Context& /*context*/) const { return peek(); }

void PlainStore::assign(const Context& context, const CallRecord& record,
                        const StreamState& state) {
  if (record.operation != Operation::restore) check_assignable(context);
  const std::scoped_lock lock(lock_);  // no draw between what is given back and the state
  if (claims_ != nullptr) claims_->rewind({state.key, state.counter}, record.operation);
  state_ = state;
}

void PlainStore::check_assignable(const Context& context) const {
  if (context.kind == ContextKind::replica) {
    throw Error(
        ErrorCode::failed_precondition,
        fmt::format("{} was made outside of the strategy and is shared by its replicas; reset "
                    "or restore it outside of run",
                    origin().to_string()));
  }
}

}  // namespace counterpoint::inline v1
