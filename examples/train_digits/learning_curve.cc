#include "train_digits/learning_curve.h"

#include <span>

namespace train_digits {
namespace {

template <class T>
void push_back(counterpoint::Tensor& column, T value) {
  const std::span<const T> old = column.values<T>();
  std::vector<T> values(old.begin(), old.end());
  values.push_back(value);
  column = counterpoint::Tensor::from<T>(values, {static_cast<std::int64_t>(values.size())});
}

}  // namespace

void LearningCurve::append(const EpochResult& result) {
  push_back(epoch_, result.epoch);
  push_back(loss_, result.loss);
  push_back(train_accuracy_, result.train_accuracy);
  push_back(test_accuracy_, result.test_accuracy);
  push_back(replicas_, result.replicas);
}

std::vector<EpochResult> LearningCurve::rows() const {
  std::vector<EpochResult> rows;
  for (std::size_t i = 0; i < static_cast<std::size_t>(epoch_.size()); ++i) {
    rows.push_back({.epoch = epoch_.values<std::int64_t>()[i],
                    .loss = loss_.values<double>()[i],
                    .train_accuracy = train_accuracy_.values<double>()[i],
                    .test_accuracy = test_accuracy_.values<double>()[i],
                    .replicas = replicas_.values<std::int64_t>()[i]});
  }
  return rows;
}

counterpoint::NamedObjects LearningCurve::members() {
  return {{"epoch", epoch_},
          {"loss", loss_},
          {"train_accuracy", train_accuracy_},
          {"test_accuracy", test_accuracy_},
          {"replicas", replicas_}};
}

}  // namespace train_digits
