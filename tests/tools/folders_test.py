"""A folder instead of a file: its checkpoints are those that a manager has there."""

import json
import os
import shutil

from support import *


class Folders(CommandTest):
    def test_the_latest_is_inspected_and_drawn_from(self):
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

    def test_what_a_manager_ignores_is_not_the_latest(self):
        shutil.copy(checkpoint("mirrored"), self.path("checkpoint-00000005.h5"))
        for other in ("checkpoint-000000001.h5", "checkpoint-6.h5", "checkpoint-00000000000000000007.h5"):
            self.write(other, b"a step written in another way")
        self.assertIn(b"checkpoint-00000005.h5", self.output("inspect", self.folder))
        self.output("draw", "--checkpoint", self.folder, "--object", "noise")

    def test_a_folder_is_its_checkpoints(self):
        names = ["checkpoint-00000002.h5", "checkpoint-99999999.h5", "checkpoint-100000000.h5"]
        for name in names:
            shutil.copy(checkpoint("mirrored"), self.path(name))
        for other in ("notes.txt", ".checkpoint-00000011.h5.tmp", "checkpoint-.h5", "checkpoint-x1.h5",
                      "checkpoint-000000003.h5", "checkpoint-7.h5", "checkpoint-99999999999999999999.h5"):
            self.write(other, b"not one")
        said = self.output("verify", self.folder).decode().splitlines()
        self.assertEqual([os.path.basename(line.split(":")[0]) for line in said], names)
        self.write(names[1], b"")
        ended = self.expect(BAD_FILE, "verify", self.folder)
        self.assertEqual(ended.stdout.count(b": ok, "), 2)


main()
