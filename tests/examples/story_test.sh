#!/bin/bash
# Train, kill hard, resume: story_test.sh CASE PROGRAMS SCRATCH
# CASE is a function below, PROGRAMS the folder of the examples, SCRATCH a folder of the test's own.
set -euo pipefail
readonly case=$1 programs=$2 scratch=$3
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/mpi_environment.sh"

readonly epochs=12 every=7 last_step=$((12 * 30))
mode=()  # options of every training
job=
trap '[[ -z $job ]] || kill_tree "$job"' EXIT
rm -rf "$scratch"
mkdir -p "$scratch"

die() {
  echo "FAILED: $*" >&2
  exit 1
}

# start LOG RANKS REPLICAS_PER_RANK OPTION...: in the background, as `job`.
start() {
  local log=$1 ranks=$2 replicas=$3
  shift 3
  mpirun -n "$ranks" "$programs/train_digits" --replicas-per-rank "$replicas" --progress lines "${mode[@]}" "$@" \
    </dev/null >"$log" 2>&1 &
  job=$!
}

train() {
  start "$@"
  local status=0
  wait "$job" || status=$?
  job=
  ((status == 0)) || { cat "$1"; die "training ended with status $status"; }
}

# Trains into FOLDER until a checkpoint of STEP or later is there, then kills with SIGKILL; again from
# the beginning where training was faster than the killer.
train_until_killed() {  # LOG RANKS REPLICAS_PER_RANK FOLDER STEP
  local attempt
  for attempt in 1 2 3 4 5; do
    rm -rf "$4.before" && { [[ ! -e $4 ]] || cp -r "$4" "$4.before"; }
    start "$1" "$2" "$3" --epochs $epochs --every $every --checkpoints "$4"
    wait_for_step "$4" "$5" "$job" && kill_tree "$job"
    wait "$job" 2>/dev/null || true
    job=
    if ! grep -q '^weights' "$1" && (($(newest_step "$4") >= $5)); then
      echo "killed at step $(newest_step "$4"), attempt $attempt"
      return
    fi
    cat "$1"
    rm -rf "$4" && { [[ ! -e $4.before ]] || mv "$4.before" "$4"; }
  done
  die "training could not be killed before its end"
}

weights_of() {
  local digest
  digest=$(sed -n 's/^weights sha256 \([0-9a-f]\{64\}\)\r\?$/\1/p' "$1")
  [[ -n $digest ]] || { cat "$1"; die "$1 does not end with the weights"; }
  echo "$digest"
}

check_resumed() {
  grep -q "^resumed from .* at step $2:" "$1" || { cat "$1"; die "$1 did not resume at step $2"; }
}

# Killed twice and resumed on as many replicas: the weights of a run never killed, to the bit.
same_replicas() {
  local at
  train "$scratch/whole.log" 2 2 --epochs $epochs --every $every --checkpoints "$scratch/whole"
  train_until_killed "$scratch/killed1.log" 2 2 "$scratch/killed" 60
  at=$(newest_step "$scratch/killed")
  train_until_killed "$scratch/killed2.log" 2 2 "$scratch/killed" $((at + 60))
  check_resumed "$scratch/killed2.log" "$at"
  at=$(newest_step "$scratch/killed")
  train "$scratch/resumed.log" 2 2 --epochs $epochs --every $every --checkpoints "$scratch/killed"
  check_resumed "$scratch/resumed.log" "$at"
  [[ $(weights_of "$scratch/whole.log") == "$(weights_of "$scratch/resumed.log")" ]] ||
    die "killed and resumed, the weights differ"
  cmp "$scratch/whole/checkpoint-$(printf %08d $last_step).h5" \
    "$scratch/killed/checkpoint-$(printf %08d $last_step).h5" || die "the last checkpoints differ"
  # A folder of finished training gives the result again.
  train "$scratch/again.log" 2 2 --epochs $epochs --every $every --checkpoints "$scratch/killed"
  [[ $(weights_of "$scratch/again.log") == "$(weights_of "$scratch/whole.log")" ]] ||
    die "finished training gives other weights"
}

