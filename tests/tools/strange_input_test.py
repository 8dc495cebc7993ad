"""Files and arguments that nobody should give: a clear error, never a crash, a hang or a wrong answer."""

import ctypes
import os
import socket
import subprocess

from support import *


def without_power_over_files():
    """A root that may read what anybody may not loses that power, in a child before it becomes the command."""
    for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
        ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP


class StrangeFiles(CommandTest):
    def strange(self):
        os.mkfifo(self.path("fifo"))
        listener = socket.socket(socket.AF_UNIX)
        self.addCleanup(listener.close)
        folder = os.open(self.folder, os.O_RDONLY)
        self.addCleanup(os.close, folder)
        listener.bind("/proc/self/fd/%d/socket" % folder)  # a path of a socket has 107 bytes at most
        os.symlink("loop", self.path("loop"))
        os.symlink(checkpoint("nested"), self.path("link"))
        whole = read(checkpoint("mirrored"))
        with open(os.path.join(os.fsencode(self.folder), b"\xff\x1b[2Jname"), "wb") as file:
            file.write(whole[:600])
        sparse = self.path("sparse")
        with open(sparse, "wb") as file:
            file.truncate(1 << 41)
        return {
            self.write("empty", b""): BAD_FILE,
            self.write("one", b"\x89"): BAD_FILE,
            self.write("header", whole[:512]): BAD_FILE,
            self.write("half", whole[:len(whole) // 2]): BAD_FILE,
            self.write("longer", whole + b"\0"): BAD_FILE,
            self.write("text", b"hello, world\n" * 100): BAD_FILE,
            self.write("hdf5", whole[512:]): BAD_FILE,
            self.path("absent"): UNREADABLE,
            self.path("empty/below"): UNREADABLE,
            self.path("loop"): None,
            self.path("link"): None,
            self.path("fifo"): BAD_FILE,
            self.path("socket"): None,
            "/dev/zero": BAD_FILE,
            "/dev/null": BAD_FILE,
            "/dev/tty": None,
            os.path.join(os.fsencode(self.folder), b"\xff\x1b[2Jname"): BAD_FILE,
            sparse: None,
            "x" * 5000: None,
            "": None,
        }

    def test_none_is_taken_for_a_checkpoint(self):
        for path, status in self.strange().items():
            for arguments in (["inspect", path], ["inspect", "--json", path], ["verify", path],
                              ["diff", path, checkpoint("mirrored")], ["diff", checkpoint("mirrored"), path],
                              ["draw", "--checkpoint", path]):
                ended = self.run_command(*arguments, stdin=subprocess.DEVNULL)
                if status is None:
                    # What exactly is not promised: it is refused, and not as an internal fault.
                    self.assertIn(ended.returncode, (USAGE, UNREADABLE, OVER_LIMITS, BAD_FILE), (arguments, ended))
                else:
                    self.assertEqual(ended.returncode, status, (arguments, ended))
                self.assertEqual(ended.stdout, b"", arguments)
                self.assertNotIn(b"\x1b", ended.stderr)
                self.assertNotIn(b"\xff", ended.stderr)
                self.assertGreater(len(ended.stderr), 10, arguments)

    def test_folders(self):
        self.expect(UNREADABLE, "inspect", self.folder)  # no checkpoint in it
        self.expect(UNREADABLE, "draw", "--checkpoint", self.folder)
        self.expect(UNREADABLE, "verify", self.folder)


    def test_files_that_may_not_be_read(self):
        private = self.path("private")
        os.mkdir(private)
        path, within = self.write("a.h5", read(checkpoint("mirrored"))), self.write("private/b.h5", b"")
        self.write("private/checkpoint-00000001.h5", b"")
        os.chmod(path, 0)
        os.chmod(private, 0)
        self.addCleanup(os.chmod, private, 0o700)
        for arguments in (["inspect", path], ["inspect", within], ["inspect", private], ["verify", path],
                          ["verify", within], ["verify", private], ["diff", path, checkpoint("mirrored")],
                          ["diff", checkpoint("mirrored"), path], ["draw", "--checkpoint", path],
                          ["draw", "--checkpoint", private]):
            ended = self.expect(UNREADABLE, *arguments, preexec_fn=without_power_over_files)
            self.assertIn(b": Permission denied", ended.stderr, arguments)
            self.assertEqual(ended.stderr.count(b"\n"), 1)


class StrangeArguments(CommandTest):
    def test_each_is_named(self):
        cases = [
            ([], b""),
            (["frobnicate"], b"frobnicate"),
            (["\x1b[31m"], b"\\x1b[31m"),
            (["draw", "--seed", "1", "--\x1b[31m"], b"\\x1b[31m"),
            (["inspect"], b"FILE"),
            (["inspect", checkpoint("nested"), "--jsn"], b"--jsn"),
            (["inspect", checkpoint("nested"), "--memory-mib", "0"], b"--memory-mib"),
            (["inspect", checkpoint("nested"), "--seconds", "-1"], b"--seconds"),
            (["completion", "tcsh"], b"tcsh"),
            (["draw"], b"--seed"),
            (["draw", "--seed", "1", "--state", "1,0,0"], b""),
            (["draw", "gaussian", "--seed", "1"], b"gaussian"),
            (["draw", "--seed", "x"], b"x"),
            (["draw", "--seed", ""], b""),
            (["draw", "--seed", "1.5"], b"1.5"),
            (["draw", "--seed", "1,x"], b"'x'"),
            (["draw", "--state", "1,2"], b"3"),
            (["draw", "--state", "1,2,3", "--algorithm", "threefry"], b"2"),
            (["draw", "--state", "1,2,99999999999999999999"], b"99999999999999999999"),
            (["draw", "--stateless-seed", "1"], b""),
            (["draw", "--stateless-seed", "1,2", "--replica", "3"], b"replica"),
            (["draw", "--stateless-seed", "1,2", "--skip", "3"], b"skip"),
            (["draw", "--seed", "1", "--count", "-1"], b"-1"),
            (["draw", "--seed", "1", "--count", "1.5e3"], b"1.5e3"),
            (["draw", "--seed", "1", "--count", "1e"], b"1e"),
            (["draw", "--seed", "1", "--count", "1e-3"], b"1e-3"),
            (["draw", "--seed", "1", "--count", "1e19"], b"1e19"),
            (["draw", "--seed", "1", "--count", "9000000000G"], b"9000000000G"),
            (["draw", "--seed", "1", "--count", "1T"], b"1T"),
            (["draw", "--seed", "1", "--count", "99999999999999999999"], b"99999999999999999999"),
            (["draw", "--seed", "1", "--count", "9223372036854775807"], b"9223372036854775807"),
            (["draw", "--seed", "1", "--count", ""], b"--count"),
            (["draw", "--seed", "1", "--shape", "-2,3"], b"-2"),
            (["draw", "--seed", "1", "--shape", "4294967296,4294967296,4294967296"], b"4294967296"),
            (["draw", "--seed", "1", "--shape", "2,,3"], b"--shape"),
            (["draw", "--seed", "1", "--shape", "2", "--count", "2"], b"--count"),
            (["draw", "--seed", "1", "--replica", "-1"], b"-1"),
            (["draw", "--seed", "1", "--replicas", "8:0"], b"8:0"),
            (["draw", "--seed", "1", "--replicas", "0:8", "--count", "inf"], b"--interleave"),
            (["draw", "--seed", "1", "--skip", "x"], b"--skip"),
            (["draw", "--seed", "1", "--dtype", "f128"], b"f128"),
            (["draw", "--seed", "1", "--format", "xml"], b"xml"),
            (["draw", "--seed", "1", "--algorithm", "xorshift"], b"xorshift"),
            (["draw", "normal", "--seed", "1", "--dtype", "i32"], b"i32"),
            (["draw", "uniform_full_int", "--seed", "1", "--dtype", "f32"], b"f32"),
            (["draw", "uniform", "--seed", "1", "--dtype", "i32"], b"--minval"),
            (["draw", "uniform", "--seed", "1", "--dtype", "i32", "--minval", "3", "--maxval", "3"], b"minval"),
            (["draw", "uniform", "--seed", "1", "--dtype", "i32", "--minval", "0.5", "--maxval", "3"], b"0.5"),
            (["draw", "uniform", "--seed", "1", "--dtype", "u32", "--minval", "-1", "--maxval", "3"], b"-1"),
            (["draw", "uniform", "--seed", "1", "--mean", "0"], b"--mean"),
            (["draw", "normal", "--seed", "1", "--mean", "zero"], b"zero"),
            (["draw", "normal", "--seed", "1", "--mean", "1e999"], b"1e999"),
            (["draw", "normal", "--seed", "1", "--mean", ""], b"--mean"),
            (["draw", "binomial", "--seed", "1", "--counts", "3"], b"--probs"),
            (["draw", "binomial", "--seed", "1", "--counts", "3", "--probs", "nan"], b"nan"),
            (["draw", "binomial", "--seed", "1", "--counts", "nan", "--probs", "0.5"], b"nan"),
            (["draw", "binomial", "--seed", "1", "--counts", "3", "--probs", "1.5"], b"1.5"),
            (["draw", "binomial", "--seed", "1", "--counts", "3", "--probs", "0.5", "--algorithm", "threefry"], b"threefry"),
            (["draw", "gamma", "--seed", "1", "--alpha", "0"], b"alpha"),
            (["draw", "gamma", "--seed", "1", "--alpha", "nan"], b"nan"),
            (["draw", "gamma", "--seed", "1", "--alpha", "1", "--algorithm", "threefry"], b"threefry"),
            (["draw", "poisson", "--seed", "1", "--lam", "nan"], b"nan"),
            (["draw", "poisson", "--seed", "1"], b"--lam"),
            (["draw", "categorical", "--seed", "1"], b"--logits"),
            (["draw", "categorical", "--seed", "1", "--logits", "1,,2"], b"--logits"),
            (["draw", "parameterized_truncated_normal", "--seed", "1", "--minval", "3", "--maxval", "2"], b"minval"),
            (["draw", "parameterized_truncated_normal", "--seed", "1", "--count", "inf"], b"--count"),
        ]
        for arguments, word in cases:
            ended = self.expect(USAGE, *arguments)
            self.assertIn(word, ended.stderr, arguments)
            self.assertEqual(ended.stdout, b"", arguments)

    def test_what_looks_strange_and_is_fine(self):
        for arguments, lines in (
                (["draw", "--seed", "1", "--count", "0"], 0),
                (["draw", "--seed", "1", "--shape", "[]"], 1),
                (["draw", "--seed", "1", "--shape", "3,0"], 0),
                (["draw", "--seed", "1", "--shape", "1,1,1,1,1,1,1,2"], 2),
                (["draw", "--seed", "1", "--replica", "9223372036854775806"], 1),
                (["draw", "--seed", "1" + "0" * 300], 1),
                (["draw", "--seed", "1", "--skip", "-5"], 1),
                (["draw", "normal", "--seed", "1", "--mean=-inf"], 1),
                (["draw", "normal", "--seed", "1", "--mean", "nan", "--count", "2"], 2),
                (["draw", "uniform", "--seed", "1", "--dtype", "u64", "--minval", "18446744073709551614", "--maxval",
                  "18446744073709551615"], 1),
                (["draw", "poisson", "--seed", "1", "--lam", "inf", "--dtype", "f32"], 1),
        ):
            self.assertEqual(len(self.output(*arguments).splitlines()), lines, arguments)
        self.assertEqual(self.output("draw", "normal", "--seed", "1", "--mean", "nan", "--count", "2"), b"nan\nnan\n")
        self.assertEqual(self.output("draw", "normal", "--seed", "1", "--mean=-inf"), b"-inf\n")

    def test_a_name_of_no_utf8(self):
        ended = self.expect(UNREADABLE, "verify", b"/absent/\xff\xfe\x1b[31m")
        self.assertIn(b"\\xff\\xfe\\x1b[31m", ended.stderr)


main()
