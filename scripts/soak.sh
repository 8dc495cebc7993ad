#!/bin/bash
# The long checks, for a night rather than for every change.
#
#   scripts/soak.sh [PART...]     all of them without arguments
#
#   asan, tsan   the tests under sanitizers
#   answers      known answers from the NumPy reference, with seeds that nobody has seen
#   endurance    random delays, and tens of thousands of steps, on threads and under mpirun
#   faults       ranks killed, stopped, delayed or throwing at random moments
#   hosts        a job on three hosts (network namespaces), one of them killed, one's link cut
#   kills        1,000 SIGKILLs of a training that saves, and 1,000 of either of two ranks of one, each
#                resumed at another replica count
#   fuzz         the fuzzers of the checkpoint's readers and writer
#   mutations    100,000 damaged checkpoints with a right digest, of either layout
#   native       the tests of kernels and fills where the compiler may use all that this machine has
#   mpich        the tests of communicators and of the strategy under MPICH
#
# SOAK_MINUTES (10) is how long each open-ended part goes on; SOAK_SEED sets the first seed.
# What fails names what is needed to see it again; what this machine lacks is told as not run.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/mpi_environment.sh

readonly minutes=${SOAK_MINUTES:-10}
passed=() skipped=() failed=()

sanitized() {  # PRESET
  cmake --preset "$1" && cmake --build --preset "$1" --parallel 2 && ctest --preset "$1" --parallel 2
}

# MPI's own memory and threads are not ours to check. What asks for too much memory is told so, as without a
# sanitizer.
asan() {
  ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=0:allocator_may_return_null=1} UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1} \
    sanitized asan
}
tsan() { TSAN_OPTIONS=${TSAN_OPTIONS:-halt_on_error=1} sanitized tsan; }

answers() {
  local folder=build/soak/answers seed=${SOAK_SEED:-$(date +%s)} until=$((SECONDS + 60 * minutes))
  local replay=build/release/tests/golden_replay status=0
  cmake --preset release && cmake --build --preset release --parallel 2 --target golden_replay || return 1
  mkdir -p "$folder"
  while ((SECONDS < until)); do
    echo "answers: seed $seed"
    python3 tests/oracle/make_cases.py --seed "$seed" --scale 5 --out "$folder" &&
      "$replay" "$folder"/{generators,strategies,checkpoints}.json &&
      mpirun -n 2 "$replay" --replicas-per-rank 1 "$folder/strategies.json" &&
      mpirun -n 3 "$replay" --replicas-per-rank 2 "$folder/strategies.json" || {
      echo "answers: see it again with SOAK_SEED=$seed scripts/soak.sh answers" >&2
      status=1
    }
    seed=$((seed + 1))
  done
  return $status
}

build_release() {  # TARGET...
  cmake --preset release && cmake --build --preset release --parallel 2 --target "$@"
}

endurance() {
  local seed=${SOAK_SEED:-$(date +%s)} until=$((SECONDS + 60 * minutes)) status=0
  local program=build/release/tests/endurance/endurance_test ranks splits split filters filter
  build_release endurance_test || return 1
  while ((SECONDS < until)); do
    for ranks in 0 1 2 3 4; do
      local -x COUNTERPOINT_SEED=$seed COUNTERPOINT_EFFORT=5
      splits="${ranks}x1 ${ranks}x2 ${ranks}x3"
      ((ranks)) || splits="1x1 1x4 2x2 3x1 4x2"
      # Memory is measured in a process of its own: an allocator walks for long through what an earlier
      # test has freed, which looks like a leak until it has been everywhere.
      filters=('-*EndInStep*')
      for split in $splits; do filters+=("*EndInStep*/$split"); done
      for filter in "${filters[@]}"; do
        if ((ranks == 0)); then
          "$program" --gtest_brief=1 "--gtest_filter=$filter"
        else
          COUNTERPOINT_EXPECTED_RANKS=$ranks timeout 600 mpirun -n "$ranks" "$program" --gtest_brief=1 \
            "--gtest_filter=$filter"
        fi || {
          echo "endurance: $ranks ranks, $filter; see it again with SOAK_SEED=$seed scripts/soak.sh endurance" >&2
          status=1
        }
      done
    done
    seed=$((seed + 1))
  done
  return $status
}

