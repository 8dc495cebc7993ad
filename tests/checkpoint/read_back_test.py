"""Reads a checkpoint with h5py and h5dump, and checks its header block with hashlib alone.

Usage: read_back_test.py <program that writes the file> <folder>
"""

import hashlib
import os
import struct
import subprocess
import sys

import h5py
import numpy as np

LEAF = 1 << 20


def digest_of(data):
    header, body = bytearray(data[:512]), data[512:]
    header[24:56] = bytes(32)
    leaves = [hashlib.sha256(body[i:i + LEAF]).digest() for i in range(0, len(body), LEAF)]
    return hashlib.sha256(bytes(header) + b"".join(leaves)).digest()


def seal(path):
    """Fills in the header block of a file that h5py wrote with userblock_size=512."""
    data = bytearray(open(path, "rb").read())
    data[:512] = struct.pack("<8sIIQ", b"\x89CPT\r\n\x1a\n", 1, LEAF, len(data)).ljust(512, b"\0")
    data[24:56] = digest_of(data)
    open(path, "wb").write(data)


def write_by_hand(path):
    with h5py.File(path, "w", userblock_size=512) as file:
        file.attrs["type"] = np.bytes_("checkpoint")
        file.attrs["members"] = np.bytes_("step/weights")
        file.attrs["attributes"] = np.bytes_("format_version/stream_version")
        file.attrs["format_version"] = np.int64(1)
        file.attrs["stream_version"] = np.int64(1)
        step = file.create_group("step")
        step.attrs["type"] = np.bytes_("number")
        step.attrs["values"] = np.bytes_("value")
        step["value"] = np.int64(41)
        weights = file.create_group("weights")
        weights.attrs["type"] = np.bytes_("tensor")
        weights.attrs["values"] = np.bytes_("value")
        weights["value"] = np.array([[1.5, -2.0], [0.25, 8.0]], dtype="<f4")
    seal(path)


def main():
    program, folder = sys.argv[1:]
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, "written.h5")
    subprocess.run([program, "write", path], check=True)

    data = open(path, "rb").read()
    magic, version, leaf, length = struct.unpack("<8sIIQ", data[:24])
    assert (magic, version, leaf, length) == (b"\x89CPT\r\n\x1a\n", 1, LEAF, len(data))
    assert data[24:56] == digest_of(data), "digest"
    assert not any(data[56:512]), "padding"

    with h5py.File(path, "r") as file:
        assert file.attrs["type"] == b"checkpoint"
        assert file.attrs["members"] == b"brain/half/noise/step/weights"
        assert file.attrs["format_version"] == 1 and file.attrs["stream_version"] == 1
        assert file["noise"].attrs["type"] == b"generator"
        assert file["noise"].attrs["algorithm"] == b"philox"
        assert file["noise/state"].dtype == np.dtype("<i8")
        assert file["noise/state"][()].tolist() == [10, 0, -7]
        assert file["step/value"][()] == 17
        assert file["weights/value"].dtype == np.dtype("<f4")
        assert file["weights/value"][()].tolist() == np.float32([[1.5, -2.0, 0.0], [3.25, 1e30, -0.5]]).tolist()
        assert file["half/value"].dtype == np.dtype("<f2")
        assert file["half/value"][()].tolist() == [1.5, -65504.0]
        assert file["brain/value"][()].tolist() == [1.5, -2.0]

    dump = subprocess.run(["h5dump", path], check=True, capture_output=True, text=True).stdout
    for words in ("GROUP \"noise\"", "H5T_STD_I64LE", "H5T_IEEE_F32LE", "10, 0, -7"):
        assert words in dump, words

    by_hand = os.path.join(folder, "by_hand.h5")
    write_by_hand(by_hand)
    read = subprocess.run([program, "read", by_hand], check=True, capture_output=True, text=True)
    assert read.stdout.split() == ["41", "1.5", "-2", "0.25", "8"], read.stdout
    print("read back")


main()
