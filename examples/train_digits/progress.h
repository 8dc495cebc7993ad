// How training is shown as it goes: a bar on a terminal, a line an epoch elsewhere.
//
//   Progress progress(Progress::Style::automatic, 40, 30);
//   progress.show(epoch, step_in_epoch, loss, accuracy_percent);
//   progress.finish_epoch(result);
//
// Writes to stdout. Thread-safety: one thread.
#pragma once

#include <cstdint>
#include <string>

#include "train_digits/learning_curve.h"

namespace train_digits {

class Progress {
 public:
  // `automatic` is a bar where stdout is a terminal of some width. Under mpirun stdout is always a
  // terminal, of no width, whatever mpirun's own is: there, who starts the job has to say.
  enum class Style { automatic, bar, lines, none };

  Progress(Style style, std::int64_t epochs, std::int64_t steps_per_epoch);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // After step `step` (from 1) of `epoch` (from 1): the means over the epoch so far.
  void show(std::int64_t epoch, std::int64_t step, double loss, double accuracy);
  void finish_epoch(const EpochResult& result);

 private:
  void draw_bar(std::int64_t epoch, double steps_done, const std::string& figures);

  Style style_;
  std::int64_t epochs_;
  std::int64_t steps_per_epoch_;
  double test_accuracy_ = -1;  // of the last epoch, if it is known
  bool bar_is_open_ = false;
};

}  // namespace train_digits