faults() {
  local seed=${SOAK_SEED:-$(date +%s)} until=$((SECONDS + 60 * minutes)) status=0
  build_release faulty_training || return 1
  while ((SECONDS < until)); do
    python3 tests/endurance/random_faults.py --program build/release/tests/endurance/faulty_training \
      --folder build/soak/faults --jobs 30 --seed "$seed" || {
      echo "faults: see it again with SOAK_SEED=$seed scripts/soak.sh faults" >&2
      status=1
    }
    seed=$((seed + 1))
  done
  return $status
}

hosts() {
  build_release faulty_training &&
    scripts/hosts.sh build/release/tests/endurance/faulty_training build/soak/hosts
}

kills() {
  local -x COUNTERPOINT_KILLS=${SOAK_KILLS:-1000} COUNTERPOINT_SEED=${SOAK_SEED:-$(date +%s)}
  build_release checkpoint_kill_test killed_job &&
    build/release/tests/checkpoint/checkpoint_kill_test --gtest_filter='*AtRandomMoments*' &&
    python3 tests/checkpoint/kill_ranks.py --program build/release/tests/checkpoint/killed_job \
      --folder build/soak/kills --kills "$COUNTERPOINT_KILLS" --seed "$COUNTERPOINT_SEED" || {
    echo "kills: see it again with SOAK_SEED=$COUNTERPOINT_SEED scripts/soak.sh kills" >&2
    return 1
  }
}

fuzz() {
  mkdir -p build/soak
  tests/checkpoint/fuzz/fuzz.sh build/soak/fuzz $((60 * minutes))
}

mutations() {
  local -x COUNTERPOINT_MUTATIONS=${SOAK_MUTATIONS:-100000}
  build_release checkpoint_mutation_test && build/release/tests/checkpoint/checkpoint_mutation_test
}

# The best instruction set is then the only one, and the compiler's own code uses it too.
native() {
  cmake -S . -B build/native -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_FLAGS=-march=native \
    -DCOUNTERPOINT_BENCHMARKS=OFF -DCOUNTERPOINT_EXAMPLES=OFF &&
    cmake --build build/native --parallel 2 --target kernels_test fill_pool_test &&
    ctest --test-dir build/native --output-on-failure --no-tests=error -R '^(kernels|fill_pool)_test/'
}

# In a build of its own: a program is linked with one MPI.
mpich() {
  if ! command -v mpiexec.mpich >/dev/null || ! command -v mpicxx.mpich >/dev/null; then
    echo "SKIPPED: there is no MPICH (Debian's mpich and libmpich-dev)"
    return 77
  fi
  cmake -S . -B build/mpich -G Ninja -DCMAKE_BUILD_TYPE=Release -DCOUNTERPOINT_BENCHMARKS=OFF \
    -DCOUNTERPOINT_EXAMPLES=OFF -DMPI_C_COMPILER=mpicc.mpich -DMPI_CXX_COMPILER=mpicxx.mpich \
    -DMPIEXEC_EXECUTABLE="$(command -v mpiexec.mpich)" &&
    cmake --build build/mpich --parallel 2 --target communicator_mpi_test communicator_user_mpi \
      communicator_faults strategy_mpi_test strategy_faults global_generator endurance_test &&
    ctest --test-dir build/mpich --output-on-failure --no-tests=error \
      -R '^(communicator_(mpi|user_mpi|faults)|strategy_(mpi|faults)|global_generator|endurance_mpi)'
}

(($#)) || set -- asan tsan answers endurance faults hosts kills fuzz mutations native mpich
scripts/install_dependencies.sh --tests
for part in "$@"; do
  case $part in
    asan | tsan | answers | endurance | faults | hosts | kills | fuzz | mutations | native | mpich) ;;
    *)
      echo "soak.sh: unknown part '$part'; its first lines name those that there are" >&2
      exit 2
      ;;
  esac
  status=0
  "$part" || status=$?
  case $status in
    0) passed+=("$part") ;;
    77) skipped+=("$part") ;;
    *) failed+=("$part") ;;
  esac
done
((${#passed[@]} == 0)) || echo "soak.sh: passed: ${passed[*]}"
((${#skipped[@]} == 0)) || echo "soak.sh: NOT RUN, see SKIPPED above: ${skipped[*]}"
((${#failed[@]} == 0)) || echo "soak.sh: FAILED: ${failed[*]}"
((${#failed[@]} == 0 && ${#passed[@]} > 0))
