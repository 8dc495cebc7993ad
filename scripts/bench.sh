#!/bin/bash
# Runs the benchmarks, prints one table of ratios, and writes bench.json, bench.svg and bench.txt.
#
#   scripts/bench.sh [--build DIR] [--out DIR] [benchmark options]
#
# Peers are those that the build found: MKL (MKLROOT), Random123, cuRAND (CUDA_HOME), std::mt19937.
# Times are the best of three; run it on a quiet machine. It uses one core.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=$root/build/bench
out=$root/build/bench
while (($#)); do
  case $1 in
    --build) build=$2; shift 2 ;;
    --out) out=$2; shift 2 ;;
    *) break ;;
  esac
done

binary=$build/bench/counterpoint_bench
if [[ ! -x $binary ]]; then
  cmake -S "$root" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCOUNTERPOINT_BENCHMARKS=ON \
    -DCOUNTERPOINT_TESTS=OFF -DCOUNTERPOINT_EXAMPLES=OFF
  cmake --build "$build" --target counterpoint_bench
fi

mkdir -p "$out"
"$binary" --benchmark_min_time=0.2 --benchmark_repetitions=3 --benchmark_report_aggregates_only=false \
  --benchmark_out="$out/bench.json" --benchmark_out_format=json "$@" >"$out/bench.log"
python3 "$root/bench/report.py" "$out/bench.json" "$out/bench.svg" | tee "$out/bench.txt"
