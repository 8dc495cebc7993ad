#!/bin/bash
# Counts instructions a value, and a draw, under callgrind, where times are too noisy to guard, and compares them with
# instructions.txt: more than 5 % above a line fails.
#
#   bench/instructions.sh BUILD_DIR [--update]
#
# Valgrind knows no AVX-512, so what is counted is the AVX2 code: the same source. Counts depend on the
# compiler; --update writes them anew.
set -euo pipefail
shopt -s inherit_errexit

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
program=${1:?usage: instructions.sh BUILD_DIR [--update]}/bench/counterpoint_bench_instructions
limits=$here/instructions.txt
values=65536

collect() {  # instructions of a whole run
  local report counted
  report=$(mktemp)
  if ! valgrind --tool=callgrind --toggle-collect=main --callgrind-out-file=/dev/null "$program" "$1" "$2" "$3" >"$report" 2>&1; then
    cat "$report" >&2
    rm -f "$report"
    return 1
  fi
  counted=$(awk '/Collected/ {print $NF}' "$report")
  rm -f "$report"
  ((counted > 0)) || { echo "$1 $2: valgrind counted nothing" >&2; return 1; }
  echo "$counted"
}

count() {  # instructions a value: of twice as many values, what they take more
  local once twice
  once=$(collect "$1" "$2" $values) || return 1
  twice=$(collect "$1" "$2" $((2 * values))) || return 1
  ((twice > once)) || { echo "$1 $2: twice as many values take no more" >&2; return 1; }
  awk -v a="$once" -v b="$twice" -v n=$values 'BEGIN {printf "%.3f", (b - a) / n}'
}

failed=0
checked=0
while read -r distribution dtype limit; do
  [[ $distribution == \#* || -z $distribution ]] && continue
  now=$(count "$distribution" "$dtype") || exit 1
  checked=$((checked + 1))
  if [[ ${2:-} == --update ]]; then
    sed -i "s|^$distribution $dtype .*|$distribution $dtype $now|" "$limits"
    echo "$distribution $dtype $now"
  elif awk -v a="$now" -v b="$limit" 'BEGIN {exit !(a > 1.05 * b)}'; then
    echo "$distribution $dtype: $now instructions a value, not $limit" >&2
    failed=1
  else
    echo "$distribution $dtype $now (limit $limit)"
  fi
done < <(cat "$limits")
((checked > 0)) || { echo "instructions.txt names nothing to count" >&2; exit 1; }
exit $failed
