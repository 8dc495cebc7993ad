#!/bin/bash
# The long checks, for a night rather than for every change: the tests under sanitizers, and known
# answers from the NumPy reference with seeds that nobody has seen.
#
#   scripts/soak.sh [PART...]     asan, tsan, answers; all of them without arguments
#
# SOAK_MINUTES (10) is how long each open-ended part goes on; SOAK_SEED sets the first seed.
# What fails names what is needed to see it again.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/mpi_environment.sh

readonly minutes=${SOAK_MINUTES:-10}
failed=()

sanitized() {  # PRESET
  cmake --preset "$1" && cmake --build --preset "$1" --parallel 2 && ctest --preset "$1" --parallel 2
}

# MPI's own memory and threads are not ours to check.
asan() {
  ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=0} UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1} \
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

(($#)) || set -- asan tsan answers
scripts/install_dependencies.sh --tests
for part in "$@"; do
  case $part in
    asan | tsan | answers) ;;
    *)
      echo "soak.sh: unknown part '$part'; there are asan, tsan and answers" >&2
      exit 2
      ;;
  esac
  "$part" || failed+=("$part")
done
if ((${#failed[@]})); then
  echo "soak.sh: FAILED: ${failed[*]}"
  exit 1
fi
echo "soak.sh: passed: $*"
