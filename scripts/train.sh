#!/bin/bash
# Trains on real digits: 2 ranks x 2 replicas, killed half-way, resumed and finished by 3 ranks. Then
# shows that every replica's stream was in its place. Runs on a bare Debian 12; ends with an error
# if anything is not as it should be. What it makes lies under run/train_digits.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/mpi_environment.sh

readonly epochs=60 every=25 steps_per_epoch=30
readonly folder=run/train_digits programs=build/release/examples
readonly half=$((epochs * steps_per_epoch / 2))
failures=0
job=

say() {
  local line=$'\n'"$*"
  [[ -t 1 ]] && line=$'\033[1m'$line$'\033[0m'
  echo "$line"
}
fail() {
  echo "NOT AS PROMISED: $*"
  failures=$((failures + 1))
}
trap '[[ -z $job ]] || kill_tree "$job"' EXIT

# train LOG RANKS OPTION...: starts mpirun in the background; its process id is in `job`, its output
# is shown and kept in LOG.
train() {
  local log=$1 ranks=$2 progress=lines
  shift 2
  [[ -t 1 ]] && progress=bar
  rm -f "$folder/output"
  mkfifo "$folder/output"
  tee "$log" <"$folder/output" &
  shown=$!
  mpirun -n "$ranks" "$programs/train_digits" --replicas-per-rank 2 --epochs $epochs \
    --every $every --progress $progress "$@" </dev/null >"$folder/output" 2>&1 &
  job=$!
}

# Waits for the job, and for its output to be complete; returns its status.
finish() {
  local status=0
  wait "$job" || status=$?
  job=
  wait "$shown" || true
  return $status
}

# The value at the end of the line of LOG that begins with WORDS.
last_of() { awk -v words="$2" 'index($0, words) == 1 { value = $3 } END { print value }' "$1"; }

scripts/install_dependencies.sh
say "Building"
cmake --preset release >/dev/null
cmake --build --preset release --target train_digits replica_streams
rm -rf "$folder"
mkdir -p "$folder"
SECONDS=0

say "2 ranks x 2 replicas, to be killed half-way (after step $half of $((2 * half)))"
for attempt in 1 2 3 4 5; do
  rm -rf "$folder/seed1"
  train "$folder/killed.log" 2 --seed 1 --checkpoints "$folder/seed1"
  if wait_for_step "$folder/seed1" $half "$job"; then kill_tree "$job"; fi
  finish 2>/dev/null || break
  echo "it was done before it could be killed; attempt $attempt of 5"
done
grep -q '^weights' "$folder/killed.log" && fail "the job ended before it was killed"
killed_at=$(newest_step "$folder/seed1")
halfway=$folder/halfway.h5
cp "$folder/seed1/checkpoint-$(printf %08d "$killed_at").h5" "$halfway"
printf '\nkilled with SIGKILL; the newest checkpoint is of step %d\n' "$killed_at"

say "3 ranks x 2 replicas go on"
train "$folder/resumed.log" 3 --seed 1 --checkpoints "$folder/seed1" --show-streams \
  --plot "$folder/learning_curve.svg"
finish || fail "the resumed job ended with an error"
grep -q "^resumed from .* at step $killed_at:" "$folder/resumed.log" ||
  fail "it did not resume at step $killed_at"

# compare FILE WHAT LINES: the streams of replicas 0 to 3, drawn from FILE in one plain process, must
# be LINES.
compare() {
  local plain
  plain=$("$programs/replica_streams" "$1" --object noise --replicas 4 --stddev 0.2) || true
  if [[ -n $plain && $plain == "$3" ]]; then
    echo "the same: $2"
  else
    fail "$2 are"$'\n'"$3"$'\n'"but one plain process draws"$'\n'"$plain"
  fi
}
replicas_draw() {  # RANKS REPLICAS_PER_RANK FILE
  mpirun -n "$1" "$programs/replica_streams" "$3" --object noise --replicas 4 --stddev 0.2 \
    --strategy --replicas-per-rank "$2"
}

say "The streams of replicas 0 to 3, drawn from the checkpoints in one plain process"
echo "half-way, as the killed job left it:"
"$programs/replica_streams" "$halfway" --object noise --replicas 4 --stddev 0.2
compare "$halfway" "what 2 ranks x 2 replicas would have gone on with" "$(replicas_draw 2 2 "$halfway")"
compare "$halfway" "what replicas 0 to 3 of the 3 ranks x 2 went on training with" \
  "$(grep '^replica [0-3]:' "$folder/resumed.log" | tr -d '\r')"
final=$folder/seed1/checkpoint-$(printf %08d "$(newest_step "$folder/seed1")").h5
echo "at the end:"
"$programs/replica_streams" "$final" --object noise --replicas 4 --stddev 0.2
compare "$final" "the streams of replicas 0 to 3 of 3 ranks x 2" "$(replicas_draw 3 2 "$final")"

say "Two more seeds, undisturbed"
for seed in 2 3; do
  train "$folder/seed$seed.log" 2 --seed $seed --checkpoints "$folder/seed$seed"
  finish || fail "training with seed $seed ended with an error"
done

say "What came of it"
accuracies=()
for log in resumed seed2 seed3; do
  accuracy=$(last_of "$folder/$log.log" "test accuracy")
  [[ -n $accuracy && -n $(last_of "$folder/$log.log" "weights sha256") ]] ||
    fail "$folder/$log.log does not end with the accuracy and the weights"
  accuracies+=("${accuracy:-0}")
done
median=$(printf '%s\n' "${accuracies[@]}" | sort -n | sed -n 2p)
echo "test accuracy with seeds 1, 2, 3: ${accuracies[*]} %; median $median %"
awk -v median="$median" 'BEGIN { exit !(median > 96) }' || fail "the median is not above 96 %"
[[ -s $folder/learning_curve.svg ]] || fail "there is no learning curve"
echo "learning curve: $PWD/$folder/learning_curve.svg"
echo "training took $SECONDS s"
if ((failures)); then
  echo "$failures things are not as promised"
  exit 1
fi
echo "All as promised."