# On other numbers of ranks and replicas, every replica goes on with its own stream: what training
# draws first is what one plain process draws from the checkpoint.
other_ranks() {
  local at ranks replicas plain
  train_until_killed "$scratch/killed.log" 2 2 "$scratch/killed" 60
  at=$(newest_step "$scratch/killed")
  plain=$("$programs/replica_streams" "$scratch/killed/checkpoint-$(printf %08d "$at").h5" \
    --replicas 8 --stddev 0.2)
  (($(wc -l <<<"$plain") == 8)) || die "expected 8 streams, got"$'\n'"$plain"
  (($(sort -u -k 3 <<<"$plain" | wc -l) == 8)) || die "two replicas have one stream"$'\n'"$plain"
  for split in "3 2" "1 1" "1 3" "2 4"; do
    read -r ranks replicas <<<"$split"
    cp -r "$scratch/killed" "$scratch/$ranks-$replicas"
    train "$scratch/resumed.log" "$ranks" "$replicas" --epochs $epochs --every $every \
      --checkpoints "$scratch/$ranks-$replicas" --show-streams
    check_resumed "$scratch/resumed.log" "$at"
    weights_of "$scratch/resumed.log" >/dev/null
    [[ $(grep '^replica [0-9]*:' "$scratch/resumed.log" | tr -d '\r') == \
      "$(head -n $((ranks * replicas)) <<<"$plain")" ]] ||
      { cat "$scratch/resumed.log"; die "$ranks ranks x $replicas: streams differ from"$'\n'"$plain"; }
    echo "$ranks ranks x $replicas: $((ranks * replicas)) streams go on exactly"
  done
}

# The same weights however replicas are split over ranks, and through kills and resumes on others.
invariant() {
  local splits=("1 1" "1 2" "2 1" "3 1" "1 3" "2 2" "4 1" "1 4" "2 4" "4 2" "1 8") ranks replicas split
  local wanted='' weights at
  mode=(--invariant)
  for split in "${splits[@]}"; do
    read -r ranks replicas <<<"$split"
    train "$scratch/log" "$ranks" "$replicas" --epochs 2 --checkpoints "$scratch/$ranks-$replicas"
    grep -q "^digits: $((ranks * replicas)) replicas, $replicas on each of $ranks ranks" "$scratch/log" ||
      { cat "$scratch/log"; die "not $ranks ranks x $replicas replicas"; }
    weights=$(weights_of "$scratch/log")
    [[ $weights == "${wanted:=$weights}" ]] || die "$ranks ranks x $replicas: $weights, not $wanted"
  done
  mode=()  # what tells the two modes apart
  train "$scratch/log" 2 2 --epochs 2 --checkpoints "$scratch/normal"
  [[ $(weights_of "$scratch/log") != "$wanted" ]] || die "weights are the same without --invariant"
  ! mpirun -n 2 "$programs/train_digits" --epochs 3 --checkpoints "$scratch/2-2" >"$scratch/log" 2>&1 ||
    die "training without --invariant went on where it was with"
  grep -q "holds training with --invariant" "$scratch/log" || { cat "$scratch/log"; die "not said"; }
  mode=(--invariant)

  train "$scratch/log" 1 1 --epochs $epochs --every $every --checkpoints "$scratch/whole"
  wanted=$(weights_of "$scratch/log")
  train_until_killed "$scratch/killed1.log" 2 2 "$scratch/killed" 60
  at=$(newest_step "$scratch/killed")
  train_until_killed "$scratch/killed2.log" 3 1 "$scratch/killed" $((at + 60))
  check_resumed "$scratch/killed2.log" "$at"
  at=$(newest_step "$scratch/killed")
  train "$scratch/log" 1 8 --epochs $epochs --every $every --checkpoints "$scratch/killed"
  check_resumed "$scratch/log" "$at"
  [[ $(weights_of "$scratch/log") == "$wanted" ]] || die "killed and resumed, the weights differ"
  echo "${#splits[@]} splits, and 2 x 2, killed, 3 x 1, killed, 1 x 8, end with the same weights"

  accuracy
}

accuracy() {
  local percent
  train "$scratch/log" 2 2 --epochs 60 --seed 1 --checkpoints "$scratch/accurate" \
    --plot "$scratch/curve.svg"
  percent=$(awk '/^test accuracy [0-9.]+ %/ { print $3 }' "$scratch/log")
  awk -v percent="${percent:-0}" 'BEGIN { exit !(percent > 96) }' ||
    { cat "$scratch/log"; die "test accuracy '$percent' % is not above 96 %"; }
  [[ $(tail -c 7 "$scratch/curve.svg") == "</svg>" ]] || die "no learning curve"
  (($(grep -c '^epoch ' "$scratch/log") == 60)) || die "not a line an epoch"
  echo "test accuracy $percent %"
}

# What is wrong with the call is said once, and the job ends with an error.
wrong_use() {
  local log=$scratch/log
  train "$log" 2 1 --epochs 1 --seed 1 --checkpoints "$scratch/run"
  if mpirun -n 2 "$programs/train_digits" --seed 2 --checkpoints "$scratch/run" >"$log" 2>&1; then
    die "training with another seed went on"
  fi
  (($(grep -c "holds training with --seed 1" "$log") == 1)) || { cat "$log"; die "not said once"; }
  if mpirun -n 2 "$programs/train_digits" --epochs 0 >"$log" 2>&1; then
    die "no epochs were accepted"
  fi
  (($(grep -c -- "--epochs: " "$log") == 1)) || { cat "$log"; die "not said once"; }
}

"$case"
echo "PASSED: $case"
