"""Writes known answers of stateless functions and of ThreeFry beyond tests/golden, in its format.

    python3 make_stateless_cases.py --seed 1 --out tests/golden_beyond      stateless, threefry

Random but seeded: every sampler over its whole range of parameters, parameters that broadcast, odd
and empty shapes, seeds of 32 and 64 bits; ThreeFry's layouts of shapes of up to four dimensions, in
generators, splits and replicas. From the NumPy reference beside this file, as make_cases.py.

f64 bounded normals have mean 0, and f64 gammas a seed, such that a last bit of their normals is a
last bit or two of the answer.
"""
import argparse
import os
import random

import numpy as np

import make_cases
from make_cases import LIMITS, written
import reference

FLOATS = ["f32", "f64"]
INTS = ["i32", "i64", "u32", "u64"]
I32 = LIMITS["i32"]


def f32(x):
    return float(np.float32(x))


def seed(rng):
    low, high = rng.choice([I32, LIMITS["i64"]])
    return rng.choice([[rng.randint(low, high), rng.randint(low, high)], [rng.randrange(9), rng.randrange(9)], [-1, low]])


def shape(rng):
    return rng.choice([[], [1], [rng.randrange(2, 24)], [3, 5], [2, 1, 7], [3, 3, 3], [5, 4, 3], [4, 6, 2, 3], [7, 1, 1],
                       [rng.randrange(1, 9), rng.randrange(1, 9)], [0], [3, 0]])


def ranges(rng, dtype):
    low, high = LIMITS[dtype]
    a, b = sorted(rng.sample([low, high, rng.randint(low, high), rng.randint(low, high), 0 if low else 1, 100], 2))
    return {"minval": a, "maxval": b if b > a else a + 1}


def scale(rng):
    return f32(rng.choice([1.0, 2.5, rng.uniform(0.01, 9), rng.uniform(100, 1e5)]))


def batched(rng, number):
    """One number, or a list with the shape that ends with it."""
    if rng.random() < 0.4:
        return number(), rng.choice([[], [7], [3, 4], [0]])
    width = rng.randrange(1, 6)
    return [number() for _ in range(width)], rng.choice([[], [3], [2, 2]]) + [width]


# ------------------------------------------------------------------ stateless, Philox
def plain(rng, alg="philox"):
    op = rng.choice(["normal", "uniform", "uniform_full_int"] + (["truncated_normal"] if alg == "philox" else []))
    narrow = ["f16", "bf16"] if alg == "philox" else []
    dtype = rng.choice(INTS if op == "uniform_full_int" else narrow + FLOATS + (INTS if op == "uniform" else []))
    step = {"op": "stateless_" + op, "dtype": dtype, "shape": shape(rng)}
    if op == "uniform" and dtype in LIMITS:
        step.update(ranges(rng, dtype))
    elif op == "uniform":
        step.update(minval=f32(rng.uniform(-9, 0)), maxval=scale(rng))
    elif op != "uniform_full_int":
        step.update(mean=f32(rng.choice([0, rng.uniform(-9, 9)])), stddev=scale(rng))
    return step


def gamma(rng):
    alpha, size = batched(rng, lambda: f32(rng.choice([1.0, 10 ** rng.uniform(-3, 6), rng.uniform(0.05, 5)])))
    return {"op": "stateless_gamma", "dtype": rng.choice(FLOATS), "shape": size, "alpha": alpha, "beta": scale(rng)}


def poisson(rng):
    lam, size = batched(rng, lambda: f32(rng.choice([0.0, -1.0, 10.0, rng.uniform(0, 10), rng.uniform(10, 40), 10 ** rng.uniform(1, 9)])))
    return {"op": "stateless_poisson", "dtype": rng.choice(["i32", "i64", "f32", "f64"]), "shape": size, "lam": lam}


def binomial(rng):
    step = make_cases.Scribe(rng, "").binomial()
    return dict(step, op="stateless_binomial")


def categorical(rng):
    rows, classes = rng.randrange(0, 5), rng.choice([1, 2, 5, 40])
    dtype = rng.choice(["f16", "f32", "f64"])
    logits = [[float(reference.FDT[dtype](rng.choice([rng.gauss(0, 1), rng.uniform(-30, 5)]))) for _ in range(classes)] for _ in range(max(rows, 1))]
    return {"op": "stateless_categorical", "dtype": rng.choice(["i32", "i64"]), "logits_dtype": dtype, "logits": logits,
            "num_samples": rng.choice([0, 1, 3, 8])}


def bounded_normal(rng):
    dtype = rng.choice(FLOATS)
    low = rng.choice([rng.uniform(-3, 3), rng.uniform(-1, 0), rng.uniform(2, 9)])
    high = low + rng.choice([0.1, 0.5, 3.0, 8.0])
    if rng.random() < 0.3:
        low, high = -high, -low
    sd, mean = scale(rng), 0.0 if dtype == "f64" else f32(rng.uniform(-9, 9))
    return {"op": "stateless_parameterized_truncated_normal", "dtype": dtype, "shape": rng.choice([[], [5], [2, 3]]),
            "mean": mean, "stddev": sd, "minval": f32(mean + low * sd), "maxval": f32(mean + high * sd)}


