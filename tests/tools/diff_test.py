"""diff: in what two checkpoints differ."""

import json

import numpy as np

from support import *


class Diff(CommandTest):
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
