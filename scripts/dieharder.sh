#!/bin/bash
# Pipes replicas' streams into dieharder and keeps what it prints, a file a stream.
#
#   scripts/dieharder.sh [--build DIR] [--out DIR] [--tests "0 1 200:3 ..."] [STREAM...]
#
# Streams: single (replica 0), replica (replica 12345), interleaved (a word of each of 1,000 replicas in
# turn), first-words (the first word of replica 0, 1, 2, ...), threefry (replica 0 of the other
# algorithm); all of them without arguments. Needs Debian's dieharder; a stream takes most of an hour.
# The last line of a file counts its p-values, and how many are to be expected beyond dieharder's bounds:
# below 0.005 or above 0.995 it calls them weak, below 0.000001 or above 0.999999 failed.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=$root/build/release
out=$root/docs/dieharder
# What dieharder -a runs, number:ntuple. Its authors call 5, 6 and 7 suspect, and 14 not to be used.
tests="0 1 2 3 4 8 9 10 11 12 13 15 16 17 100 101 102 $(echo 200:{1..12} 201:{2..5} 202:{2..5} 203:{0..32}) \
  204 205 206 207 208 209"
while (($#)); do
  case $1 in
    --build) build=$2; shift 2 ;;
    --out) out=$2; shift 2 ;;
    --tests) tests=$2; shift 2 ;;
    *) break ;;
  esac
done
command -v dieharder >/dev/null || { echo "dieharder.sh: install Debian's dieharder" >&2; exit 1; }
(($#)) || set -- single replica interleaved first-words threefry

words=$build/tests/statistics/replica_words
if [[ ! -x $words ]]; then
  cmake -S "$root" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release
  cmake --build "$build" --target replica_words
fi

# The summary of a file's p-values, one number a line of dieharder's output.
summary() {
  awk -F'|' '/PASSED|WEAK|FAILED/ {n++} /WEAK/ {weak++} /FAILED/ {failed++} END {
    printf "# %d p-values: %d weak (%.1f to be expected), %d failed (%.4f to be expected)\n",
           n, weak, n * (0.01 - 2e-6), failed, n * 2e-6 }' "$1"
}

mkdir -p "$out"
status=0
for stream in "$@"; do
  case $stream in
    single) arguments=(--replica 0) ;;
    replica) arguments=(--replica 12345) ;;
    interleaved) arguments=(--interleave 1000) ;;
    first-words) arguments=(--first-words) ;;
    threefry) arguments=(--algorithm threefry) ;;
    *)
      echo "dieharder.sh: unknown stream '$stream'" >&2
      exit 2
      ;;
  esac
  file=$out/$stream.txt
  {
    echo "# replica_words ${arguments[*]} | dieharder -g 200 -d TEST -n NTUPLE"
    echo "#          test_name |ntup| tsamples |psamples|  p-value |assessment"
  } >"$file"
  for test in $tests; do
    ntuple=()
    [[ $test == *:* ]] && ntuple=(-n "${test#*:}")
    # RUN goes before dieharder: nice, or a queue for the machine.
    printed=$("$words" "${arguments[@]}" | ${RUN:-} dieharder -g 200 -d "${test%:*}" "${ntuple[@]}" |
      grep -E 'PASSED|WEAK|FAILED') || { echo "dieharder.sh: test $test did not run" >&2; exit 1; }
    echo "$printed" >>"$file"
  done
  summary "$file" | tee -a "$file"
  if grep -q FAILED "$file"; then
    echo "dieharder.sh: $stream failed a test" >&2
    status=1
  fi
done
exit $status
