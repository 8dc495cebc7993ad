#include "progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace counterpoint::tools {
namespace {

// "1.2 G"
std::string amount(double value) {
  for (const char* prefix : {"", " k", " M", " G", " T", " P"}) {
    if (value < 999.5) return fmt::format("{:.{}f}{}", value, value < 9.95 ? 1 : 0, prefix);
    value /= 1000;
  }
  return fmt::format("{:.0f} E", value);
}

}  // namespace

bool Progress::when_useful(bool writes_file) { return writes_file && ::isatty(STDERR_FILENO) == 1; }

Progress::Progress(std::uint64_t total, bool shown) : total_(total), shown_(shown) {}

Progress::~Progress() {
  if (drawn_) fmt::print(stderr, "\r\x1b[K");
}

void Progress::advance(std::uint64_t elements) {
  done_ += elements;
  if (!shown_) return;
  const Clock::time_point now = Clock::now();
  if (now < next_) return;
  next_ = now + std::chrono::milliseconds(100);
  drawn_ = true;
  const std::string text = line(done_, total_, std::chrono::duration<double>(now - start_).count());
  fmt::print(stderr, "\r{}\x1b[K", text);
  std::fflush(stderr);
}

std::string Progress::line(std::uint64_t done, std::uint64_t total, double seconds) {
  const double rate = static_cast<double>(done) / std::max(seconds, 1e-9);
  if (total == 0)
    return fmt::format("{} elements, {}/s", amount(static_cast<double>(done)), amount(rate));
  constexpr int width = 30;
  const double part = std::min(1.0, static_cast<double>(done) / static_cast<double>(total));
  const int filled = static_cast<int>(part * width);
  const double left =
      (static_cast<double>(total) - static_cast<double>(done)) / std::max(rate, 1.0);
  return fmt::format("[{}{}{}] {:3.0f} %, {}/s, {:.0f} s left",
                     std::string(static_cast<std::size_t>(filled), '#'), filled == width ? "" : ">",
                     std::string(static_cast<std::size_t>(std::max(0, width - 1 - filled)), ' '),
                     100 * part, amount(rate), std::max(left, 0.0));
}

}  // namespace counterpoint::tools
