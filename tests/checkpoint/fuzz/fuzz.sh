#!/bin/bash
# Builds the fuzzers with Clang, ASan and UBSan, and runs each for a while over its seeds and the
# findings of earlier runs. Ends with an error where one of them finds something; the input is then
# in FOLDER, and belongs into tests/checkpoint/fuzz/findings/<target> when it is mended.
#
#   fuzz.sh FOLDER SECONDS      of the loader; the other two get a sixth of it each
#
# Each goes on until it has tried 1,000 inputs beyond its seeds too, however slow the machine is.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
folder=$1
seconds=$2
compiler=$(command -v clang++-16 || command -v clang++) || {
  echo "fuzz.sh: there is no clang++; scripts/install_dependencies.sh --tests installs it" >&2
  exit 1
}
cmake -S "$here" -B "$folder" -G Ninja -DCMAKE_CXX_COMPILER="$compiler" >"$folder.configure.log" ||
  { cat "$folder.configure.log" >&2; exit 1; }
cmake --build "$folder" --parallel 2
"$folder/make_seeds" "$here/../../golden" "$folder/corpus"

export ASAN_OPTIONS=detect_leaks=1:allocator_may_return_null=1
export UBSAN_OPTIONS=print_stacktrace=1
export LSAN_OPTIONS=suppressions=$here/suppressions.txt:print_suppressions=0
run_fuzzer() {  # TARGET OPTION... -- all seeds, then what comes of them; one process
  local target=$1 log=$folder/$1.log findings=()
  shift
  [[ -d $here/findings/$target ]] && findings=("$here/findings/$target")
  mkdir -p "$folder/grown/$target"
  "$folder/$target" "$@" -timeout=60 -rss_limit_mb=2048 -max_len=65536 -print_final_stats=1 \
    -artifact_prefix="$folder/$target-" \
    "$folder/grown/$target" "$folder/corpus/$target" "${findings[@]}" >"$log" 2>&1 || {
    tail -60 "$log"
    echo "fuzz.sh: $target found something: see $folder/$target-*" >&2
    return 1
  }
  # libhdf5 has not said a word.
  if grep -qE "HDF5-DIAG|HDF5: " "$log"; then
    echo "fuzz.sh: libhdf5 wrote to stderr under $target: $log" >&2
    return 1
  fi
  tried=$(awk '/stat::number_of_executed_units/ { print $2 }' "$log")
  seeds=$(awk '/INFO: seed corpus: files:/ { print $5 }' "$log")
}
fuzz() {  # TARGET SECONDS
  local tried=0 seeds=0 new=0 all=0
  run_fuzzer "$1" -max_total_time="$2"
  all=$tried new=$((tried - ${seeds:-0}))
  # libFuzzer ends at the first of two limits, so that the count has a run of its own. What was found
  # worth keeping in the first one, less than `least`, is a seed of the second.
  if ((new < least)); then
    run_fuzzer "$1" -runs=$((${seeds:-0} + 2 * least))
    all=$((all + tried)) new=$((new + tried - ${seeds:-0}))
  fi
  echo "$1: $all inputs, $new of them new, nothing found"
  ((seeds > 0 && new >= least)) || {
    echo "fuzz.sh: $1 had $seeds seeds and tried $new inputs beyond them: it does not work" >&2
    return 1
  }
}
least=1000
fuzz fuzz_image_reader "$seconds"
fuzz fuzz_round_trip $((seconds / 6 + 1))
fuzz fuzz_tensorflow_import $((seconds / 6 + 1))
