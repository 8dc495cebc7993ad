"""The limits that reading a file is under: what exceeds them, and that they suffice."""

import os
import struct

import h5py
import numpy as np

from support import *


class Limits(CommandTest):
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
        # Reading takes the file's size and little more, whatever the number of cores.
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
        for command, files, too_little, enough in (("verify", [large], 64, 100), ("inspect", [large], 64, 100),
                                                   ("diff", [large, large], 128, 170)):
            self.expect(OVER_LIMITS, command, "--memory-mib", str(too_little), *files)
            self.expect(OK, command, "--memory-mib", str(enough), *files)


main()
