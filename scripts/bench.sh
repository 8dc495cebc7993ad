#!/bin/bash
# Runs the benchmarks, prints one table of ratios with the targets beside, and writes bench.json,
# ranks.json, peers.json, bench.svg and bench.txt.
#
#   scripts/bench.sh [--build DIR] [--out DIR] [--python PYTHON] [--report] [benchmark options]
#
# Peers are those that the build found: MKL (MKLROOT), Random123, cuRAND (CUDA_HOME), std::mt19937; and
# NumPy, JAX and TensorFlow, if PYTHON (python3) has them. Times are the best of three; run it on a quiet
# machine. --report makes the table from the files that are there.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=$root/build/bench
out=$root/build/bench
python=python3
measure=1
while (($#)); do
  case $1 in
    --build) build=$2; shift 2 ;;
    --out) out=$2; shift 2 ;;
    --python) python=$2; shift 2 ;;
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
  measure ranks mpirun -n 2 "$build/bench/counterpoint_bench_ranks" "$@"
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
