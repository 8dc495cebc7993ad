// A job in which something goes wrong, for expect_job.cmake: communicator_faults <fault>. Each rank
// that sees what it should prints "rank R saw CODE: MESSAGE".
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "counterpoint/runtime/communicator.h"

namespace cp = counterpoint;

namespace {

constexpr int culprit = 1;

void print_error(const cp::Communicator& ranks, const cp::Error& error) {
  std::printf("rank %d saw %s\n", ranks.rank(), error.what());
  std::fflush(stdout);
}

template <class Call>
void see(const cp::Communicator& ranks, const Call& call) {
  try {
    call();
    std::printf("rank %d saw nothing\n", ranks.rank());
  } catch (const cp::Error& error) {
    print_error(ranks, error);
  }
}

[[noreturn]] void sleep_forever() {
  for (;;) pause();
}

// Of whom nothing is heard, once everybody has had a second to answer.
void print_silent(cp::Communicator& ranks) {
  std::this_thread::sleep_for(std::chrono::seconds(1));
  std::string silent;
  for (const int rank : ranks.silent_ranks()) silent.append(" ").append(std::to_string(rank));
  std::printf("rank %d hears nothing of%s, but of the others\n", ranks.rank(), silent.c_str());
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view fault = argc > 1 ? argv[1] : "";
  std::shared_ptr<cp::Communicator> world;
  try {
    world = cp::Communicator::world(&argc, &argv);
  } catch (const cp::Error& error) {
    std::printf("no world: %s\n", error.what());
    return 3;
  }
  const auto ranks = world->duplicate();
  std::vector<double> values(fault == "hangs_large" ? 5'000'000 : 8, 1.0);
  const auto all_reduce = [&] { ranks->all_reduce(std::span(values), cp::Reduce::sum); };
  all_reduce();  // all have started
  ranks->set_timeout_seconds(1);
  if (fault == "both_give_up") {
    // Rank 2 has not looked when it is late itself. The others have heard of the culprit alone.
    if (ranks->rank() == culprit) {
      ranks->revoke(cp::Error(cp::ErrorCode::resource_exhausted, "out of gradients"));
    }
    if (ranks->rank() != 2) see(*ranks, all_reduce);
    world->barrier();
    if (ranks->rank() != 2) return 0;
    ranks->revoke(cp::Error(cp::ErrorCode::deadline_exceeded, "my own part is late"));
    print_silent(*ranks);
    return 0;
  }
  if (ranks->rank() == culprit) {
    if (fault == "hangs" || fault == "hangs_large") sleep_forever();
    if (fault == "stops") raise(SIGSTOP);
    if (fault == "dies") raise(SIGKILL);
    if (fault == "leaves") return 0;
    if (fault == "gives_up") {
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
      ranks->revoke(cp::Error(cp::ErrorCode::resource_exhausted, "out of gradients"));
    }
    if (fault == "late") std::this_thread::sleep_for(std::chrono::milliseconds(2500));
    if (fault == "drops_large") {
      std::vector<double> large(5'000'000);
      const cp::Work dropped =
          ranks->start_all_reduce(cp::Buffer::of(std::span(large)), cp::Reduce::sum);
    }
  }
  if (fault == "waits_in_vain") {
    if (ranks->rank() == 2) raise(SIGSTOP);
    if (ranks->rank() == culprit) {
      std::this_thread::sleep_for(std::chrono::milliseconds(300));
      ranks->revoke(cp::Error(cp::ErrorCode::deadline_exceeded, "my own part is late"));
    }
  }
  if (fault == "drops_large") values.resize(5'000'000);
  if (fault == "gives_up" || fault == "drops_large" || fault == "waits_in_vain") {
    ranks->set_timeout_seconds(1000);
  }
  if (fault == "gives_up" && ranks->rank() == 2) {
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
  }
  see(*ranks, all_reduce);
  if (fault == "waits_in_vain") print_silent(*ranks);
  see(*ranks, [&] { ranks->barrier(); });
  // The first to end ends the others: let them speak, the late one too.
  if (fault != "none") std::this_thread::sleep_for(std::chrono::seconds(fault == "late" ? 2 : 1));
  return 0;
}
