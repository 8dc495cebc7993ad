"""inspect: what it shows of a checkpoint, as a table and as JSON."""

import json
import os
import shutil
import subprocess

import h5py
import numpy as np

from support import *


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
        shown = self.output("inspect", "--json", path)
        self.assertIn("noi\u202es", json.loads(shown)["objects"])
        self.assertNotIn("\u202e".encode(), shown)

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


main()
