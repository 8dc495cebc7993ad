#!/bin/bash
# A job on three hosts, which are network namespaces of this machine: healthy, then with one host
# killed, then with one host's link cut. The others have to name it within the deadline, and the job to
# end.
#
#   scripts/hosts.sh PROGRAM FOLDER      PROGRAM is tests/endurance/faulty_training
#
# Hosts, links and addresses exist only in namespaces that this script makes and removes. Ends with a
# line that begins with "SKIPPED", and status 77, where the machine allows no namespaces.
set -euo pipefail
readonly program=$(realpath "$1") folder=$2
. "$(dirname "${BASH_SOURCE[0]}")/mpi_environment.sh"

readonly name=cp$$ hosts=3 network=10.99.77
readonly wire=$name-wire  # the namespace of the bridge between the hosts
namespaces=()

end_processes() {  # of namespaces
  local host pids
  for host in "$@"; do
    pids=$(ip netns pids "$host" 2>/dev/null) || continue
    [[ -z $pids ]] || kill -KILL $pids 2>/dev/null || true
  done
}

clean_up() {
  local host
  end_processes "${namespaces[@]}"
  for host in "${namespaces[@]}"; do ip netns delete "$host" || true; done
  rm -f "$folder/agent"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

skip() {
  echo "SKIPPED: $1"
  exit 77
}

die() {
  echo "FAILED: $*" >&2
  exit 1
}

add_namespace() {
  ip netns add "$1" && namespaces+=("$1")
}

make_hosts() {
  command -v ip >/dev/null || skip "there is no ip (Debian's iproute2)"
  ((EUID == 0)) || skip "network namespaces need root"
  add_namespace "$wire" 2>/dev/null || skip "this machine allows no network namespaces"
  ip -n "$wire" link add bridge type bridge 2>/dev/null || skip "this machine allows no bridges"
  ip -n "$wire" link set bridge up
  local h
  for ((h = 0; h < hosts; h++)); do
    add_namespace "$name-host$h"
    ip -n "$wire" link add "port$h" type veth peer name eth0 netns "$name-host$h" ||
      skip "this machine allows no virtual links"
    ip -n "$wire" link set "port$h" master bridge up
    ip -n "$name-host$h" address add "$network.$((h + 1))/24" dev eth0
    ip -n "$name-host$h" link set eth0 up
    ip -n "$name-host$h" link set lo up
  done
  # How mpirun starts its daemon on a host: as ssh would, with the host's own name. It does not stay, so
  # that mpirun learns nothing from its end.
  cat >"$folder/agent" <<AGENT
#!/bin/bash
host=$name-host\$((\${1##*.} - 1))
shift
setsid ip netns exec "\$host" unshare --uts bash -c 'hostname '"\$host"'; '"\$*" </dev/null &
AGENT
  chmod +x "$folder/agent"
}

# start FAULT: a rank a host, from host 0, as `job`.
start() {
  local h list=""
  for ((h = 1; h <= hosts; h++)); do list+=${list:+,}$network.$h; done
  rm -rf "$folder/checkpoints"
  # Daemons look every second whether the others' are there; Open MPI's own five minutes are long.
  ip netns exec "$name-host0" unshare --uts bash -c 'hostname '"$name-host0"'; exec "$@"' - \
    mpirun -n $hosts --host "$list" --mca plm_rsh_agent "$folder/agent" --mca orte_keep_fqdn_hostnames 1 \
    --mca btl tcp,self --mca pml ob1 --mca btl_tcp_if_include eth0 --mca oob_tcp_if_include eth0 \
    --mca oob_tcp_keepalive_time 1 --mca oob_tcp_keepalive_intvl 1 --mca oob_tcp_keepalive_probes 2 \
    -x OMPI_MCA_mpi_yield_when_idle "$program" "$1" 0 0 1 "$folder/checkpoints" \
    </dev/null >"$folder/log" 2>&1 &
  job=$!
}

# Returns when `job` has ended; fails after so many seconds.
wait_for_end() {
  local until=$((SECONDS + $1))
  while kill -0 "$job" 2>/dev/null; do
    ((SECONDS < until)) || { cat "$folder/log"; die "the job had not ended after $1 s"; }
    sleep 0.1
  done
}

wait_for_lines() {  # COUNT PATTERN SECONDS
  local until=$((SECONDS + $3))
  while (($(grep -cE "$2" "$folder/log") < $1)); do
    ((SECONDS < until)) || { cat "$folder/log"; die "no $1 lines '$2' within $3 s"; }
    sleep 0.1
  done
}

# Open MPI's own daemon on a host that is cut off may wait for TCP's patience to end; ranks may not.
no_ranks_left() {
  local h pid until=$((SECONDS + 10))
  for ((h = 0; h < hosts; h++)); do
    for pid in $(ip netns pids "$name-host$h"); do
      while [[ $(readlink "/proc/$pid/exe") == "$program" ]]; do
        ((SECONDS < until)) || die "$1: rank with process $pid is left on host $h"
        sleep 0.1
      done
    done
  done
}

healthy() {
  start none
  wait_for_end 60
  (($(grep -c "rank [0-9] is done" "$folder/log") == hosts)) || { cat "$folder/log"; die "healthy: not done"; }
  no_ranks_left healthy
  echo "healthy: $hosts ranks on $hosts hosts are done"
}

# strike WHAT COMMAND...: in the middle of training, host 2 is struck.
strike() {
  local what=$1 status=0 began
  shift
  start outside
  wait_for_lines $hosts "rank [0-9] is process" 30
  sleep 1
  began=$SECONDS
  "$@"
  # The deadline is 1.5 s, the roll call takes up to a second more.
  wait_for_lines 2 "rank [01] saw deadline_exceeded: .*rank 2" 15
  wait_for_end 30
  wait "$job" || status=$?
  ! grep -q "is done" "$folder/log" || { cat "$folder/log"; die "$what: a rank was done"; }
  no_ranks_left "$what"
  echo "$what: ranks 0 and 1 named rank 2, the job ended with status $status within $((SECONDS - began)) s"
}

# As when the power fails: nothing that it had sent or closed gets through any more. (Daemons that live
# to say goodbye make mpirun end the job at once, before a rank can say anything.)
kill_host() {
  cut_link
  end_processes "$name-host2"
}

cut_link() { ip -n "$wire" link set port2 down; }

mend_link() {
  local h status until=$((SECONDS + 30))
  ip -n "$wire" link set port2 up
  for ((h = 0; h < hosts - 1; h++)); do
    ip -n "$name-host$h" neighbour flush dev eth0
    while :; do  # a refusal is an answer
      status=0
      timeout 1 ip netns exec "$name-host$h" bash -c ": </dev/tcp/$network.3/9" 2>/dev/null || status=$?
      ((status == 124)) || break
      ((SECONDS < until)) || die "host 2 cannot be reached any more"
    done
  done
}

mkdir -p "$folder"
make_hosts
healthy
strike "host killed" kill_host
mend_link
strike "link cut" cut_link
echo "PASSED: $hosts hosts"
