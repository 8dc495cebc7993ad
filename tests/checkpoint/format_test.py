"""docs/format.md against the files: h5py and h5dump read what is written, whoever wrote it, and a file laid out by
the page's own program restores.

Usage: format_test.py <record_checkpoints> <restore_by_hand> <known answers> <scratch folder> <docs/format.md>
"""

import glob
import json
import os
import re
import shutil
import subprocess
import sys
import unittest

import h5py
import numpy as np

RECORD, RESTORE, GOLDEN, SCRATCH, PAGE = sys.argv[1:6]
NUMPY = {"f16": "<f2", "bf16": "<f4", "f32": "<f4", "f64": "<f8",
         "i32": "<i4", "i64": "<i8", "u32": "<u4", "u64": "<u8"}


def read(path):
    with open(path, "rb") as file:
        return file.read()


def record(name, **environment):
    folder = os.path.join(SCRATCH, name)
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    subprocess.run([RECORD, folder], check=True, timeout=60, env={**os.environ, **environment})
    return folder


def names(group, attribute):
    joined = group.attrs.get(attribute, b"").decode()
    return set(joined.split("/")) if joined else set()


class Written(unittest.TestCase):
    """By every released version, and today."""

    def folders(self):
        released = sorted(glob.glob(os.path.join(GOLDEN, "checkpoints_v*")))
        self.assertGreaterEqual(len(released), 1)
        return [(folder, folder) for folder in released] + [(record("today"), released[-1])]

    def files(self):
        for folder, answers in self.folders():
            expected = json.loads(read(os.path.join(answers, "expected.json")))
            self.assertGreaterEqual(len(expected), 5)
            for name, content in expected.items():
                yield os.path.join(folder, name), content["objects"]

    def compare(self, group, expected):
        self.assertEqual(group.attrs["type"].decode(), expected["type"])
        self.assertEqual(names(group, "attributes"), set(expected["attributes"]))
        for key, value in expected["attributes"].items():
            got = group.attrs[key]
            self.assertEqual(got.decode() if isinstance(got, bytes) else int(got), value)
        self.assertEqual(names(group, "values"), set(expected["values"]))
        for key, value in expected["values"].items():
            self.compare_values(group[key], value)
        self.assertEqual(names(group, "members"), set(expected["members"]))
        for key, member in expected["members"].items():
            self.compare(group[key], member)
        self.assertEqual(set(group), names(group, "values") | names(group, "members"))

    def compare_values(self, dataset, expected):
        self.assertEqual((dataset.shape, dataset.dtype), (tuple(expected["shape"]), np.dtype(NUMPY[expected["dtype"]])))
        self.assertTrue(dataset.chunks is None and dataset.compression is None and dataset.external is None)
        values = np.array(dataset[()])
        if "each_row" in expected:
            self.assertTrue(all((row == wanted).all() for row, wanted in zip(values, expected["each_row"])))
            return
        wanted = expected["elements"]
        if expected["dtype"][0] in "iu":
            self.assertEqual([int(x) for x in values.reshape(-1)], wanted)
            return
        if expected["dtype"] == "bf16":  # h5py widens it, and libhdf5 then changes a NaN: as it lies
            values = np.empty(dataset.shape, "<u2")
            dataset.id.read(h5py.h5s.ALL, h5py.h5s.ALL, values, mtype=dataset.id.get_type())
        bits = values.reshape(-1).view("<u%d" % values.itemsize)
        self.assertEqual([int(x) for x in bits], [int(x, 16) for x in wanted])

    def test_h5py_reads_every_object(self):
        compared = 0
        for path, objects in self.files():
            with self.subTest(path), h5py.File(path, "r") as file:
                self.assertEqual(file.attrs["type"], b"checkpoint")
                self.assertEqual(names(file, "members"), set(objects))
                for name, expected in objects.items():
                    self.compare(file[name], expected)
                    compared += 1
        self.assertGreaterEqual(compared, 2 * 28)

    def test_h5dump_and_h5ls_read_them(self):
        dumped = 0
        for path, objects in self.files():
            dump = subprocess.run(["h5dump", path], capture_output=True, timeout=60)
            self.assertEqual((dump.returncode, dump.stderr), (0, b""), path)
            listed = subprocess.run(["h5ls", "-r", path], capture_output=True, timeout=60)
            self.assertEqual((listed.returncode, listed.stderr), (0, b""), path)
            for name in objects:
                if name.isidentifier() and name.isascii():
                    self.assertIn(b'GROUP "%s"' % name.encode(), dump.stdout)
                    self.assertIn(b"/%s " % name.encode(), listed.stdout)
                    dumped += 1
        self.assertGreater(dumped, 40)


class Bytes(unittest.TestCase):
    def test_processes_write_the_same_bytes_for_the_same_state(self):
        # What malloc gives is filled with other bytes in each.
        a = record("a", MALLOC_PERTURB_="85", TZ="Asia/Tokyo")
        b = record("b", MALLOC_PERTURB_="170", TZ="America/Lima")
        files = sorted(os.listdir(a))
        self.assertGreaterEqual(len(files), 5)
        self.assertEqual(files, sorted(os.listdir(b)))
        for name in files:
            self.assertTrue(read(os.path.join(a, name)) == read(os.path.join(b, name)), name)


class ByHand(unittest.TestCase):
    def program(self):
        section = read(PAGE).decode().split("## By hand\n")[1].split("\n## ")[0]
        code = "\n".join(line[4:] for line in section.splitlines() if line.startswith("    ") or not line)
        self.assertIn("h5py.File(path", code)
        return code

    def test_what_the_page_s_program_writes_is_restored(self):
        path = os.path.join(SCRATCH, "by_hand.h5")
        exec(compile(self.program(), PAGE, "exec"), {"path": path})
        restored = subprocess.run([RESTORE, path], capture_output=True, text=True, timeout=60)
        self.assertEqual((restored.returncode, restored.stderr), (0, ""))
        self.assertEqual(restored.stdout.split("\n"), [
            "step exact", "noise derived", "model exact", "41", "769", "0", "-7", "1.5", "-2", "0.25", "8", "1", "-0.5", "3", ""])

    def test_the_page_s_formula_of_the_digest(self):
        lines = re.findall(r"^    ((?:leaves|digest) = .*)$", read(PAGE).decode().split("## Groups")[0], re.M)
        self.assertEqual(len(lines), 2)
        for path in glob.glob(os.path.join(GOLDEN, "checkpoints_v*", "*.h5")):
            data = read(path)
            scope = {"hashlib": __import__("hashlib"), "body": data[512:],
                     "header_with_zeros_as_digest": data[:24] + bytes(32) + data[56:512]}
            exec("\n".join(lines), scope)
            self.assertEqual(scope["digest"], data[24:56], path)


os.makedirs(SCRATCH, exist_ok=True)
result = unittest.main(argv=sys.argv[:1], exit=False).result
assert result.testsRun >= 5
sys.exit(not result.wasSuccessful())
