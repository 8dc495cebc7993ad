// One value a replica: what a run returns, and what a run may be given. Holds this rank's replicas.
//
//   cp::PerReplica<float> losses = strategy.run(step);  // step(replica) returns a float
//   float mean = strategy.reduce(cp::Reduce::mean, losses);
//   std::vector<float> all = strategy.gather(losses);   // of every replica on every rank
//   std::cout << losses;                                // PerReplica: {0: 0.51, 1: 0.49}
//
// Thread-safety: as a std::vector.
#pragma once

#include <cstddef>
#include <deque>
#include <iterator>
#include <ostream>
#include <type_traits>
#include <utility>
#include <vector>

namespace counterpoint::inline v1 {

template <class T>
class PerReplica {
 public:
  // `first_replica_id` is the id of the value in front.
  PerReplica(std::vector<T> local, int first_replica_id)
      : local_(std::make_move_iterator(local.begin()), std::make_move_iterator(local.end())),
        first_replica_id_(first_replica_id) {}

  // How many replicas this rank has.
  std::size_t size() const noexcept { return local_.size(); }
  // By local index.
  T& operator[](std::size_t local_index) { return local_[local_index]; }
  const T& operator[](std::size_t local_index) const { return local_[local_index]; }
  int replica_id(std::size_t local_index) const noexcept {
    return first_replica_id_ + static_cast<int>(local_index);
  }

  auto begin() noexcept { return local_.begin(); }
  auto end() noexcept { return local_.end(); }
  auto begin() const noexcept { return local_.begin(); }
  auto end() const noexcept { return local_.end(); }

  friend std::ostream& operator<<(std::ostream& stream, const PerReplica& values) {
    stream << "PerReplica: {";
    for (std::size_t i = 0; i < values.size(); ++i) {
      stream << (i == 0 ? "" : ", ") << values.replica_id(i) << ": " << values[i];
    }
    return stream << '}';
  }

 private:
  // A std::vector<bool> has no elements to refer to.
  std::conditional_t<std::is_same_v<T, bool>, std::deque<T>, std::vector<T>> local_;
  int first_replica_id_;
};

}  // namespace counterpoint::inline v1
