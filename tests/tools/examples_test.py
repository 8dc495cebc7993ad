"""Every example of --help and of docs/command.md runs; what docs/command.md says is what the command knows."""

import os
import re
import shutil
import subprocess

from support import *

DOCUMENT = read(os.path.join(SOURCE, "docs/command.md")).decode()
COMMANDS = ("inspect", "verify", "diff", "draw", "completion")


def help_of(*command):
    return subprocess.run([COMMAND, *command, "--help"], capture_output=True, text=True, check=True).stdout


class Examples(CommandTest):
    def setUp(self):
        super().setUp()
        os.mkdir(self.path("run"))
        shutil.copy(checkpoint("mirrored"), self.path("run/checkpoint-00000017.h5"))
        shutil.copy(checkpoint("generators"), self.path("run/checkpoint-00000018.h5"))
        os.mkdir(self.path("bin"))
        os.symlink(os.path.abspath(COMMAND), self.path("bin/counterpoint"))

    def run_example(self, line):
        # Without pipefail: what `head` ends early is fine.
        ended = subprocess.run(["bash", "-c", line], cwd=self.folder, capture_output=True, timeout=60,
                               env={**os.environ, "PATH": self.path("bin") + ":" + os.environ["PATH"]})
        status = DIFFERENT if line.startswith("counterpoint diff") else OK
        self.assertEqual((ended.returncode, ended.stderr), (status, b""), line)
        self.assertTrue(ended.stdout or "--output" in line or "source" in line, line)

    def test_of_help(self):
        for command in COMMANDS:
            (line,) = re.findall(r"^Example: (.*)$", help_of(command), re.M)
            self.run_example(line)

    def test_of_the_document(self):
        lines = re.findall(r"^    (counterpoint .*)$", DOCUMENT, re.M)
        self.assertGreater(len(lines), 8)
        for line in lines:
            self.run_example(line)
        self.assertEqual(os.path.getsize(self.path("noise.bin")), 8000)
        used = {command for line in lines for command in re.findall(r"counterpoint (\w+)", line)}
        self.assertEqual(used, {"inspect", "verify", "diff", "draw"})

    def test_the_document_knows_every_option_and_status(self):
        for command in COMMANDS:
            self.assertIn("`" + command, DOCUMENT)
            for option in re.findall(r"(?:^ +|,)(--[a-z-]+)", help_of(command), re.M):
                if option != "--help":
                    self.assertTrue(re.search(re.escape(option) + r"(?![a-z-])", DOCUMENT), (command, option))
        statuses = re.findall(r"^\| (\d) \|", DOCUMENT, re.M)
        self.assertEqual(statuses, re.findall(r"(\d) [a-z]", help_of().split("Exit status:")[1]))
        self.assertEqual(len(statuses), 8)

    def test_versions(self):
        self.assertRegex(self.output("--version"), rb"^counterpoint \d+\.\d+\.\d+\ncheckpoint format 1\nstreams 1\n$")


main()
