"""Where the command's output goes: pipes, files, full disks, terminals; and what ends it early."""

import fcntl
import os
import pty
import resource
import signal
import struct
import subprocess
import termios
import time
import unittest

from support import *

DRAW = ["draw", "--dtype", "u32", "--seed", "1"]


class Pipes(CommandTest):
    def test_a_reader_that_has_seen_enough_ends_it_quietly(self):
        for format_ in ("raw", "text", "csv"):
            process = subprocess.Popen([COMMAND, *DRAW, "--count", "inf", "--format", format_],
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            self.assertEqual(len(process.stdout.read(100000)), 100000)
            process.stdout.close()
            self.assertEqual(process.wait(timeout=60), -signal.SIGPIPE)
            self.assertEqual(process.stderr.read(), b"")
            process.stderr.close()

    def test_the_shell_sees_nothing_of_it(self):
        shell = subprocess.run(["bash", "-c", '"$0" draw --seed 1 --count inf | head -n 3', COMMAND],
                               capture_output=True, timeout=60)
        self.assertEqual((shell.returncode, shell.stderr), (0, b""))
        self.assertEqual(len(shell.stdout.splitlines()), 3)
        shell = subprocess.run(["bash", "-c", '"$0" inspect --json "$1" | head -n 1', COMMAND, checkpoint("nested")],
                               capture_output=True, timeout=60)
        self.assertEqual((shell.stderr, shell.stdout), (b"", b"{\n"))

    def test_the_same_where_the_parent_ignores_the_signal(self):
        shell = subprocess.run(["bash", "-c", 'trap "" PIPE; "$0" draw --seed 1 --count inf | head -n 1', COMMAND],
                               capture_output=True, timeout=60)
        self.assertEqual(shell.stderr, b"")

    def test_a_fifo(self):
        os.mkfifo(self.path("fifo"))
        process = subprocess.Popen([COMMAND, *DRAW, "--count", "1000", "--output", self.path("fifo")])
        self.assertEqual(len(read(self.path("fifo")).split()), 1000)
        self.assertEqual(process.wait(timeout=60), OK)


@unittest.skipIf("COUNTERPOINT_SANITIZE" in os.environ, "a sanitizer takes more address space than any limit")
class Memory(CommandTest):
    def test_a_draw_beyond_the_memory_that_there_is(self):
        # 4 GiB within 256 MiB of address space, interleaved and not.
        def limit():
            resource.setrlimit(resource.RLIMIT_AS, (256 << 20, 256 << 20))
        for options in (["--count", str(1 << 30)], ["--count", str(1 << 20), "--replicas", "0:256", "--interleave"]):
            with open(os.devnull, "wb") as null:
                ended = subprocess.run([COMMAND, *DRAW, *options, "--format", "raw"], stdout=null,
                                       stderr=subprocess.PIPE, preexec_fn=limit, timeout=100)
            self.assertEqual((ended.returncode, ended.stderr), (OK, b""))

    def test_what_cannot_be_cut_says_that_it_does_not_fit(self):
        def limit():
            resource.setrlimit(resource.RLIMIT_AS, (256 << 20, 256 << 20))
        self.expect(OVER_LIMITS, "draw", "parameterized_truncated_normal", "--seed", "1", "--count", str(1 << 30),
                    preexec_fn=limit)


class Failures(CommandTest):
    def test_a_full_disk(self):
        for arguments in ([*DRAW, "--count", "10"], [*DRAW, "--count", "1000000", "--format", "raw"],
                          ["inspect", checkpoint("nested")], ["inspect", "--json", checkpoint("nested")],
                          ["verify", checkpoint("nested")], ["completion", "bash"], ["--help"], ["draw", "--help"],
                          ["diff", checkpoint("nested"), checkpoint("mirrored")]):
            with open("/dev/full", "wb") as full:
                ended = subprocess.run([COMMAND, *arguments], stdout=full, stderr=subprocess.PIPE, timeout=60)
            self.assertEqual(ended.returncode, UNWRITABLE, arguments)
            self.assertIn(b"standard output: ", ended.stderr)
        ended = self.expect(UNWRITABLE, *DRAW, "--count", "10", "--output", "/dev/full")
        self.assertIn(b"No space left on device", ended.stderr)

    def test_closed_descriptors(self):
        for close, status in ((">&-", UNWRITABLE), (">&- 2>&-", UNWRITABLE), ("<&-", OK), ("<&- 2>&-", OK)):
            for arguments in (DRAW, ["inspect", checkpoint("nested")], ["verify", checkpoint("nested")]):
                shell = subprocess.run(["bash", "-c", '"$0" "$@" ' + close, COMMAND, *arguments],
                                       capture_output=True, timeout=60)
                self.assertEqual(shell.returncode, status, (close, arguments))
        # The file that it opens first would else be its standard output.
        shell = subprocess.run(["bash", "-c", '"$0" draw --seed 1 --output "$1" >&-', COMMAND, self.path("file")],
                               capture_output=True, timeout=60)
        self.assertEqual((shell.returncode, shell.stderr), (OK, b""))
        self.assertEqual(len(read(self.path("file")).split()), 1)

    def test_files_that_cannot_be_written(self):
        for path in (self.path("absent/file"), self.folder, "/proc/file"):
            self.expect(UNWRITABLE, *DRAW, "--output", path)


class Files(CommandTest):
    def test_a_file_is_replaced_whole(self):
        path = self.write("numbers", b"what was there before, longer than what comes")
        os.chmod(path, 0o640)
        self.expect(OK, *DRAW, "--count", "2", "--output", path)
        self.assertEqual(read(path), self.output(*DRAW, "--count", "2"))
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o640)
        self.assertEqual(os.listdir(self.folder), ["numbers"])

    def test_a_link_stays_a_link(self):
        self.write("target", b"old")
        os.symlink("target", self.path("link"))
        self.expect(OK, *DRAW, "--output", self.path("link"))
        self.assertTrue(os.path.islink(self.path("link")))
        self.assertEqual(read(self.path("target")), self.output(*DRAW))

    def test_a_file_stays_as_it_was_when_the_draw_fails(self):
        def limit():
            resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        path = self.write("numbers", b"old")
        ended = self.expect(UNWRITABLE, *DRAW, "--count", "10000000", "--output", path, preexec_fn=limit)
        self.assertIn(b"File too large", ended.stderr)
        self.assertEqual(read(path), b"old")
        self.assertEqual(os.listdir(self.folder), ["numbers"])

    def test_interrupted_it_leaves_nothing(self):
        for signal_ in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            path = self.write("numbers", b"old")
            process = subprocess.Popen([COMMAND, *DRAW, "--count", "inf", "--output", path], stderr=subprocess.PIPE)
            while len(os.listdir(self.folder)) < 2:
                time.sleep(0.01)
            process.send_signal(signal_)
            self.assertEqual(process.wait(timeout=60), -signal_)
            self.assertEqual(process.stderr.read(), b"")
            process.stderr.close()
            self.assertEqual(os.listdir(self.folder), ["numbers"])
            self.assertEqual(read(path), b"old")


