"""Times the samplers of NumPy's Generator as samplers.cc times ours.

    python3 numpy_samplers.py out.json     without NumPy nothing is written, and that is said

One core: the process pins itself to the first CPU that it may use. PCG64, NumPy's own choice of
bits. Categories are Generator.choice where a row has many samples; for one sample of each row NumPy
has no call, and the usual spelling is timed: exp, cumsum, compare. Writes Google Benchmark's JSON.
"""
import json
import os
import sys
import time

VALUES = 65536


def seconds_a_call(call, least=0.15):
    call()
    best, runs, stop = float("inf"), 0, time.perf_counter() + least
    while runs < 5 or time.perf_counter() < stop:
        start = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - start)
        runs += 1
    return best


def samplers(numpy):
    """(name, values a call, call)"""
    rng = numpy.random.default_rng(1)
    for alpha in ("0.3", "1", "2.5", "100"):
        shape = float(alpha)
        yield f"gamma({alpha})/f64", VALUES, lambda: rng.standard_gamma(shape, VALUES)
        yield f"gamma({alpha})/f32", VALUES, lambda: rng.standard_gamma(shape, VALUES, dtype=numpy.float32)
    each = numpy.linspace(0.5, 20, VALUES)
    yield "gamma(each)/f64", VALUES, lambda: rng.standard_gamma(each)
    for rate in ("0.5", "4", "12", "100", "10000"):
        lam = float(rate)
        yield f"poisson({rate})/i64", VALUES, lambda: rng.poisson(lam, VALUES)
    yield "poisson(each)/i64", VALUES, lambda: rng.poisson(each)
    for trials in ("10,0.3", "100,0.5", "1000,0.1", "1e6,0.3"):
        count, probability = (float(x) for x in trials.split(","))
        yield f"binomial({trials})/i64", VALUES, lambda: rng.binomial(int(count), probability, VALUES)
    probabilities = numpy.linspace(0.01, 0.99, VALUES)
    yield "binomial(40,each)/i64", VALUES, lambda: rng.binomial(40, probabilities)
    for classes, rows in ((10, 4096), (1000, 256)):
        weights = numpy.exp(numpy.sin(numpy.arange(classes)))
        weights /= weights.sum()
        yield f"categorical({classes})/i64", VALUES, lambda: rng.choice(classes, VALUES, p=weights)
        logits = numpy.sin(numpy.arange(rows * classes)).reshape(rows, classes)

        def one_of_each_row():
            sums = numpy.exp(logits - logits.max(axis=1, keepdims=True)).cumsum(axis=1)
            return (sums <= rng.random((rows, 1)) * sums[:, -1:]).sum(axis=1)

        yield f"categorical({classes},a_row_each)/i64", rows, one_of_each_row


def main():
    try:
        import numpy
    except ImportError:
        print("numpy_samplers.py: absent: numpy", file=sys.stderr)
        return
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    benchmarks = []
    for name, values, call in samplers(numpy):
        took = seconds_a_call(call)
        benchmarks.append({"name": name + "/cache/NumPy", "run_type": "iteration", "real_time": took * 1e9,
                           "time_unit": "ns", "items_per_second": values / took})
    with open(sys.argv[1], "w") as file:
        json.dump({"context": {"peers": "NumPy " + numpy.__version__}, "benchmarks": benchmarks}, file, indent=1)


main()
