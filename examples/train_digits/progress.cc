#include "train_digits/progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace train_digits {
namespace {

bool stdout_is_terminal() {
  winsize size{};
  return isatty(STDOUT_FILENO) == 1 && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 &&
         size.ws_col > 0;
}

}  // namespace

Progress::Progress(Style style, std::int64_t epochs, std::int64_t steps_per_epoch)
    : style_(style), epochs_(epochs), steps_per_epoch_(steps_per_epoch) {
  if (style_ == Style::automatic) style_ = stdout_is_terminal() ? Style::bar : Style::lines;
}

Progress::~Progress() {
  if (bar_is_open_) std::fputs("\n", stdout);
  std::fflush(stdout);
}

void Progress::show(std::int64_t epoch, std::int64_t step, double loss, double accuracy) {
  if (style_ != Style::bar) return;
  std::string figures = fmt::format("loss {:.4f}  accuracy {:5.1f} %", loss, accuracy);
  if (test_accuracy_ >= 0) figures += fmt::format("  test {:5.1f} %", test_accuracy_);
  draw_bar(epoch, static_cast<double>((epoch - 1) * steps_per_epoch_ + step), figures);
}

void Progress::finish_epoch(const EpochResult& result) {
  test_accuracy_ = result.test_accuracy;
  if (style_ == Style::bar) {
    show(result.epoch, steps_per_epoch_, result.loss, result.train_accuracy);
  } else if (style_ == Style::lines) {
    fmt::print("epoch {:3} of {}: loss {:.4f}, accuracy {:5.1f} %, test accuracy {:5.1f} %\n",
               result.epoch, epochs_, result.loss, result.train_accuracy, result.test_accuracy);
    std::fflush(stdout);
  }
}

void Progress::draw_bar(std::int64_t epoch, double steps_done, const std::string& figures) {
  constexpr int width = 16;  // for a line of 80 characters
  const double share = steps_done / static_cast<double>(epochs_ * steps_per_epoch_);
  const int filled = std::clamp(static_cast<int>(share * width), 0, width);
  // Carriage return, and clear to the end of the line.
  fmt::print("\repoch {:3}/{} [{}{}]  {}\x1b[K", epoch, epochs_, std::string(filled, '='),
             std::string(width - filled, ' '), figures);
  std::fflush(stdout);
  bar_is_open_ = true;
}

}  // namespace train_digits
