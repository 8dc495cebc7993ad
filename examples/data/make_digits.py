#!/usr/bin/python3
"""Makes digits.h5 from the CSV in which the digits are distributed.

    /usr/bin/python3 make_digits.py digits.csv digits.h5

A line of the CSV is one image: 64 pixels (8 x 8, row by row, 0 to 16), then its label 0 to 9. The
same CSV gives the same bytes. Needs python3-h5py.
"""

import sys

import h5py
import numpy

SOURCE = (
    "Test set of the UCI 'Optical Recognition of Handwritten Digits' collection "
    "(E. Alpaydin, C. Kaynak, 1998), as redistributed with scikit-learn"
)
LICENCE = "CC BY 4.0, https://creativecommons.org/licenses/by/4.0/"


def main(csv_path: str, hdf5_path: str) -> None:
    rows = numpy.loadtxt(csv_path, delimiter=",", dtype=numpy.int64)
    if rows.ndim != 2 or rows.shape[1] != 65:
        sys.exit(f"{csv_path}: expected lines of 65 numbers, got {rows.shape}")
    pixels, labels = rows[:, :64], rows[:, 64]
    if pixels.min() < 0 or pixels.max() > 16 or labels.min() < 0 or labels.max() > 9:
        sys.exit(f"{csv_path}: pixels must be 0 to 16 and labels 0 to 9")
    with h5py.File(hdf5_path, "w", libver="earliest", track_order=False) as file:
        for name, values in (("images", pixels.reshape(-1, 8, 8)), ("labels", labels)):
            file.create_dataset(name, data=values.astype(numpy.uint8), track_times=False)
        file.attrs["source"] = numpy.bytes_(SOURCE)
        file.attrs["licence"] = numpy.bytes_(LICENCE)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2])
