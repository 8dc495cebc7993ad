// Writes the random words of replicas to stdout without end, for a program that tests them: 32-bit
// words as uniform_full_int<u32> gives them, in the machine's byte order.
//
//   replica_words --replica 3 | dieharder -g 200 -d 0            one replica's stream
//   replica_words --interleave 1000 | dieharder -g 200 -d 0      a word of replica 0, of 1, ... 999
//   replica_words --first-words | dieharder -g 200 -d 0          the first word of replica 0, 1, ...
//
// Ends quietly when its reader does.
#include <signal.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <span>
#include <vector>

#include "counterpoint/runtime/generator.h"

namespace cp = counterpoint;

namespace {

constexpr std::size_t kWords = 4096;  // a draw

struct Options {
  std::int64_t seed = 1;
  std::int64_t replica = 0;
  std::int64_t interleave = 1;
  bool first_words = false;
  std::string algorithm = "philox";
};

bool write(std::span<const std::uint32_t> words) {
  return std::fwrite(words.data(), sizeof words[0], words.size(), stdout) == words.size();
}

// Draw after draw of the replicas, a word of each in turn.
void write_streams(const cp::Generator& primary, const Options& options) {
  std::vector<cp::Generator> replicas;
  for (std::int64_t i = 0; i < options.interleave; ++i) {
    replicas.push_back(primary.for_replica(options.replica + i));
  }
  std::vector<std::uint32_t> draw(kWords);
  std::vector<std::uint32_t> words(kWords * replicas.size());
  do {
    for (std::size_t r = 0; r < replicas.size(); ++r) {
      replicas[r].fill_uniform_full_int(draw);
      for (std::size_t i = 0; i < kWords; ++i) words[i * replicas.size() + r] = draw[i];
    }
  } while (write(words));
}

void write_first_words(const cp::Generator& primary, const Options& options) {
  const cp::StreamDefinition& stream = primary.definition();
  const auto key = static_cast<std::uint64_t>(primary.key());
  const cp::Tensor state = primary.state();
  const std::span<const std::int64_t> counter = state.values<std::int64_t>();
  std::vector<std::uint32_t> words(kWords);
  auto replica = static_cast<std::uint64_t>(options.replica);
  do {
    for (std::uint32_t& word : words) {
      stream.fill(
          {.dtype = cp::DType::u32,
           .key = stream.derive_key(key, replica++),
           .counter = {.low = static_cast<std::uint64_t>(counter[0]),
                       .high =
                           stream.counter_words == 2 ? static_cast<std::uint64_t>(counter[1]) : 0},
           .output = &word,
           .count = 1});
    }
  } while (write(words));
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Random words of replicas, without end");
  app.add_option("--seed", options.seed, "Seed of the primary state")->capture_default_str();
  app.add_option("--replica", options.replica, "The first replica")->capture_default_str();
  app.add_option("--interleave", options.interleave, "How many replicas take turns, word by word")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  app.add_flag("--first-words", options.first_words, "One word a replica, without end");
  app.add_option("--algorithm", options.algorithm)
      ->check(CLI::IsMember({"philox", "threefry"}))
      ->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  signal(SIGPIPE, SIG_IGN);  // fwrite tells
  const auto primary = cp::Generator::from_seed(options.seed, options.algorithm == "philox"
                                                                  ? cp::Algorithm::philox
                                                                  : cp::Algorithm::threefry);
  if (options.first_words) {
    write_first_words(primary, options);
  } else {
    write_streams(primary, options);
  }
}
