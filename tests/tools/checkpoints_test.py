"""inspect, verify and diff: what they say about checkpoints, and their exit status."""

import hashlib
import json
import os
import shutil
import struct
import subprocess

import h5py
import numpy as np

from support import *


def seal(path):
    """Puts the digest right after something in the file was changed."""
    data = bytearray(read(path))
    struct.pack_into("<Q", data, 16, len(data))
    data[24:56] = bytes(32)
    leaves = [hashlib.sha256(data[i:i + 2**20]).digest() for i in range(512, len(data), 2**20)]
    data[24:56] = hashlib.sha256(bytes(data[:512]) + b"".join(leaves)).digest()
    with open(path, "wb") as file:
        file.write(data)


class Inspect(CommandTest):
    def test_table(self):
        table = self.output("inspect", checkpoint("mirrored")).decode()
        lines = table.splitlines()
        self.assertIn("%d bytes, format_version 1, stream_version 1" % os.path.getsize(checkpoint("mirrored")), lines[0])
        rows = {line.split()[0]: line.split(None, 1)[1] for line in lines[3:]}
        self.assertEqual(rows["noise"].split(None, 1)[1], "algorithm philox, replicas 4")
        self.assertIn("[1537, 0, 0]", rows["noise/state"])
        self.assertIn("[0.5, -1.25, 3, 0.001, -0, 65536]", rows["weights/value"])
        self.assertEqual(rows["step/value"].split(), ["i64", "[]", "41"])

    def test_json_holds_what_was_saved(self):
        expected = json.loads(read(os.path.join(CHECKPOINTS, "expected.json")))
        compared = 0

        def compare(shown, wanted):
            nonlocal compared
            self.assertEqual(shown["type"], wanted["type"])
            self.assertEqual(shown["attributes"], wanted["attributes"])
            self.assertEqual(shown["values"].keys(), wanted["values"].keys())
            for key, value in wanted["values"].items():
                self.assertEqual((shown["values"][key]["dtype"], shown["values"][key]["shape"]),
                                 (value["dtype"], value["shape"]))
                elements = shown["values"][key].get("elements")
                if value["dtype"] in ("i32", "i64", "u32", "u64") and elements is not None:
                    self.assertEqual(elements, value["elements"])
                    compared += 1
                if value["dtype"] in ("f32", "f64"):
                    bits = np.array([int(x, 16) for x in value["elements"]],
                                    dtype="u4" if value["dtype"] == "f32" else "u8")
                    wanted_floats = bits.view("f4" if value["dtype"] == "f32" else "f8")
                    np.testing.assert_array_equal(np.array([float(x) for x in elements], wanted_floats.dtype),
                                                  wanted_floats)
                    compared += 1
            self.assertEqual(shown["members"].keys(), wanted["members"].keys())
            for key, member in wanted["members"].items():
                compare(shown["members"][key], member)

        for name, file in expected.items():
            shown = json.loads(self.output("inspect", "--json", os.path.join(CHECKPOINTS, name)))
            self.assertEqual(shown["bytes"], file["bytes"])
            self.assertEqual(shown["attributes"], {"format_version": 1, "stream_version": 1})
            self.assertEqual(shown["objects"].keys(), file["objects"].keys())
            for key, wanted in file["objects"].items():
                compare(shown["objects"][key], wanted)
        self.assertGreater(compared, 20)

    def test_into_a_file(self):
        with open(self.path("table.txt"), "wb") as table:
            ended = subprocess.run([COMMAND, "inspect", checkpoint("nested")], stdout=table, timeout=60)
        self.assertEqual(ended.returncode, OK)
        self.assertGreater(os.path.getsize(self.path("table.txt")), 100)

    def test_a_name_that_steers_terminals_is_shown_escaped(self):
        path = self.path("odd.h5")
        shutil.copy(checkpoint("mirrored"), path)
        with h5py.File(path, "r+") as file:
            file.move("noise", b"nois\xff")
            file.attrs["members"] = np.bytes_(b"dropout/nois\xff/step/turns/weights")
        seal(path)
        self.assertIn(b"nois\\xff/state", self.output("inspect", path))
        self.assertIn("nois\\xff", json.loads(self.output("inspect", "--json", path))["objects"])
        with h5py.File(path, "r+") as file:
            file.move(b"nois\xff", "noi\u202es")
            file.attrs["members"] = np.bytes_("dropout/noi\u202es/step/turns/weights".encode())
        seal(path)
        self.assertIn(b"noi\\u{202e}s/state", self.output("inspect", path))

    def test_long_texts_are_cut_in_the_table_only(self):
        path = self.path("long.h5")
        shutil.copy(checkpoint("mirrored"), path)
        text = "\u03b1" * 1000
        with h5py.File(path, "r+") as file:
            file["noise"].attrs["attributes"] = np.bytes_("algorithm/replicas/note")
            file["noise"].attrs["note"] = np.bytes_(text.encode())
        seal(path)
        self.assertIn(" note " + "\u03b1" * 64 + "... (2000 bytes)", self.output("inspect", path).decode())
        shown = json.loads(self.output("inspect", "--json", path))
        self.assertEqual(shown["objects"]["noise"]["attributes"]["note"], text)