def on_a_terminal(arguments, stdout_too):
    """Exit status and what the terminal showed."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    process = subprocess.Popen([COMMAND, *arguments], stdin=slave, stderr=slave,
                               stdout=slave if stdout_too else subprocess.DEVNULL)
    os.close(slave)
    shown = b""
    while True:
        try:
            data = os.read(master, 65536)
        except OSError:
            break
        if not data:
            break
        shown += data
    os.close(master)
    return process.wait(timeout=60), shown


class Terminals(CommandTest):
    def test_raw_bytes_do_not_go_to_a_terminal(self):
        status, shown = on_a_terminal([*DRAW, "--format", "raw"], True)
        self.assertEqual(status, USAGE)
        self.assertIn(b"--output FILE", shown)

    def test_progress_of_a_long_draw_to_a_file(self):
        # Enough lines of text for some seconds of work; the limit of time is generous.
        status, shown = on_a_terminal(
            ["draw", "normal", "--seed", "1", "--dtype", "f64", "--count", "15000000", "--output", self.path("numbers")],
            False)
        self.assertEqual(status, OK)
        self.assertRegex(shown, rb"\r\[#+> *\] +\d+ %, [0-9.]+ ?[kMG]?/s, \d+ s left\x1b\[K")
        self.assertTrue(shown.endswith(b"\r\x1b[K"), shown[-80:])  # and nothing is left of it

    def test_no_progress_where_nobody_looks_or_numbers_are_shown(self):
        ended = self.expect(OK, "draw", "--seed", "1", "--count", "4000000", "--output", self.path("numbers"))
        self.assertEqual(ended.stderr, b"")
        status, shown = on_a_terminal(["draw", "--seed", "1", "--count", "3"], True)
        self.assertEqual(status, OK)
        self.assertEqual(len(shown.split()), 3)


main()
