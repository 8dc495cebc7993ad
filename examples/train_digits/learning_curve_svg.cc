// The picture: loss on the left, accuracy on the right, epochs below; a dotted line where training
// went on with another number of replicas.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string_view>

#include "train_digits/learning_curve.h"

namespace train_digits {
namespace {

constexpr double panel_width = 330;
constexpr double panel_height = 220;
constexpr double top = 44;

// One set of axes; `x` and `y` map values to pixels.
struct Panel {
  double left;
  double lowest;
  double highest;
  double epochs;

  double x(double epoch) const {
    return left + panel_width * (epoch - 1) / std::max(epochs - 1, 1.0);
  }
  double y(double value) const {
    return top + panel_height * (highest - value) / (highest - lowest);
  }
};

// The smallest of 1, 2, 5, 10, 20, ... times a power of ten that cuts `range` into at most `parts`.
double tick_distance(double range, double parts) {
  const double power = std::pow(10.0, std::floor(std::log10(range / parts)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (range <= parts * factor * power) return factor * power;
  }
  return 10 * power;
}

class Svg {
 public:
  void axes(const Panel& panel, std::string_view title) {
    text(panel.left, top - 14, "start", "title", title);
    const double step = tick_distance(panel.highest - panel.lowest, 6);
    for (double value = panel.lowest; value <= panel.highest + step / 100; value += step) {
      line("grid", panel.left, panel.y(value), panel.left + panel_width, panel.y(value));
      text(panel.left - 6, panel.y(value) + 4, "end", "", fmt::format("{:.3g}", value));
    }
    const double distance = std::max(1.0, tick_distance(panel.epochs, 8));
    for (double epoch = distance; epoch <= panel.epochs; epoch += distance) {
      text(panel.x(epoch), top + panel_height + 18, "middle", "", fmt::format("{:.0f}", epoch));
    }
    text(panel.left + panel_width / 2, top + panel_height + 36, "middle", "", "epoch");
  }

  template <class Column>
  void curve(const Panel& panel, const std::vector<EpochResult>& rows, std::string_view style,
             std::string_view name, Column column) {
    fmt::format_to(out(), "<polyline class=\"curve {}\" points=\"", style);
    for (const EpochResult& row : rows) {
      fmt::format_to(out(), "{:.1f},{:.1f} ", panel.x(static_cast<double>(row.epoch)),
                     panel.y(column(row)));
    }
    fmt::format_to(out(), "\"><title>{}</title></polyline>\n", name);
  }

  void line(std::string_view style, double x1, double y1, double x2, double y2) {
    fmt::format_to(out(),
                   "<line class=\"{}\" x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\"/>\n",
                   style, x1, y1, x2, y2);
  }
  void text(double x, double y, std::string_view anchor, std::string_view style,
            std::string_view words) {
    fmt::format_to(out(),
                   "<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\" class=\"{}\">{}</text>\n", x,
                   y, anchor, style, words);
  }

  std::string document(double width, double height) const {
    return fmt::format(
               "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" "
               "height=\"{1}\">\n<style>\n"
               "text {{ font: 12px sans-serif; fill: #333 }}\n"
               ".title {{ font-weight: bold; font-size: 14px }}\n"
               ".grid {{ stroke: #ddd }}\n"
               ".change {{ stroke: #888; stroke-dasharray: 2 4 }}\n"
               ".curve {{ fill: none; stroke-width: 2 }}\n"
               ".training {{ stroke: #4477aa }}\n"
               ".test {{ stroke: #cc6677 }}\n"
               "text.training {{ stroke: none; fill: #4477aa }}\n"
               "text.test {{ stroke: none; fill: #cc6677 }}\n"
               "</style>\n<rect width=\"{0}\" height=\"{1}\" fill=\"white\"/>\n",
               width, height) +
           body_ + "</svg>\n";
  }

 private:
  std::back_insert_iterator<std::string> out() { return std::back_inserter(body_); }

  std::string body_;
};

void mark_changes(Svg& svg, const Panel& panel, double label_y,
                  const std::vector<EpochResult>& rows) {
  for (std::size_t i = 1; i < rows.size(); ++i) {
    if (rows[i].replicas == rows[i - 1].replicas) continue;
    const double x = panel.x(static_cast<double>(rows[i].epoch));
    svg.line("change", x, top, x, top + panel_height);
    svg.text(x + 4, label_y, "start", "", fmt::format("{} replicas", rows[i].replicas));
  }
}

}  // namespace

void write_svg(const LearningCurve& curve, const std::string& path) {
  const std::vector<EpochResult> rows = curve.rows();
  Panel loss{.left = 60, .lowest = 0, .highest = 0, .epochs = 1};
  Panel accuracy{.left = 460, .lowest = 90, .highest = 100, .epochs = 1};
  for (const EpochResult& row : rows) {
    loss.highest = std::max(loss.highest, row.loss);
    const double lower = std::min(row.train_accuracy, row.test_accuracy);
    accuracy.lowest = std::min(accuracy.lowest, std::floor(lower / 10) * 10);
    loss.epochs = accuracy.epochs = static_cast<double>(row.epoch);
  }
  const double step = tick_distance(std::max(loss.highest, 1e-6), 6);
  loss.highest = step * std::ceil(std::max(loss.highest, 1e-6) / step);

  Svg svg;
  svg.axes(loss, "Training loss");
  svg.axes(accuracy, "Accuracy, %");
  mark_changes(svg, loss, top + 14, rows);
  mark_changes(svg, accuracy, top + panel_height - 6, rows);
  svg.curve(loss, rows, "training", "training loss", [](const auto& row) { return row.loss; });
  svg.curve(accuracy, rows, "training", "training accuracy",
            [](const auto& row) { return row.train_accuracy; });
  svg.curve(accuracy, rows, "test", "test accuracy",
            [](const auto& row) { return row.test_accuracy; });
  const double right = accuracy.left + panel_width;
  svg.text(right - 45, top - 14, "end", "training", "training, with noise");
  svg.text(right, top - 14, "end", "test", "test");

  std::ofstream file(path);
  file << svg.document(820, 314);
  if (!file.flush()) throw std::runtime_error("cannot write " + path);
}

}  // namespace train_digits
