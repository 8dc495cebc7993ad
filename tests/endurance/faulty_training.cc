// A job that trains until a fault strikes one rank at a moment of the clock's choosing, wherever its
// main thread then is: starting, drawing, waiting, saving. For random_faults.py.
//
//   mpirun -n 3 faulty_training FAULT CULPRIT MILLISECONDS REPLICAS_PER_RANK FOLDER
//   mpirun -n 3 faulty_training FAULT CULPRIT MILLISECONDS REPLICAS_PER_RANK FOLDER WORKER MILLISECONDS
//
// FAULT is kill, stop, late (longer than the deadline), delay (shorter), throw, outside (somebody
// else's business) or none. Of rank WORKER, one replica then works for longer than the deadline. Each
// rank says "rank R is process P" first, and ends with "rank R is done: DIGEST" or "rank R saw CODE:
// MESSAGE".
#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "counterpoint/checkpoint/checkpoint_manager.h"
#include "counterpoint/runtime/error.h"
#include "counterpoint/runtime/generator.h"
#include "counterpoint/strategy/mirrored_strategy.h"

namespace cp = counterpoint;

namespace {

constexpr double deadline_seconds = 1.5;
constexpr int steps_with_an_end = 400;  // some 200 ms: longer than any delay is away

std::atomic<bool> throw_soon = false;
std::atomic<bool> work_soon = false;
std::atomic<std::int64_t> sleep_milliseconds = 0;

void say(const std::string& line) {
  std::puts(line.c_str());
  std::fflush(stdout);
}

// On the main thread, in the middle of anything.
void sleep_in_handler(int) {
  const std::int64_t milliseconds = sleep_milliseconds;
  timespec left{milliseconds / 1000, milliseconds % 1000 * 1'000'000};
  while (nanosleep(&left, &left) != 0) {
  }
}

// Strikes once, after a while, unless it is destroyed before.
class Fault {
 public:
  Fault(std::string kind, int rank, std::chrono::milliseconds after)
      : kind_(std::move(kind)), rank_(rank), main_(pthread_self()) {
    struct sigaction action {};
    action.sa_handler = sleep_in_handler;
    action.sa_flags = SA_RESTART;
    sigaction(SIGUSR1, &action, nullptr);
    thread_ = std::jthread([this, after] {
      std::unique_lock lock(mutex_);
      if (!cancelled_.wait_for(lock, after, [this] { return over_; })) strike();
    });
  }
  Fault(const Fault&) = delete;
  Fault& operator=(const Fault&) = delete;
  ~Fault() {
    const std::scoped_lock lock(mutex_);
    over_ = true;
    cancelled_.notify_one();
  }

 private:
  void strike() {
    say("rank " + std::to_string(rank_) + " is struck: " + kind_);
    if (kind_ == "kill") kill(getpid(), SIGKILL);
    if (kind_ == "stop") kill(getpid(), SIGSTOP);
    if (kind_ == "throw") throw_soon = true;
    if (kind_ == "work") work_soon = true;
    if (kind_ == "delay" || kind_ == "late") {
      sleep_milliseconds = kind_ == "delay" ? 300 : 4000;
      pthread_kill(main_, SIGUSR1);
    }
  }

  const std::string kind_;
  const int rank_;
  const pthread_t main_;
  std::mutex mutex_;
  std::condition_variable cancelled_;
  bool over_ = false;
  std::jthread thread_;
};

void maybe_go_wrong() {
  if (throw_soon.exchange(false)) throw std::runtime_error("the data set is gone");
  if (work_soon.exchange(false)) std::this_thread::sleep_for(std::chrono::seconds(4));
}

std::uint64_t digest_of(std::span<const float> values) {
  std::uint64_t digest = 0xcbf29ce484222325u;
  for (const std::byte b : std::as_bytes(values)) {
    digest = (digest ^ static_cast<std::uint64_t>(b)) * 0x100000001b3u;
  }
  return digest;
}

// Trains for `steps` steps; returns a digest of the weights.
std::uint64_t train(const std::shared_ptr<cp::Communicator>& world, int replicas_per_rank,
                    const std::string& folder, std::int64_t steps) {
  auto outside = cp::Generator::from_seed(3, {.name = "outside"});
  // A strategy is made as patiently as its communicator is; from then on its own deadline counts.
  world->set_timeout_seconds(deadline_seconds);
  cp::MirroredStrategy strategy(
      world, {.replicas_per_rank = replicas_per_rank, .timeout_seconds = deadline_seconds});
  world->set_timeout_seconds(cp::Communicator::default_timeout_seconds);
  const auto scope = strategy.scope();
  auto noise = cp::Generator::from_seed(1, {.name = "noise"});
  auto weights = strategy.variable<float>({100}, "weights");
  cp::CheckpointManager checkpoints(world, folder, {{"noise", noise}, {"weights", weights}},
                                    {.keep = 2});
  (void)checkpoints.restore_latest();
  for (std::int64_t step = 1; step <= steps; ++step) {
    strategy.run([&](cp::ReplicaContext& replica) {
      std::vector<float> gradient(100);
      maybe_go_wrong();
      noise.fill_normal(gradient);
      std::this_thread::sleep_for(std::chrono::microseconds(300));
      if (step % 3 == 0) gradient[0] += outside.uniform<float>({}).item<float>();
      maybe_go_wrong();
      replica.all_reduce(gradient, cp::Reduce::mean);
      maybe_go_wrong();
      weights.assign_sub(gradient);
    });
    if (step % 20 == 0) checkpoints.save(step);
  }
  strategy.check();
  return digest_of(weights.values<float>());
}

}  // namespace

int main(int argc, char** argv) {
  const auto world = cp::Communicator::world(&argc, &argv);
  if (argc != 6 && argc != 8) {
    std::fprintf(stderr,
                 "faulty_training FAULT CULPRIT MILLISECONDS REPLICAS_PER_RANK FOLDER "
                 "[WORKER MILLISECONDS]\n");
    return 2;
  }
  const std::string kind = argv[1];
  const int culprit = std::atoi(argv[2]);
  const std::chrono::milliseconds after(std::atoi(argv[3]));
  const bool ends = kind == "none" || kind == "delay";
  const std::string me = "rank " + std::to_string(world->rank());
  say(me + " is process " + std::to_string(getpid()));
  try {
    std::optional<Fault> fault;
    const bool own_business = kind != "none" && kind != "outside";
    if (own_business && world->rank() == culprit) fault.emplace(kind, culprit, after);
    if (argc == 8 && world->rank() == std::atoi(argv[6])) {
      fault.emplace("work", world->rank(), std::chrono::milliseconds(std::atoi(argv[7])));
    }
    const std::uint64_t digest =
        train(world, std::atoi(argv[4]), argv[5], ends ? steps_with_an_end : 1'000'000);
    say(me + " is done: " + std::to_string(digest));
  } catch (const cp::Error& error) {
    say(me + " saw " + error.what());
    return 1;
  }
  return 0;
}
