# shellcheck shell=bash
# To be sourced: the environment that Open MPI needs as root in a container and with more ranks than
# cores, and functions to end a job hard.

export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_mpi_yield_when_idle=1
export OMPI_MCA_btl_vader_single_copy_mechanism=none OMPI_MCA_hwloc_base_binding_policy=none

# Process $1 and all that descend from it, one a line.
process_tree() {
  local parents="" stat line fields
  for stat in /proc/[0-9]*/stat; do
    read -r line 2>/dev/null <"$stat" || continue  # it ended meanwhile
    fields=${line##*) }           # after the name, which may hold anything: state, parent
    fields=${fields#* }
    parents+="${line%% *} ${fields%% *}"$'\n'
  done
  local tree=("$1") next=0 child parent
  while ((next < ${#tree[@]})); do
    while read -r child parent; do
      [[ $parent == "${tree[next]}" ]] && tree+=("$child")
    done <<<"$parents"
    next=$((next + 1))
  done
  printf '%s\n' "${tree[@]}"
}

# Ends mpirun's process $1 and all that descend from it at once, without a chance to say anything;
# then removes the shared memory and the session folder that they had no time to remove.
kill_tree() {
  local tree pid segments=()
  mapfile -t tree < <(process_tree "$1")
  for pid in "${tree[@]}"; do
    mapfile -t -O ${#segments[@]} segments < \
      <(grep -oh '/dev/shm/vader_segment[^ ]*' "/proc/$pid/maps" 2>/dev/null)
  done
  kill -KILL "${tree[@]}" 2>/dev/null || true
  rm -rf "${segments[@]}" "${TMPDIR:-/tmp}"/ompi.*."$EUID"/pid."$1"
}

# The step of the newest checkpoint in folder $1; 0 if there is none.
newest_step() {
  local file name newest=0
  for file in "$1"/checkpoint-*.h5; do
    [[ -e $file ]] || continue
    name=${file##*/checkpoint-}
    name=$((10#${name%.h5}))
    ((name > newest)) && newest=$name
  done
  echo "$newest"
}

# Returns as soon as folder $1 holds a checkpoint of step $2 or later; fails if process $3 ends first.
wait_for_step() {
  while (($(newest_step "$1") < $2)); do
    kill -0 "$3" 2>/dev/null || return 1
    sleep 0.02
  done
}
