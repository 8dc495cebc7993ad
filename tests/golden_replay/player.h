// Plays the steps of one case on the library and compares every answer.
//
//   golden::Player player(world, {.replicas_per_rank = std::nullopt, .folder = scratch});
//   std::vector<std::string> failures = player.play(one_case);
//
// Under a launcher every rank plays the same case; each reports what its own replicas got.
// Thread-safety: one thread at a time.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "counterpoint/runtime/communicator.h"
#include "counterpoint/runtime/generator.h"
#include "counterpoint/strategy/mirrored_strategy.h"
#include "golden_replay/case_file.h"
#include "golden_replay/compare.h"

namespace golden {

struct PlayerOptions {
  // None: as many local replicas as each case names, on the one rank.
  std::optional<int> replicas_per_rank;
  std::filesystem::path folder;  // for checkpoints, exists
};

class Player {
 public:
  Player(std::shared_ptr<counterpoint::Communicator> world, PlayerOptions options);

  // Whether the case is for as many replicas as there are.
  bool can_play(const json& one_case) const;
  // The steps that fail, in words. All steps are played, also those after one that failed.
  std::vector<std::string> play(const json& one_case);

 private:
  enum class Where { outside, scope, run };
  struct Voice {
    counterpoint::Generator generator;
    int made_in = 0;  // the number of replicas of its strategy; 0 if it was made outside
  };

  void play_step(const json& step);
  void make(const json& step, Where where);
  void draw(const json& step, Where where);
  void draw_in_run(const json& step);
  void change(const json& step, Where where);
  void split(const json& step, Where where);
  void save(const json& step);
  void restore(const json& step);
  void stateless(const json& step);
  void check_state(const json& step);

  Voice& voice(const json& step);
  counterpoint::MirroredStrategy& strategy(int replicas);
  counterpoint::MirroredStrategy& strategy_of(const json& step);
  // A generator outside that gives what `replica_id` is about to draw.
  counterpoint::Generator twin(const json& step, const Voice& voice, int replica_id);
  void report(const std::optional<std::string>& difference, const std::string& who = {});

  const std::shared_ptr<counterpoint::Communicator> world_;
  const PlayerOptions options_;

  // Of the case being played.
  int replicas_ = 0;
  std::map<int, counterpoint::MirroredStrategy> strategies_;
  std::map<std::string, Voice> voices_;
  std::map<std::string, std::filesystem::path> files_;
  std::string step_name_;
  std::vector<std::string> failures_;
};

}  // namespace golden
