"""Times JAX and NumPy as bench/*.cc times C++: fills in and beyond the cache, and draws of one value.

    python3 python_peers.py out.json       what is not installed is left out, and said

One core: the process pins itself to the first CPU that it may use. Writes Google Benchmark's JSON.
"""
import json
import os
import sys
import time

CACHE, MEMORY = 16384, 1 << 26  # values


def seconds_a_call(call, least=0.3):
    """The best of three runs of as many calls as take `least` seconds."""
    call()
    calls = 1
    while True:
        start = time.perf_counter()
        for _ in range(calls):
            call()
        took = time.perf_counter() - start
        if took > least / 3:
            break
        calls *= 2
    best = took / calls
    for _ in range(2):
        start = time.perf_counter()
        for _ in range(calls):
            call()
        best = min(best, (time.perf_counter() - start) / calls)
    return best


def numpy_fills(add):
    import numpy

    generator = numpy.random.Generator(numpy.random.Philox(5))
    for where, count in (("cache", CACHE), ("memory", MEMORY)):
        out32 = numpy.empty(count, numpy.float32)
        out64 = numpy.empty(count // 2, numpy.float64)
        add(f"uniform/f32/{where}/NumPy", count, lambda: generator.random(out=out32, dtype=numpy.float32))
        add(f"normal/f32/{where}/NumPy", count, lambda: generator.standard_normal(out=out32, dtype=numpy.float32))
        add(f"uniform/f64/{where}/NumPy", count // 2, lambda: generator.random(out=out64))
        add(f"normal/f64/{where}/NumPy", count // 2, lambda: generator.standard_normal(out=out64))
        assert abs(out32.mean()) < 0.1 and 0.9 < out32.std() < 1.1
    add("draws/1_normals_f32/NumPy", None, lambda: generator.standard_normal(dtype=numpy.float32))
    return "NumPy " + numpy.__version__


def jax_fills(add):
    import jax

    key = jax.random.key(5, impl="threefry2x32")
    fills = {
        "threefry_full_int/u32": lambda k, n: jax.random.bits(k, (n,)),
        "threefry_uniform/f32": lambda k, n: jax.random.uniform(k, (n,)),
        "threefry_normal/f32": lambda k, n: jax.random.normal(k, (n,)),
    }
    for name, fill in fills.items():
        for where, count in (("cache", CACHE), ("memory", MEMORY)):
            compiled = jax.jit(lambda k, fill=fill, count=count: fill(k, count))
            add(f"{name}/{where}/JAX", count, lambda: compiled(key).block_until_ready())
    one = jax.jit(lambda k: jax.random.normal(k, ()))
    add("draws/1_normals_f32/JAX", None, lambda: one(key).block_until_ready())
    return "JAX " + jax.__version__


def tensorflow_fills(add):
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    generator = tf.random.Generator.from_seed(5)
    for where, count in (("cache", CACHE), ("memory", 1 << 24)):
        add(f"uniform/f32/{where}/TensorFlow", count, lambda: generator.uniform((count,)))
        add(f"normal/f32/{where}/TensorFlow", count, lambda: generator.normal((count,)))
        add(f"truncated_normal/f32/{where}/TensorFlow", count, lambda: generator.truncated_normal((count,)))
    add("draws/1_normals_f32/TensorFlow", None, lambda: generator.normal(()))
    return "TensorFlow " + tf.__version__


def main():
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    benchmarks, versions = [], []

    def add(name, values, call):
        took = seconds_a_call(call)
        row = {"name": name, "run_type": "iteration", "real_time": took * 1e9, "time_unit": "ns"}
        if values is not None:
            row["items_per_second"] = values / took
        benchmarks.append(row)

    for peer in (numpy_fills, jax_fills, tensorflow_fills):
        try:
            versions.append(peer(add))
        except ImportError as error:
            print(f"python_peers.py: absent: {error.name}", file=sys.stderr)
    with open(sys.argv[1], "w") as file:
        json.dump({"context": {"peers": ", ".join(versions)}, "benchmarks": benchmarks}, file, indent=1)


main()
