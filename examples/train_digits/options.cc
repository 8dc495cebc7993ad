#include "train_digits/options.h"

#include <CLI/CLI.hpp>
#include <limits>
#include <map>

namespace train_digits {

ParsedOptions parse_options(int argc, char** argv, bool speaks) {
  ParsedOptions parsed;
  Options& options = parsed.options;
  options.data = TRAIN_DIGITS_DATA;

  constexpr std::int64_t most = std::numeric_limits<std::int32_t>::max();
  const std::map<std::string, Progress::Style> styles = {{"auto", Progress::Style::automatic},
                                                         {"bar", Progress::Style::bar},
                                                         {"lines", Progress::Style::lines},
                                                         {"none", Progress::Style::none}};
  CLI::App app(
      "Trains a small network on handwritten digits, alone or under mpirun. Goes on by itself "
      "where "
      "the newest checkpoint left off, on any number of ranks and replicas.");
  app.add_option("--epochs", options.epochs, "How many times to see every image")
      ->check(CLI::Range(std::int64_t{1}, most))
      ->capture_default_str();
  app.add_option("--seed", options.seed, "Of the weights, the noise and the order of images")
      ->capture_default_str();
  app.add_option("--replicas-per-rank", options.replicas_per_rank, "Replicas, as threads, a rank")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  app.add_option("--checkpoints", options.checkpoints, "The folder of checkpoints")
      ->capture_default_str();
  app.add_option("--every", options.every, "Steps between checkpoints")
      ->check(CLI::Range(std::int64_t{1}, most))
      ->capture_default_str();
  app.add_option("--plot", options.plot, "Where to write the learning curve, as an SVG");
  app.add_option("--data", options.data, "The digits, as examples/data/make_digits.py writes them")
      ->capture_default_str();
  app.add_option("--progress", options.progress,
                 "auto, bar, lines or none; under mpirun, auto is lines")
      ->transform(CLI::CheckedTransformer(styles))
      ->default_str("auto");
  app.add_flag("--show-streams", options.show_streams,
               "Print the first noise that each replica draws");
  app.add_flag("--invariant", options.invariant,
               "End with the same weights, to the bit, on any number of ranks and replicas");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    parsed.exit_code = speaks ? app.exit(error) : error.get_exit_code();
  }
  return parsed;
}

}  // namespace train_digits
