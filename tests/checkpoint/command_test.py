"""The `counterpoint` command: what it prints, its exit status, and files that it must not trust.

Usage: command_test.py <counterpoint> <read_back program> <folder>
"""

import json
import os
import subprocess
import sys


def main():
    command, writer, folder = sys.argv[1:]
    os.makedirs(folder, exist_ok=True)
    good = os.path.join(folder, "good.h5")
    subprocess.run([writer, "write", good], check=True)

    def run(*arguments):
        return subprocess.run([command, *arguments], capture_output=True, text=True)

    shown = run("inspect", good)
    assert shown.returncode == 0 and shown.stderr == "", shown
    for words in ("noise", "generator", "algorithm philox", "[10,0,-7]", "f32 [2, 3]", "stream_version 1"):
        assert words in shown.stdout, (words, shown.stdout)

    with open(os.path.join(folder, "table.txt"), "w") as table:
        subprocess.run([command, "inspect", good], check=True, stdout=table)
    assert os.path.getsize(table.name) > 100, "a table into a file"

    parsed = json.loads(run("inspect", "--json", good).stdout)
    assert parsed["bytes"] == os.path.getsize(good)
    assert parsed["objects"]["noise"]["attributes"]["algorithm"] == "philox"
    assert parsed["objects"]["noise"]["values"]["state"] == {
        "dtype": "i64", "shape": [3], "elements": [10, 0, -7]}
    assert parsed["objects"]["weights"]["values"]["value"]["shape"] == [2, 3]

    data = open(good, "rb").read()
    damaged = os.path.join(folder, "damaged.h5")
    with open(damaged, "wb") as file:
        file.write(data[:-1] + bytes([data[-1] ^ 1]))
    verified = run("verify", good, damaged, good)
    assert verified.returncode == 1, verified
    assert verified.stdout.count("ok, ") == 2, verified
    assert "damaged.h5" in verified.stderr and "SHA-256" in verified.stderr, verified
    assert run("verify", good).returncode == 0
    assert run("verify", os.path.join(folder, "absent.h5")).returncode == 3
    assert run("verify", "/dev/zero").returncode == 1

    # A file of 1 GiB under a limit of 64 MiB.
    large = os.path.join(folder, "large.h5")
    with open(large, "wb") as file:
        file.truncate(1 << 30)
    limited = run("verify", "--memory-mib", "64", large)
    assert limited.returncode == 4, limited
    os.remove(large)

    # A terminal's escape sequence in a name on the command line.
    odd = os.path.join(folder, "odd\x1b[31m.h5")
    with open(odd, "wb") as file:
        file.write(data[:700])
    refused = run("verify", odd)
    assert refused.returncode == 1 and "\x1b" not in refused.stderr, refused

    assert run().returncode == 2
    assert run("inspect").returncode == 2
    assert run("frobnicate").returncode == 2
    for arguments in (["--help"], ["inspect", "--help"], ["verify", "--help"]):
        helped = run(*arguments)
        assert helped.returncode == 0 and "counterpoint" in helped.stdout, helped
    assert "Example:" in run("verify", "--help").stdout
    print("command")


main()
