// What a save and a restore cost beside the bare calls on the same disk: each round does both, one
// after the other, and `ratio` is the median of bare time over ours (of ours over bare for the
// state alone and for save_async). Every file that was timed is restored and compared.
// `ours_cpu_ms` and `bare_cpu_ms` are rank 0's processor time, with what it polls while it waits for others.
// TMPDIR says which disk.
#include <fcntl.h>
#include <mpi.h>
#include <unistd.h>

#include <cstring>
#include <functional>
#include <memory>
#include <numeric>

#include "counterpoint/counterpoint.h"
#include "disk.h"

namespace counterpoint::bench {
namespace {

// Variables of `mib` MiB together, 64 MiB each, whose values say where they stand.
struct Model {
  explicit Model(std::int64_t mib, bool compare_values = true)
      : strategy(world(), {.compare_values_at_saves = compare_values}) {
    const auto scope = strategy.scope();
    for (std::int64_t begin = 0; begin < mib; begin += 64) {
      variables.push_back(
          strategy.variable<float>({std::min<std::int64_t>(64, mib - begin) << 18}));
    }
    set(0);
  }
  void set(float base) {
    for (MirroredVariable& variable : variables) {
      std::vector<float> values(static_cast<std::size_t>(variable.value().size()));
      std::iota(values.begin(), values.end(), base += 1);
      variable.assign(values);
    }
  }
  // The largest difference from set(base) is 0.
  bool is(float base) {
    for (MirroredVariable& variable : variables) {
      float expected = base += 1;
      for (const float value : variable.values<float>()) {
        if (value != expected) return false;
        expected += 1;
      }
    }
    return true;
  }
  NamedObjects objects() {
    NamedObjects named;
    for (std::size_t i = 0; i < variables.size(); ++i) {
      named.emplace_back("variable" + std::to_string(i), variables[i]);
    }
    return named;
  }

  MirroredStrategy strategy;
  std::vector<MirroredVariable> variables;
};

void write_bare(const std::string& path, std::span<const std::byte> bytes) {
  constexpr std::size_t most = 8 << 20;
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  for (std::size_t begin = 0; begin < bytes.size(); begin += most) {
    const auto part = bytes.subspan(begin, std::min(most, bytes.size() - begin));
    if (::write(fd, part.data(), part.size()) != static_cast<ssize_t>(part.size())) std::abort();
  }
  if (::fsync(fd) != 0) std::abort();
  ::close(fd);
}

void read_bare(const std::string& path, std::span<std::byte> bytes) {
  constexpr std::size_t most = 8 << 20;
  const int fd = ::open(path.c_str(), O_RDONLY);
  for (std::size_t begin = 0; begin < bytes.size(); begin += most) {
    const auto part = bytes.subspan(begin, std::min(most, bytes.size() - begin));
    if (::read(fd, part.data(), part.size()) != static_cast<ssize_t>(part.size())) std::abort();
  }
  ::close(fd);
}

void broadcast_bare(std::span<std::byte> bytes) {
  if (world()->size() == 1) return;
  MPI_Bcast(bytes.data(), static_cast<int>(bytes.size()), MPI_BYTE, 0, MPI_COMM_WORLD);
}

// Both ways in turn; `ours` and `bare` return seconds. The medians go into the report.
struct Rounds {
  std::vector<double> ours;
  std::vector<double> bare;
  std::vector<double> ours_cpu;
  std::vector<double> bare_cpu;
  std::vector<double> ratios;

  void add(benchmark::State& state, const Scratch& folder, const std::function<void()>& our_call,
           const std::function<void()>& bare_call) {
    folder.settle();
    bare_cpu.push_back(-processor_time_seconds());
    bare.push_back(seconds_of(bare_call));
    bare_cpu.back() += processor_time_seconds();
    folder.settle();
    ours_cpu.push_back(-processor_time_seconds());
    ours.push_back(seconds_of(our_call));
    ours_cpu.back() += processor_time_seconds();
    ratios.push_back(bare.back() / ours.back());
    state.SetIterationTime(ours.back());
  }
  void report(benchmark::State& state, bool ours_over_bare) const {
    state.counters["ours_ms"] = median(ours) * 1e3;
    state.counters["bare_ms"] = median(bare) * 1e3;
    state.counters["ours_cpu_ms"] = median(ours_cpu) * 1e3;
    state.counters["bare_cpu_ms"] = median(bare_cpu) * 1e3;
    state.counters["ratio"] = ours_over_bare ? 1 / median(ratios) : median(ratios);
  }
};

void verify(benchmark::State& state, Model& model, Checkpoint& checkpoint, const std::string& path,
            float base) {
  model.set(base + 1000);
  checkpoint.restore(path);
  if (!model.is(base)) state.SkipWithError("restored something else");
}

void save(benchmark::State& state, std::int64_t mib) {
  const Scratch folder;
  Model model(mib);
  Checkpoint checkpoint(world(), model.objects());
  const std::vector<std::byte> bytes(static_cast<std::size_t>(mib) << 20, std::byte{0x5a});
  Rounds rounds;
  for (auto _ : state) {
    rounds.add(
        state, folder, [&] { checkpoint.save(folder / "ours.h5"); },
        [&] {
          if (Scratch::first()) write_bare(folder / "bare", bytes);
        });
  }
  rounds.report(state, false);
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * (mib << 20));
  verify(state, model, checkpoint, folder / "ours.h5", 0);
}

// A restore makes room for the file first, and so does the bare read; what that reads into memory that
// was touched before is told beside.
void restore(benchmark::State& state, std::int64_t mib) {
  const Scratch folder;
  Model model(mib);
  Checkpoint checkpoint(world(), model.objects());
  const std::size_t size = checkpoint.save(folder / "ours.h5").bytes;
  std::vector<double> into_warm;
  Rounds rounds;
  for (auto _ : state) {
    {
      std::vector<std::byte> bytes(size);
      folder.settle();
      into_warm.push_back(seconds_of([&] {
        if (Scratch::first()) read_bare(folder / "ours.h5", bytes);
        broadcast_bare(bytes);
      }));
    }
    rounds.add(
        state, folder, [&] { checkpoint.restore(folder / "ours.h5"); },
        [&] {
          const auto bytes = std::make_unique_for_overwrite<std::byte[]>(size);
          if (Scratch::first()) read_bare(folder / "ours.h5", {bytes.get(), size});
          broadcast_bare({bytes.get(), size});
        });
  }
  rounds.report(state, false);
  state.counters["bare_into_touched_memory_ms"] = median(into_warm) * 1e3;
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * (mib << 20));
  verify(state, model, checkpoint, folder / "ours.h5", 0);
}