def shuffle(rng):
    return {"op": "stateless_shuffle", "dtype": "i64", "value": [rng.randrange(99) for _ in range(rng.choice([0, 1, 2, 11, 70]))]}


def fold_in(rng):
    return {"op": "stateless_fold_in", "dtype": "i64", "data": rng.randint(*I32)}


def split(rng):
    return {"op": "stateless_split", "dtype": "i64", "num": rng.randrange(0, 6)}


SAMPLERS = [plain, plain, plain, gamma, gamma, poisson, poisson, binomial, categorical, bounded_normal, bounded_normal,
            shuffle, fold_in, split]


def stateless_answer(step):
    """Of the reference; narrow types and lists of beta by make_cases' own rounding."""
    op, dtype = step["op"][len("stateless_"):], step["dtype"]
    if op in ("normal", "truncated_normal", "uniform", "uniform_full_int"):
        counter, key = reference.scramble(step["seed"])
        return make_cases.answer(dict(step, op=op), counter, key)
    if op == "gamma":
        raw = reference.fill_gamma(*reference.scramble(step["seed"]), step["shape"], step["alpha"], dtype)
        to = reference.FDT[dtype]
        return np.maximum(reference.TINY[dtype], (raw / to(step["beta"])).astype(to))
    return reference.stateless(step)


def hangs_on_last_bits(step):
    """Whether a gamma moves by more than a few ULP when its normals move by one: 1 + c z was near 0."""
    def nudged(*words):
        return tuple(z * (1 + 2.0**-52) for z in exact(*words))
    exact, reference.bm_f64 = reference.bm_f64, nudged
    moved = stateless_answer(step)
    reference.bm_f64 = exact
    return bool(np.any(np.abs(moved / stateless_answer(step) - 1) > 1e-15))


def stateless_cases(rng, count):
    for i in range(count):
        steps = []
        for make in SAMPLERS:
            step = make(rng)
            step["seed"] = seed(rng)
            while make is gamma and step["dtype"] == "f64" and hangs_on_last_bits(step):
                step["seed"] = seed(rng)
            step["want"] = written(stateless_answer(step), step["dtype"])
            steps.append(step)
        yield {"name": f"beyond/stateless/{i}", "steps": steps}


# ------------------------------------------------------------------ ThreeFry
def threefry_answer(step, counter, key):
    op = step["op"]
    if op in ("make_seeds", "split_keys"):
        keys = reference.xla_bits(counter, key, [step["count"]], 64).view(np.int64)
        return np.concatenate([keys, np.zeros_like(keys)]) if op == "make_seeds" else keys
    return reference.dist(op, step["dtype"], step["shape"], counter, key, step, "threefry")


def threefry_draw(rng, where=None):
    if rng.random() < 0.15:
        return {"op": "split_keys" if where == "run" else "make_seeds", "dtype": "i64", "count": rng.randrange(1, 6)}
    step = plain(rng, "threefry")
    return dict(step, op=step["op"][len("stateless_"):])


def threefry_case(rng, i):
    replicas = i % 4
    case = {"name": f"beyond/threefry/{i}"}
    if replicas:
        case["replicas"] = replicas
    case["steps"] = []
    state = [reference.s64(rng.choice([rng.getrandbits(64), (1 << 64) - rng.randrange(1, 2000), rng.randrange(99)])) for _ in range(2)]
    gen = reference.Gen(state, "threefry", replicas)

    def note(step, name="g"):
        step["gen"] = name
        step["state"] = list(gen.states[0])
        case["steps"].append(step)
    made = {"op": "from_state", "alg": "threefry", "value": state}
    note(dict(made, where="scope") if replicas else made)
    for _ in range(8):
        where = rng.choice(["run", "scope"]) if replicas else None
        step = threefry_draw(rng, where)
        wants = []
        for replica in range(max(1, replicas)):
            counter, key = gen.split_state(replica)
            wants.append((counter, gen.replica_key(key, replica) if where == "run" else key))
            gen.skip(step["count"] if "count" in step else reference.prod(step["shape"]), replica)
        answers = [written(np.asarray(threefry_answer(step, c, k)).reshape(-1), step["dtype"]) for c, k in wants]
        step["want"] = answers if where == "run" else answers[0]
        if where:
            step["where"] = where
        note(step)
    for _ in range(6):
        step = plain(rng, "threefry")
        step.update(alg="threefry", seed=seed(rng))
        step["want"] = written(np.asarray(reference.stateless(step)).reshape(-1), step["dtype"])
        case["steps"].append(step)
    return case


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--out", required=True, help="folder, exists")
    parser.add_argument("--scale", type=int, default=1, help="how many times as many cases")
    arguments = parser.parse_args()
    reference.MATH, reference.XLA_LOG = reference.LibmMath(), reference.xla_log_f32
    np.seterr(all="ignore")
    rng = random.Random(f"stateless {arguments.seed}")
    make_cases.write(os.path.join(arguments.out, "stateless.json"), list(stateless_cases(rng, 30 * arguments.scale)))
    rng = random.Random(f"threefry {arguments.seed}")
    make_cases.write(os.path.join(arguments.out, "threefry.json"),
                     [threefry_case(rng, i) for i in range(24 * arguments.scale)])


if __name__ == "__main__":
    main()
