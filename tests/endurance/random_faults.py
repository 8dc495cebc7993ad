"""Jobs under mpirun in which one rank is killed, stopped, delayed or throws at a random moment.

In a "second" fault a rank is stopped and a replica of another works for longer than the deadline.

Usage: random_faults.py --program PROGRAM --folder FOLDER [--jobs N] [--seed N] [--mpirun MPIRUN]

Each job has to end by itself within the deadline and a few seconds, with the others naming the culprit,
and leave no process behind; a job whose rank is only delayed has to end as one without a fault does. A
launcher's exit status is looked at, but nothing relies on it alone. The seed gives the same jobs again.
"""

import argparse
import collections
import os
import random
import re
import shutil
import signal
import statistics
import subprocess
import sys
import time

DEADLINE_S = 1.5  # faulty_training's
FEW_S = 12.0  # start, roll call, the second in which all speak, and the launcher's end, on a busy machine
# "planted", for the control, is a job without the fault that is expected of it.
FAULTS = ("kill", "recover", "stop", "late", "throw", "delay", "second")


class Failure(Exception):
    pass


def running(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def run(arguments, fault, ranks, replicas, culprit, at_ms, worker=()):
    folder = os.path.join(arguments.folder, "checkpoints")
    shutil.rmtree(folder, ignore_errors=True)
    command = [arguments.mpirun, "-n", str(ranks)]
    # Open MPI ends a job as soon as it sees a dead rank, before the others can tell of it; unless told
    # not to, and then its own status is 0 whatever happened.
    if fault == "recover":
        command.append("--enable-recovery")
    kind = {"recover": "kill", "planted": "none", "second": "stop"}.get(fault, fault)
    command += [arguments.program, kind, str(culprit), str(at_ms), str(replicas), folder, *map(str, worker)]
    log = os.path.join(arguments.folder, "log")
    begin = time.monotonic()
    with open(log, "wb") as output:
        job = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                               start_new_session=True)
        try:
            status = job.wait(timeout=at_ms / 1000 + DEADLINE_S + FEW_S)
        except subprocess.TimeoutExpired:
            status = None
    seconds = time.monotonic() - begin
    with open(log, errors="replace") as output:
        text = output.read()
    pids = [int(pid) for pid in re.findall(r"rank \d+ is process (\d+)", text)]
    left = [pid for pid in pids if running(pid)]
    if status is None or left:
        for pid in left + ([job.pid] if status is None else []):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        job.wait()
    try:
        if status is None:
            raise Failure(f"had not ended after {seconds:.1f} s")
        if left:
            raise Failure(f"left processes {left}")
        judge(text, fault, kind, ranks, culprit, status)
    except Failure as failure:
        raise Failure(f"{failure}\n--- its output:\n{text}") from None
    return text, seconds


def judge(text, fault, kind, ranks, culprit, status):
    if len(re.findall(r"rank \d+ is process \d+", text)) != ranks:
        raise Failure(f"did not start {ranks} ranks")
    done = re.findall(r"rank (\d+) is done: (\d+)", text)
    saw = dict(re.findall(r"rank (\d+) saw (.*)", text))
    struck = f"rank {culprit} is struck: {kind}" in text
    if struck != (fault != "none"):
        raise Failure("no fault struck" if fault != "none" else "a fault struck")
    if fault in ("none", "delay"):
        if status != 0 or len(done) != ranks or len({digest for _, digest in done}) != 1 or saw:
            raise Failure(f"status {status}; wanted {ranks} ranks done, alike")
        return
    if done:
        raise Failure("a rank was done in spite of the fault")
    if status == 0 and fault != "recover":
        raise Failure("status 0")
    if fault == "kill":  # mpirun is faster than the deadline
        return
    for rank in range(ranks):
        if rank == culprit and fault != "throw":
            continue
        message = saw.get(str(rank), "nothing")
        # "rank 1", or "ranks 1 (no answer) and 2 (made 21 calls)" where rank 2 waits for rank 1 itself.
        if not re.search(rf"\brank {culprit}\b|\branks [^;]*\b{culprit}( \(|[,;])", message):
            raise Failure(f"rank {rank} saw {message}; wanted rank {culprit} named")
        if not message.startswith("aborted: " if fault == "throw" else "deadline_exceeded: "):
            raise Failure(f"rank {rank} saw another error: {message}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    parser.add_argument("--folder", required=True)
    parser.add_argument("--mpirun", default="mpirun")
    parser.add_argument("--jobs", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--faults", default=",".join(FAULTS))
    arguments = parser.parse_args()
    os.makedirs(arguments.folder, exist_ok=True)
    chosen = random.Random(arguments.seed)
    faults = arguments.faults.split(",")
    digests = {}
    seconds = collections.defaultdict(list)
    failed = 0
    for number in range(arguments.jobs):
        fault = faults[number % len(faults)]
        ranks = chosen.randint(2, 4)
        replicas = chosen.randint(1, 2)
        culprit = chosen.randrange(ranks)
        at_ms = chosen.randrange(0, 100 if fault == "delay" else 400)
        worker = ()
        if fault == "second":
            ranks, replicas = max(ranks, 3), 2
            worker = (chosen.choice([rank for rank in range(ranks) if rank != culprit]), chosen.randrange(0, 400))
        name = f"job {number}: {fault} rank {culprit} of {ranks} x {replicas} at {at_ms} ms"
        try:
            text, took = run(arguments, fault, ranks, replicas, culprit, at_ms, worker)
            seconds[fault].append(took)
            if fault == "delay":
                digest = re.search(r"is done: (\d+)", text)[1]
                if (ranks, replicas) not in digests:
                    healthy, _ = run(arguments, "none", ranks, replicas, 0, 0)
                    digests[ranks, replicas] = re.search(r"is done: (\d+)", healthy)[1]
                if digest != digests[ranks, replicas]:
                    raise Failure(f"ended with {digest}, without a fault {digests[ranks, replicas]}")
            print(f"{name}: ended after {took:.1f} s", flush=True)
        except Failure as failure:
            failed += 1
            print(f"{name}: FAILED, seed {arguments.seed}: {failure}", flush=True)
    for fault, times in seconds.items():
        print(f"{fault}: {len(times)} jobs, median {statistics.median(times):.1f} s, "
              f"longest {max(times):.1f} s")
    if failed or not seconds:
        sys.exit(f"{failed} of {arguments.jobs} jobs failed")
    print(f"PASSED: {arguments.jobs} jobs")


main()