class Latest(CommandTest):
    def test_of_a_folder_is_inspected_and_drawn_from(self):
        for name in ("checkpoint-00000002.h5", "checkpoint-00000010.h5"):
            shutil.copy(checkpoint("mirrored"), self.path(name))
        said = self.output("inspect", self.folder)
        self.assertIn(b"checkpoint-00000010.h5", said)
        self.write("checkpoint-00000002.h5", b"")  # an older one is not looked at
        objects = json.loads(self.output("inspect", "--json", self.folder))["objects"]
        name = next(name for name, item in sorted(objects.items()) if item["type"] == "generator")
        arguments = ["--object", name, "--count", "3"]
        file = self.path("checkpoint-00000010.h5")
        self.assertEqual(self.output("draw", "--checkpoint", self.folder, *arguments),
                         self.output("draw", "--checkpoint", file, *arguments))
        empty = self.path("empty")
        os.mkdir(empty)
        for command in (("inspect", empty), ("draw", "--checkpoint", empty)):
            self.assertIn(b"a folder without checkpoints", self.expect(UNREADABLE, *command).stderr)


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

    def test_a_folder_is_its_checkpoints(self):
        names = ["checkpoint-00000002.h5", "checkpoint-99999999.h5", "checkpoint-100000000.h5"]
        for name in names:
            shutil.copy(checkpoint("mirrored"), self.path(name))
        for other in ("notes.txt", ".checkpoint-00000011.h5.tmp", "checkpoint-.h5", "checkpoint-x1.h5"):
            self.write(other, b"not one")
        said = self.output("verify", self.folder).decode().splitlines()
        self.assertEqual([os.path.basename(line.split(":")[0]) for line in said], names)
        self.write(names[1], b"")
        ended = self.expect(BAD_FILE, "verify", self.folder)
        self.assertEqual(ended.stdout.count(b": ok, "), 2)

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
        def changed(name, change, of="mirrored"):
            path = self.path(name + ".h5")
            shutil.copy(checkpoint(of), path)
            with h5py.File(path, "r+") as file:
                change(file)
            seal(path)
            return path

        def replace(group, name, value):
            del group[name]
            group[name] = value

        def first(file):
            found = []
            file.visititems(
                lambda _, item: found.append(item) if item.attrs.get("algorithm") == b"philox" else None)
            return found[0]

        words = changed("words", lambda file: replace(first(file), "state", np.zeros(4, "<i8")))
        said = self.expect(BAD_FILE, "verify", words).stderr
        self.assertIn(b"a philox state has 3 words (counter, then key), not 4", said)  # as a restore says it

        def rename(file):
            first(file).attrs["algorithm"] = np.bytes_("mt19937")

        said = self.expect(BAD_FILE, "verify", changed("algorithm", rename)).stderr
        self.assertIn(b"was saved by a mt19937 generator: no algorithm 'mt19937'", said)
        rows = changed("rows", lambda file: first(file).create_dataset(
            "replica_states", data=np.zeros((2, 5), "<i8")))
        with h5py.File(rows, "r+") as file:
            first(file).attrs["values"] = np.bytes_("state/replica_states")
        seal(rows)
        said = self.expect(BAD_FILE, "verify", rows).stderr
        self.assertIn(b"holds i64 [2, 5] where states of replicas are i64 [replicas, 3]", said)

    def test_only_regular_files_are_read(self):
        link, fifo = self.path("link.h5"), self.path("fifo.h5")
        os.symlink(checkpoint("mirrored"), link)
        os.mkfifo(fifo)
        for path, what in ((link, b"a symbolic link to"), (fifo, b"a FIFO"), ("/dev/null", b"a device")):
            said = self.expect(BAD_FILE, "verify", path).stderr
            self.assertIn(what, said)
            self.assertIn(b"give the path of a checkpoint itself", said)

    def test_a_limit_that_is_exceeded_says_which_option_raises_it(self):
        large = self.path("large.h5")
        with open(large, "wb") as file:
            file.truncate(64 << 20)
        said = self.expect(OVER_LIMITS, "verify", "--memory-mib", "32", large).stderr
        self.assertIn(b"raise the limit if you trust the file (--memory-mib)", said)

    def test_limits(self):
        large = self.path("large.h5")
        with open(large, "wb") as file:
            file.truncate(1 << 30)
        self.expect(OVER_LIMITS, "verify", "--memory-mib", "64", large)
        if "COUNTERPOINT_SANITIZE" in os.environ:
            return  # which takes more address space than any limit
        # Too little even for libhdf5, which is no damage.
        self.expect(OVER_LIMITS, "verify", "--memory-mib", "1", checkpoint("mirrored"))
        for mebibytes in range(2, 9):
            ended = self.run_command("verify", "--memory-mib", str(mebibytes), checkpoint("mirrored"))
            self.assertIn(ended.returncode, (OK, OVER_LIMITS), ended.stderr)
        # Reading takes about twice the file, whatever the number of cores.
        with h5py.File(large, "w", userblock_size=512) as file:
            for key, value in (("type", "checkpoint"), ("members", "w"), ("attributes", "format_version/stream_version")):
                file.attrs[key] = np.bytes_(value)
            file.attrs["format_version"] = file.attrs["stream_version"] = np.int64(1)
            group = file.create_group("w")
            group.attrs["type"], group.attrs["values"] = np.bytes_("tensor"), np.bytes_("value")
            group["value"] = np.zeros(64 << 18, "<f4")
        header = struct.pack("<8sIIQ", b"\x89CPT\r\n\x1a\n", 1, 2**20, os.path.getsize(large)).ljust(512, b"\0")
        with open(large, "r+b") as file:
            file.write(header)
        seal(large)
        self.expect(OVER_LIMITS, "verify", "--memory-mib", "120", large)
        self.expect(OK, "verify", "--memory-mib", "170", large)
        self.expect(OVER_LIMITS, "diff", "--memory-mib", "170", large, large)
        self.expect(OK, "diff", "--memory-mib", "300", large, large)