// What a copy that goes on beside training is compared with.
void copy_bare(const Model& model, std::byte* to) {
  for (const MirroredVariable& variable : model.variables) {
    const auto from = variable.value().bytes();
    std::memcpy(to, from.data(), from.size());
    to += from.size();
  }
  benchmark::ClobberMemory();
}

// How long save_async() holds its caller, from the second one on; the first, which makes room for the
// copy, is told beside, with a memcpy that does so too.
void save_async_with(benchmark::State& state, Model& model, std::int64_t mib) {
  const Scratch folder;
  CheckpointManager manager(world(), folder / "run", model.objects(), {.keep = 1});
  const std::size_t size = static_cast<std::size_t>(mib) << 20;
  std::unique_ptr<std::byte[]> copy;
  const double first_bare = seconds_of([&] {
    copy = std::make_unique_for_overwrite<std::byte[]>(size);
    copy_bare(model, copy.get());
  });
  const double first = seconds_of([&] { manager.save_async(1); });
  std::int64_t step = 1;
  Rounds rounds;
  for (auto _ : state) {
    manager.wait();
    rounds.add(
        state, folder, [&] { manager.save_async(++step); }, [&] { copy_bare(model, copy.get()); });
    model.set(static_cast<float>(step));  // while the disk is at it
  }
  manager.wait();
  rounds.report(state, true);
  state.counters["first_ms"] = first * 1e3;
  state.counters["first_bare_ms"] = first_bare * 1e3;
  // The last one was of the state before it was set to `step`.
  model.set(1e6f);
  if (manager.restore_latest() != step || !model.is(static_cast<float>(step == 2 ? 0 : step - 1))) {
    state.SkipWithError("restored something else");
  }
}

void save_async(benchmark::State& state, std::int64_t mib) {
  Model model(mib);
  save_async_with(state, model, mib);
}

// The copy alone: between ranks, values are compared in front of it otherwise.
void save_async_uncompared(benchmark::State& state, std::int64_t mib) {
  Model model(mib, false);
  save_async_with(state, model, mib);
}

void save_state(benchmark::State& state) {
  const Scratch folder;
  MirroredStrategy strategy(world());
  const auto scope = strategy.scope();
  Generator noise = Generator::from_seed(1);
  Generator dropout = Generator::from_seed(2);
  std::int64_t step = 0;
  Checkpoint checkpoint(world(), {{"noise", noise}, {"dropout", dropout}, {"step", step}});
  const std::uint64_t size = checkpoint.save(folder / "ours.h5").bytes;
  const std::vector<std::byte> bytes(size, std::byte{0x5a});
  std::vector<double> with_folder;
  Rounds rounds;
  for (auto _ : state) {
    const auto bare = [&] {
      if (!Scratch::first()) return;
      write_bare(folder / "bare.tmp", bytes);
      std::filesystem::rename(folder / "bare.tmp", folder / "bare");
    };
    folder.settle();
    with_folder.push_back(seconds_of([&] {
      bare();
      folder.sync();
    }));
    step += 1;
    rounds.add(
        state, folder, [&] { checkpoint.save(folder / "ours.h5"); }, bare);
  }
  rounds.report(state, true);
  state.counters["bytes"] = static_cast<double>(size);
  state.counters["bare_with_folder_sync_ms"] = median(with_folder) * 1e3;
  const std::int64_t saved = step;
  step = 0;
  checkpoint.restore(folder / "ours.h5");
  if (step != saved || size >= 8192) state.SkipWithError("restored something else, or too large");
}

void register_checkpoint(bool small) {
  const std::int64_t mib = small ? 24 : 1024;
  const std::string size = small ? "24_MiB" : "1_GiB";
  const int rounds = small ? 1 : 7;
  const auto add = [&](const std::string& name, void (*measure)(benchmark::State&, std::int64_t)) {
    benchmark::RegisterBenchmark(("checkpoint/" + name + "/" + size).c_str(),
                                 [=](benchmark::State& state) { measure(state, mib); })
        ->Iterations(rounds)
        ->UseManualTime()
        ->Unit(benchmark::kMillisecond);
  };
  add("save", &save);
  add("restore", &restore);
  add("save_async", &save_async);
  add("save_async_uncompared", &save_async_uncompared);
  benchmark::RegisterBenchmark("checkpoint/save/state", &save_state)
      ->Iterations(small ? 3 : 200)
      ->UseManualTime()
      ->Unit(benchmark::kMillisecond);
}

const bool kAdded = Suites::add(&register_checkpoint);

}  // namespace
}  // namespace counterpoint::bench
