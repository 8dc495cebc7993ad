"""Truncated normals of XLA itself, for ThreeFry: tests/golden_beyond/threefry_truncated.json. Needs JAX.

    python3 tests/oracle/threefry_truncated.py > tests/golden_beyond/threefry_truncated.json
    python3 tests/oracle/threefry_truncated.py --all values.f32     how far 2^23 values (of every uniform) are

The uniforms are docs/streams.md section 2's; what follows them is XLA's own erf_inv, compiled for a CPU.
"""
import json
import sys

import jax
import numpy as np

M32 = 2**32 - 1


def words(counter, count, key):  # section 2: 1-D, even length
    out = []
    for c in range(counter, counter + count // 2):
        k = [key & M32, key >> 32]
        k.append(k[0] ^ k[1] ^ 0x1BD11BDA)
        x0, x1 = ((c & M32) + k[0]) & M32, ((c >> 32) + k[1]) & M32
        for g in range(5):
            for r in ([13, 15, 26, 6], [17, 29, 16, 24])[g % 2]:
                x0 = (x0 + x1) & M32
                x1 = ((x1 << r | x1 >> (32 - r)) & M32) ^ x0
            x0 = (x0 + k[(g + 1) % 3]) & M32
            x1 = (x1 + k[(g + 2) % 3] + g + 1) & M32
        out += [x0, x1]
    return np.array(out, np.uint32)


@jax.jit
def truncated(u):
    f = np.float32
    tiny = f(np.finfo(f).tiny)
    u = u * (f(1) - tiny) + tiny
    cdf = lambda x: (f(1) + jax.lax.erf(f(x) / jax.numpy.sqrt(f(2)))) / f(2)
    low, high = cdf(-2.0), cdf(2.0)
    p = low + u * (high - low)
    return jax.numpy.sqrt(f(2)) * jax.lax.erf_inv(f(2) * p - f(1))


def ordered(x):
    bits = x.view(np.int32).astype(np.int64)
    return np.where(bits < 0, -(bits & 0x7FFFFFFF), bits)


def main():
    if len(sys.argv) == 3 and sys.argv[1] == "--all":
        ours = np.fromfile(sys.argv[2], np.float32)
        theirs = np.asarray(truncated((np.arange(2**23) * 2.0**-23).astype(np.float32)))
        far = np.abs(ordered(ours) - ordered(theirs))
        print({int(ulp): int((far == ulp).sum()) for ulp in np.unique(far)})
        return
    cases = []
    for first, second, count in ((1, 2, 2000), (-1, 5, 2000), (0, 0, 2000)):
        key = (first & M32) | (second & M32) << 32
        u = (words(0, count, key) >> np.uint32(9)).astype(np.float32) * np.float32(2.0**-23)
        z = np.asarray(truncated(u)).view(np.uint32)
        cases.append({"seed": [first, second], "shape": [count], "want": ["%08x" % x for x in z]})
    print('{"cases": [\n' + ",\n".join(json.dumps(c) for c in cases) + "\n]}")


main()