class Diff(CommandTest):
    def changed(self, name, change):
        path = self.path(name)
        shutil.copy(checkpoint("mirrored"), path)
        with h5py.File(path, "r+") as file:
            change(file)
        seal(path)
        return path

    def difference(self, path, *options):
        return self.expect(DIFFERENT, "diff", *options, checkpoint("mirrored"), path).stdout.decode()

    def test_the_same_says_nothing(self):
        self.assertEqual(self.output("diff", checkpoint("mirrored"), checkpoint("mirrored")), b"")
        # NaNs are the same where their bits are.
        self.assertEqual(self.output("diff", checkpoint("element_types"), checkpoint("element_types")), b"")
        shown = json.loads(self.output("diff", "--json", checkpoint("nested"), checkpoint("nested")))
        self.assertEqual(shown, {"equal": True, "differences": []})

    def test_the_first_element_that_differs(self):
        def change(file):
            file["weights/value"][1, 1] = -7
            file["weights/value"][1, 2] = 8
        path = self.changed("b.h5", change)
        said = self.difference(path)
        self.assertEqual(said, "weights/value: element [1, 1]: -0 in %s, -7 in %s (2 of 6 elements differ)\n"
                         % (checkpoint("mirrored"), path))
        (entry,) = json.loads(self.difference(path, "--json"))["differences"]
        self.assertEqual(entry, {"where": "weights/value", "what": "element", "position": [1, 1], "a": -0.0,
                                 "b": -7.0, "differing": 2, "elements": 6})

    def test_zeros_of_other_signs_and_nans_of_other_bits_differ(self):
        path = self.changed("b.h5", lambda file: file["weights/value"].__setitem__((1, 1), 0.0))
        self.assertIn("-0 in", self.difference(path))
        def nan(bits):
            return np.array([bits], "<u4").view("<f4")[0]
        a = self.changed("a.h5", lambda file: file["weights/value"].__setitem__((0, 0), nan(0x7fc00000)))
        b = self.changed("b.h5", lambda file: file["weights/value"].__setitem__((0, 0), nan(0x7fc00001)))
        said = self.expect(DIFFERENT, "diff", a, b).stdout.decode()
        self.assertIn("nan (0x7fc00000)", said)
        self.assertIn("nan (0x7fc00001)", said)

    def test_first_and_all(self):
        def change(file):
            file["step/value"][()] = 42
            file["noise/state"][0] = 5
            file["turns"].attrs["replicas"] = np.int64(3)
            file["dropout"].attrs["type"] = np.bytes_("generatos")
        path = self.changed("b.h5", change)
        first = self.difference(path)
        self.assertEqual(first.count("\n"), 1)
        self.assertTrue(first.startswith("dropout: type: generator in"), first)
        everything = self.difference(path, "--all").splitlines()
        self.assertEqual([line.split(" in ")[0] for line in everything],
                         ["dropout: type: generator", "noise/state: element [0]: 1537",
                          "step/value: 41", "turns: attribute replicas: 0"])
        self.assertEqual(len(json.loads(self.difference(path, "--all", "--json"))["differences"]), 4)

    def test_objects_that_only_one_has(self):
        ended = self.expect(DIFFERENT, "diff", "--all", checkpoint("mirrored"), checkpoint("generators"))
        lines = ended.stdout.decode().splitlines()
        self.assertEqual(len(lines), 11)
        self.assertEqual(lines[0], "child: absent in %s, there in %s" % (checkpoint("mirrored"), checkpoint("generators")))

    def test_files_that_cannot_be_compared(self):
        self.expect(UNREADABLE, "diff", checkpoint("mirrored"), self.path("absent.h5"))
        self.expect(BAD_FILE, "diff", self.write("empty.h5", b""), checkpoint("mirrored"))
        self.expect(USAGE, "diff", checkpoint("mirrored"))


main()
