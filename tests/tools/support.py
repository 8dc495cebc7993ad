"""What the tests of the command share.

Each is run as: <test>.py <counterpoint> <folder of known answers> <scratch folder> <source folder>
"""

import hashlib
import os
import shutil
import struct
import subprocess
import sys
import unittest

import h5py

OK, DIFFERENT, USAGE, UNREADABLE, OVER_LIMITS, BAD_FILE, UNWRITABLE, FAILED = range(8)

COMMAND, GOLDEN, SCRATCH, SOURCE = sys.argv[1:5]
CHECKPOINTS = os.path.join(GOLDEN, "checkpoints_v1")


def read(path):
    with open(path, "rb") as file:
        return file.read()


def checkpoint(name):
    return os.path.join(CHECKPOINTS, name + ".h5")


def seal(path):
    """Puts the digest right after something in the file was changed."""
    data = bytearray(read(path))
    struct.pack_into("<Q", data, 16, len(data))
    data[24:56] = bytes(32)
    leaves = [hashlib.sha256(data[i:i + 2**20]).digest() for i in range(512, len(data), 2**20)]
    data[24:56] = hashlib.sha256(bytes(data[:512]) + b"".join(leaves)).digest()
    with open(path, "wb") as file:
        file.write(data)


class CommandTest(unittest.TestCase):
    def setUp(self):
        self.folder = os.path.join(SCRATCH, self.id())
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.folder)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, data):
        with open(self.path(name), "wb") as file:
            file.write(data)
        return self.path(name)

    def changed(self, name, change, of="mirrored"):
        """A checkpoint in which `change` has changed something, whole all the same."""
        path = self.path(name)
        shutil.copy(checkpoint(of), path)
        with h5py.File(path, "r+") as file:
            change(file)
        seal(path)
        return path

    def run_command(self, *arguments, **options):
        return subprocess.run([COMMAND, *arguments], capture_output=True, timeout=60, **options)

    def expect(self, status, *arguments, **options):
        """Runs the command; a failure says why on stderr in one line or more, a success nothing."""
        ended = self.run_command(*arguments, **options)
        self.assertEqual(ended.returncode, status, (arguments, ended.stdout[-500:], ended.stderr[-2000:]))
        if status in (OK, DIFFERENT):
            self.assertEqual(ended.stderr, b"", arguments)
        else:
            self.assertNotEqual(ended.stderr, b"", arguments)
            self.assertNotIn(b"terminate called", ended.stderr, arguments)
            self.assertNotIn(b"HDF5-DIAG", ended.stderr, arguments)
            self.assertNotIn(b"\x1b", ended.stderr, arguments)
        return ended

    def output(self, *arguments, **options):
        return self.expect(OK, *arguments, **options).stdout


def main():
    os.makedirs(SCRATCH, exist_ok=True)
    program = unittest.main(argv=sys.argv[:1], exit=False)
    assert program.result.testsRun > 0
    sys.exit(not program.result.wasSuccessful())
