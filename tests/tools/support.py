"""What the tests of the command share.

Each is run as: <test>.py <counterpoint> <folder of known answers> <scratch folder> <source folder>
"""

import os
import shutil
import subprocess
import sys
import unittest

OK, DIFFERENT, USAGE, UNREADABLE, OVER_LIMITS, BAD_FILE, UNWRITABLE, FAILED = range(8)

COMMAND, GOLDEN, SCRATCH, SOURCE = sys.argv[1:5]
CHECKPOINTS = os.path.join(GOLDEN, "checkpoints_v1")


def read(path):
    with open(path, "rb") as file:
        return file.read()


def checkpoint(name):
    return os.path.join(CHECKPOINTS, name + ".h5")


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
