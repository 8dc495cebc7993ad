#!/bin/bash
# Runs the benchmarks, prints one table of ratios with the targets beside, and writes bench.json,
# ranks-1.json, ranks-2.json, ..., peers.json, bench.svg and bench.txt.
#
#   scripts/bench.sh [--build DIR] [--out DIR] [--python PYTHON] [--ranks "1 2 3 4"] [--report]
#                    [benchmark options]
#
# Peers are those that the build found: MKL (MKLROOT), Random123, cuRAND (CUDA_HOME), std::mt19937; and
# NumPy, JAX, TensorFlow and PyTorch, if PYTHON (python3) has them. Of what needs ranks, two measure all,
# one what saves and its peers, and every number in --ranks what grows with it; a --benchmark_filter of
# yours is for all of them. TMPDIR says on which disk to save. Times are the best of three; run it on a
# quiet machine. --report makes the table from the files that are there.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=$root/build/bench
out=$root/build/bench
python=python3
ranks="1 2 3 4"
measure=1
while (($#)); do
  case $1 in
    --build) build=$2; shift 2 ;;
    --out) out=$2; shift 2 ;;
    --python) python=$2; shift 2 ;;
    --ranks) ranks=$2; shift 2 ;;
    --report) measure=0; shift ;;
    *) break ;;
  esac
done
. "$root/scripts/mpi_environment.sh"

mkdir -p "$out"
if ((measure)); then
  if [[ ! -x $build/bench/counterpoint_bench || ! -x $build/bench/counterpoint_bench_ranks ]]; then
    cmake -S "$root" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCOUNTERPOINT_BENCHMARKS=ON \
      -DCOUNTERPOINT_TESTS=OFF -DCOUNTERPOINT_EXAMPLES=OFF
    cmake --build "$build" --target counterpoint_bench counterpoint_bench_ranks
  fi
  # MKL finds its parts by the library path, and is to use one thread.
  export LD_LIBRARY_PATH=${MKLROOT:+$MKLROOT/lib:}${LD_LIBRARY_PATH:-} MKL_THREADING_LAYER=SEQUENTIAL
  # A filter may leave one of the programs nothing to do, but not both.
  measured=0
  measure() {  # NAME COMMAND...: into NAME.json, unless the options leave it nothing
    local name=$1 listed
    shift
    rm -f "$out/$name.json"
    listed=$("$@" --benchmark_list_tests 2>/dev/null) || true
    [[ $listed == */* ]] || return 0
    "$@" --benchmark_repetitions=3 --benchmark_out="$out/$name.json" --benchmark_out_format=json >"$out/$name.log"
    measured=1
  }
  measure bench "$build/bench/counterpoint_bench" --benchmark_min_time=0.2 "$@"
  # Which of them PYTHON has to save with, the program itself finds out.
  export COUNTERPOINT_BENCH_PYTHON=$python
  rm -f "$out"/ranks*.json
  for n in $ranks; do
    case $n in
      1) filter='collectives/|strategy/turn/|checkpoint/' ;;
      2) filter=. ;;
      *) filter='collectives/|strategy/turn/' ;;
    esac
    # The last filter counts.
    measure "ranks-$n" mpirun -n "$n" "$build/bench/counterpoint_bench_ranks" --benchmark_filter="$filter" "$@"
  done
  if ((measured == 0)); then
    echo "bench.sh: no benchmark has such a name: $*" >&2
    exit 1
  fi
  "$python" "$root/bench/python_peers.py" "$out/peers.json"
  "$python" "$root/bench/numpy_samplers.py" "$out/peers_samplers.json"
fi
files=()
for file in "$out"/{bench,ranks,peers}*.json; do
  [[ -s $file ]] && files+=("$file")
done
python3 "$root/bench/report.py" --svg "$out/bench.svg" "${files[@]}" | tee "$out/bench.txt"
