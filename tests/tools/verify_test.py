"""verify: what it takes for whole, and what it finds in files that are not."""

import os
import shutil

import h5py
import numpy as np

from support import *


class Verify(CommandTest):
    def test_every_kept_checkpoint_is_whole(self):
        files = [os.path.join(CHECKPOINTS, name) for name in sorted(os.listdir(CHECKPOINTS)) if name.endswith(".h5")]
        said = self.output("verify", *files).decode().splitlines()
        self.assertGreaterEqual(len(files), 5)
        self.assertEqual(len(said), len(files))
        for file, line in zip(files, said):
            self.assertTrue(line.startswith(file + ": ok, "), line)

    def test_a_flipped_bit_is_found_and_the_rest_still_checked(self):
        data = bytearray(read(checkpoint("leaves")))
        data[-1] ^= 1
        damaged = self.write("damaged.h5", data)
        ended = self.expect(BAD_FILE, "verify", checkpoint("nested"), damaged, checkpoint("mirrored"))
        self.assertEqual(ended.stdout.count(b": ok, "), 2)
        self.assertIn(b"damaged.h5", ended.stderr)
        self.assertIn(b"SHA-256", ended.stderr)

    def test_another_version_says_what_to_do(self):
        path = self.path("later.h5")
        shutil.copy(checkpoint("mirrored"), path)
        with h5py.File(path, "r+") as file:
            file.attrs["stream_version"] = np.int64(2)
        seal(path)
        ended = self.expect(BAD_FILE, "verify", path)
        self.assertIn(b"stream version 2", ended.stderr)
        self.assertIn(b"CHANGELOG.md", ended.stderr)
        data = bytearray(read(checkpoint("mirrored")))
        data[8] = 9
        path = self.write("format.h5", data)
        seal(path)
        self.assertIn(b"format version 9", self.expect(BAD_FILE, "verify", path).stderr)

    def test_what_cannot_be_read_keeps_nothing_from_being_verified(self):
        empty = self.path("without")
        os.mkdir(empty)
        damaged = self.write("damaged.h5", b"")
        ended = self.expect(BAD_FILE, "verify", empty, damaged, checkpoint("mirrored"))
        self.assertIn(b"a folder without checkpoints", ended.stderr)
        self.assertIn(b"damaged.h5", ended.stderr)
        self.assertIn(b": ok, ", ended.stdout)
        self.expect(UNREADABLE, "verify", checkpoint("mirrored"), empty)

    def test_what_no_program_could_restore_is_found(self):
        def replace(group, name, value):
            del group[name]
            group[name] = value

        def first(file):
            found = []
            file.visititems(
                lambda _, item: found.append(item) if item.attrs.get("algorithm") == b"philox" else None)
            return found[0]

        words = self.changed("words.h5", lambda file: replace(first(file), "state", np.zeros(4, "<i8")))
        said = self.expect(BAD_FILE, "verify", words).stderr
        self.assertIn(b"a philox state has 3 words (counter, then key), not 4", said)  # as a restore says it

        def rename(file):
            first(file).attrs["algorithm"] = np.bytes_("mt19937")

        said = self.expect(BAD_FILE, "verify", self.changed("algorithm.h5", rename)).stderr
        self.assertIn(b"was saved by a mt19937 generator: no algorithm 'mt19937'", said)
        rows = self.changed("rows.h5", lambda file: first(file).create_dataset(
            "replica_states", data=np.zeros((2, 5), "<i8")))
        with h5py.File(rows, "r+") as file:
            first(file).attrs["values"] = np.bytes_("state/replica_states")
        seal(rows)
        said = self.expect(BAD_FILE, "verify", rows).stderr
        self.assertIn(b"holds i64 [2, 5] where states of replicas are i64 [replicas, 3]", said)

    def test_a_reuse_ledger_is_checked_as_a_restore_that_watches_does(self):
        def with_ledger(name, ranges, holders=((1, 77, 0),), calls=(), kind="reuse_ledger"):
            def add(file):
                ledger = file.create_group("reuse_ledger")
                for key, value in (("type", kind), ("attributes", "texts"), ("texts", "philox\na\n"),
                                   ("values", "holders/ranges/calls")):
                    ledger.attrs[key] = np.bytes_(value)
                for key, rows, columns in (("holders", holders, 3), ("ranges", ranges, 8), ("calls", calls, 5)):
                    ledger[key] = np.array(rows, "<u8").reshape(-1, columns)
                file.attrs["members"] = np.bytes_(file.attrs["members"] + b"/reuse_ledger")
            return self.changed(name, add)

        self.expect(OK, "verify", with_ledger("whole.h5", [(0, 0, 3, 1, 0, 9, 0, 1)], calls=[(1, 1, 0, 9, 0)]))
        for name, ranges, calls, why in (
                ("holder", [(0, 7, 3, 1, 0, 9, 0, 0)], [], b"too few rows"),
                ("ends", [(0, 0, 3, 9, 0, 1, 0, 0)], [], b"a range that ends before it begins"),
                ("overlap", [(0, 0, 3, 1, 0, 9, 0, 0), (0, 0, 3, 9, 0, 12, 0, 0)], [], b"ranges that overlap"),
                ("calls", [(0, 0, 3, 1, 0, 9, 0, 2**64 - 1)], [], b"too few rows")):
            said = self.expect(BAD_FILE, "verify", with_ledger(name + ".h5", ranges, calls=calls)).stderr
            self.assertIn(b"object 'reuse_ledger' holds a reuse ledger with " + why, said)
        # What is none is no restore's business either.
        self.expect(OK, "verify", with_ledger("another.h5", [(0, 7, 3, 1, 0, 9, 0, 0)], kind="of_a_user"))

    def test_only_regular_files_are_read(self):
        link, fifo = self.path("link.h5"), self.path("fifo.h5")
        os.symlink(checkpoint("mirrored"), link)
        os.mkfifo(fifo)
        for path, what in ((link, b"a symbolic link to"), (fifo, b"a FIFO"), ("/dev/null", b"a device")):
            said = self.expect(BAD_FILE, "verify", path).stderr
            self.assertIn(what, said)
            self.assertIn(b"give the path of a checkpoint itself", said)


main()
