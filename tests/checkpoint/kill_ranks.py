"""A training of two ranks under mpirun of which one, either, is killed with SIGKILL at a random moment.

Usage: kill_ranks.py --program killed_job --folder FOLDER [--kills N] [--seed N] [--mpirun MPIRUN] [--early]

Each time the job has to end by itself, not with 0, and leave no process behind; the folder has to restore, at
another replica count, to one complete generation without stepping past a damaged one, and never to an older
one than any rank was told is saved. The next job goes on from there. With --early checkpoints are renamed
before they are written: the control, which has to fail. The seed gives the same kills again, as far as the
clock does.
"""

import argparse
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time

START_S = 60.0  # on a busy machine
END_S = 30.0
RANKS = 2


class Failure(Exception):
    pass


def running(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def lines_of(log):
    try:
        with open(log) as lines:
            return lines.read()
    except FileNotFoundError:
        return ""


def numbers(pattern, text):
    return [int(number) for number in re.findall(pattern, text)]


def end(job, pids):
    """Whatever is left of it."""
    for pid in [pid for pid in pids if running(pid)] + ([job.pid] if job.poll() is None else []):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    job.wait()


def kill_one(arguments, chosen, last, longest_s):
    """The step that was found afterwards, and the rank that was killed."""
    replicas, culprit, after_s = chosen.randint(1, 2), chosen.randrange(RANKS), chosen.uniform(0, longest_s)
    checkpoints, log = (os.path.join(arguments.folder, name) for name in ("checkpoints", "log"))
    if os.path.exists(log):
        os.remove(log)
    command = [arguments.mpirun, "-n", str(RANKS), arguments.program, "train", checkpoints, str(replicas), log]
    with open(os.path.join(arguments.folder, "output"), "w+") as output:
        job = subprocess.Popen(command + (["early"] if arguments.early else []), stdin=subprocess.DEVNULL,
                               stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
        begin = time.monotonic()
        pids = {}
        try:
            while len(numbers(r"begins at (\d+)", lines_of(log))) < RANKS:
                if job.poll() is not None or time.monotonic() > begin + START_S:
                    raise Failure("the training did not begin")
                time.sleep(0.002)
            pids = {int(rank): int(pid) for rank, pid in re.findall(r"rank (\d) is process (\d+)", lines_of(log))}
            if set(numbers(r"begins at (\d+)", lines_of(log))) != {last}:
                raise Failure(f"the training did not begin at {last}")
            time.sleep(after_s)
            os.kill(pids[culprit], signal.SIGKILL)
            try:
                status = job.wait(timeout=END_S)
            except subprocess.TimeoutExpired:
                raise Failure(f"the job had not ended {END_S} s after the kill of rank {culprit}") from None
            if status == 0:
                raise Failure(f"the job ended with 0 after the kill of rank {culprit}")
            left = [pid for pid in pids.values() if running(pid)]
            if left:
                raise Failure(f"the job left processes {left}")
        except Failure as failure:
            output.seek(0)
            raise Failure(f"{failure}\n--- its output:\n{output.read()}\n--- its log:\n{lines_of(log)}") from None
        finally:
            end(job, pids.values())
    looked = subprocess.run([arguments.program, "look", checkpoints, str(1 + RANKS * replicas % 4)],
                            capture_output=True, text=True, timeout=START_S)
    said = max(numbers(r"saved (\d+)", lines_of(log)), default=last)
    found = re.fullmatch(r"found (\d+)\n", looked.stdout)
    if looked.returncode != 0 or found is None:
        raise Failure(f"after the kill of rank {culprit} there was {looked.stdout}{looked.stderr}")
    if int(found[1]) < said:
        raise Failure(f"after the kill of rank {culprit} there was {found[1]}, and {said} had been saved")
    return int(found[1]), culprit


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    parser.add_argument("--folder", required=True)
    parser.add_argument("--mpirun", default="mpirun")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--early", action="store_true")
    arguments = parser.parse_args()
    shutil.rmtree(arguments.folder, ignore_errors=True)
    os.makedirs(arguments.folder)
    chosen = random.Random(arguments.seed)
    last, longest_s, killed = 0, 0.15, [0] * RANKS
    for kill in range(arguments.kills):
        try:
            last, culprit = kill_one(arguments, chosen, last, longest_s)
        except Failure as failure:
            sys.exit(f"FAILED, kill {kill} of seed {arguments.seed}: {failure}")
        killed[culprit] += 1
        if last == 0:  # on a slow disk nothing is saved so soon
            longest_s = min(2 * longest_s, 5.0)
        if kill % 100 == 99:
            print(f"{kill + 1} kills, step {last}", flush=True)
    if last == 0 or 0 in killed:
        sys.exit(f"FAILED, seed {arguments.seed}: {killed} kills of the ranks, and training got to step {last}")
    print(f"PASSED: {arguments.kills} kills ({killed[0]} of rank 0, {killed[1]} of rank 1), step {last}")


main()
