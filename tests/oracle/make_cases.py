"""Writes known answers beyond tests/golden, in its format, from the NumPy reference beside this file.

    python3 make_cases.py --seed 1 --out tests/golden_beyond      generators, strategies, checkpoints

Random but seeded: every distribution and type, odd and empty shapes, parameters that broadcast,
counters about to wrap, ranges at the types' ends, one to seven replicas. Needs NumPy and a C
compiler (for the C library's own functions). bf16 is emulated, so that ml_dtypes is not needed.

Replicas draw binomials under their own keys, which is our rule and not TensorFlow's.
"""
import argparse
import hashlib
import json
import os
import random
import sys
import types

import numpy as np

sys.modules["ml_dtypes"] = types.SimpleNamespace(bfloat16=np.float32)
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import reference  # noqa: E402

M64 = (1 << 64) - 1
LIMITS = {"i32": (-2**31, 2**31 - 1), "i64": (-2**63, 2**63 - 1), "u32": (0, 2**32 - 1), "u64": (0, 2**64 - 1)}


# ------------------------------------------------------------------ numbers
def rounded(values, dtype):
    """f32 values rounded to a narrower type, still in f32."""
    x = np.asarray(values, np.float32)
    if dtype == "f16":
        return x.astype(np.float16).astype(np.float32)
    bits = x.view(np.uint32)
    return ((bits + np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))) & np.uint32(0xFFFF0000)).view(np.float32)


def scaled(raw, scale, shift, dtype, uniform):
    """raw * scale + shift, rounded after each operation; for uniforms scale is the upper limit."""
    if dtype in ("f32", "f64"):
        to = reference.FDT[dtype]
        a, b, raw = np.asarray(scale, np.float64).astype(to), np.asarray(shift, np.float64).astype(to), raw.astype(to)
        a = (a - b).astype(to) if uniform else a
        return (raw * a).astype(to) + b
    a, b, raw = rounded(scale, dtype), rounded(shift, dtype), rounded(raw, dtype)
    a = rounded(a - b, dtype) if uniform else a
    return rounded(rounded(raw * a, dtype) + b, dtype)


def raw_floats(op, counter, key, count, dtype):
    narrow = dtype in ("f16", "bf16")
    if op == "normal":
        return reference.fill_normal(counter, key, count, "f32" if narrow else dtype)
    if op == "truncated_normal":
        return reference.fill_truncated(counter, key, count, "f32" if narrow else dtype)
    if narrow:
        words = reference.philox_words(counter, key, (count + 3) // 4).reshape(-1)[:count]
        digits = 10 if dtype == "f16" else 7
        return (words & np.uint32((1 << digits) - 1)).astype(np.float32) * np.float32(2.0**-digits)
    return reference.fill_uniform(counter, key, count, dtype)


def answer(step, counter, key):
    """The elements of a draw as an array, row-major."""
    op, dtype = step["op"], step["dtype"]
    if op in ("make_seeds", "split_keys"):
        keys = reference.fill_full_int(counter, key, step["count"], "i64")
        return np.concatenate([keys, np.zeros_like(keys)]) if op == "make_seeds" else keys
    shape = step["shape"]
    if op == "binomial":
        return reference.fill_binomial(counter, key, shape, step["counts"], step["probs"], dtype)[0]
    count = reference.prod(shape)
    if op == "uniform_full_int":
        return reference.fill_full_int(counter, key, count, dtype)
    if op == "uniform" and dtype in LIMITS:
        return reference.fill_int_range(counter, key, count, dtype, step["minval"], step["maxval"])
    raw = raw_floats(op, counter, key, count, dtype).reshape(shape)
    if op == "uniform":
        return scaled(raw, step["maxval"], step["minval"], dtype, True).reshape(-1)
    return scaled(raw, step["stddev"], step["mean"], dtype, False).reshape(-1)


def elements_drawn(step):
    """How far a draw moves the counter, in elements of 256 blocks."""
    if "count" in step:
        return step["count"]
    if step["op"] == "binomial":
        _, samples, batch = reference.bcast_split(step["shape"], step["counts"], step["probs"])
        return batch * 200 * (samples + 3) // 4
    return reference.prod(step["shape"])


def written(values, dtype):
    if dtype in ("f16", "bf16"):
        wide = np.asarray(values, np.float32)
        bits = wide.astype(np.float16).view(np.uint16) if dtype == "f16" else wide.view(np.uint32) >> np.uint32(16)
        return [f"{int(b):04x}" for b in bits]
    if dtype in ("f32", "f64"):
        digits = 8 if dtype == "f32" else 16
        return [f"{int(b):0{digits}x}" for b in np.ascontiguousarray(values).view(f"u{digits // 2}")]
    return [int(v) for v in values]


# ------------------------------------------------------------------ steps
class Scribe:
    """Makes one case: chooses steps, asks the reference, writes them down."""

    def __init__(self, rng, name, replicas=None):
        self.rng, self.replicas, self.gens, self.made, self.saved = rng, replicas, {}, {}, {}
        self.case = {"name": name, "steps": []}
        if replicas:
            self.case = {"name": name, "replicas": replicas, "steps": self.case["steps"]}

    def note(self, step):
        if "gen" in step:
            step["state"] = self.gens[step["gen"]].states[0]
            step["state"] = list(step["state"])
        self.case["steps"].append(step)

    def make(self, name, where=None, replicas=None):
        rng = self.rng
        words = [rng.choice([rng.getrandbits(64), M64 - rng.randrange(2000), rng.randrange(2000), (1 << 32) - 1 << 32])
                 for _ in range(3)]
        words = [reference.s64(w) for w in words]
        kind = rng.choice(["from_seed", "from_seed", "from_state", "from_key_counter"])
        if kind == "from_seed":
            seed = rng.choice([[rng.getrandbits(bits) * rng.choice([1, -1])] for bits in (8, 63, 64, 130, 200)]
                              + [[], words, words[:2], words + [1]])
            step = {"op": kind, "seed": seed}
            state = reference.state_from_seed(seed, "philox")
        elif kind == "from_state":
            step, state = {"op": kind, "value": words}, words
        else:
            step, state = {"op": kind, "key": words[2], "counter": words[:2], "key_want": words[2]}, words
        step.update({"alg": "philox", "gen": name})
        if where:
            step["where"] = where
        if replicas:
            step["replicas"] = replicas
        size = replicas or self.replicas or 1
        self.gens[name] = reference.Gen(state, "philox", size if where == "scope" else 0)
        self.made[name] = size
        self.note(step)

    def draw(self, name, where=None, long=False):
        gen, step = self.gens[name], self.choose_draw(where, long)
        step["gen"] = name
        if where:
            step["where"] = where

        def one(replica, own_stream):
            counter, key = gen.split_state(replica)
            if own_stream:
                key = gen.replica_key(key, replica)
            values = answer(step, counter, key)
            gen.skip(elements_drawn(step), replica)
            return values
        dtype = step["dtype"]
        if where == "run":
            mirrored = gen.replicas > 0
            step["want"] = [written(one(r if mirrored else 0, mirrored), dtype) for r in range(self.made[name])]
        else:
            values = [one(r, False) for r in range(len(gen.states))][0]
            if long:
                step["first"], step["last"] = written(values[:4], dtype), written(values[-4:], dtype)
                if not (dtype == "f64" and "normal" in step["op"]):  # those may be 2 ULP off
                    step["sha256"] = hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()
            else:
                step["want"] = written(values, dtype)
        self.note(step)

    def choose_draw(self, where, long):
        rng = self.rng
        op = rng.choice(["normal", "normal", "truncated_normal", "uniform", "uniform", "uniform_full_int"]
                        + ([] if long else ["binomial", "make_seeds"] + (["split_keys"] if where == "run" else [])))
        if op in ("make_seeds", "split_keys"):
            return {"op": op, "dtype": "i64", "count": rng.randrange(1, 6)}
        if op == "binomial":
            return self.binomial()
        floats, ints = ["f16", "bf16", "f32", "f64"], ["i32", "i64", "u32", "u64"]
        if long:
            floats = ["f32", "f64"]
        dtype = rng.choice(ints if op == "uniform_full_int" else floats + ints if op == "uniform" else floats)
        shape = [rng.choice([4097, 10007])] if long else self.shape()
        step = {"op": op, "dtype": dtype, "shape": shape}
        if op == "uniform" and dtype in LIMITS:
            low, high = LIMITS[dtype]
            a, b = sorted(rng.sample([low, high, rng.randint(low, high), rng.randint(low, high), 0 if low else 1, 100], 2))
            step.update({"minval": a, "maxval": b if b > a else a + 1})
        elif op != "uniform_full_int":
            first, second = ("minval", "maxval") if op == "uniform" else ("mean", "stddev")
            step[first], step[second] = self.parameters(shape, long)
        return step

    def shape(self):
        rng = self.rng
        return rng.choice([[], [1], [rng.randrange(2, 24)], [3, 5], [2, 1, 7], [rng.randrange(1, 5), rng.randrange(1, 5)], [0], [3, 0]])

    def number(self):
        rng = self.rng
        return float(np.float32(rng.choice([0.0, 1.0, -1.0, rng.uniform(-3, 3), rng.uniform(-1000, 1000), rng.gauss(0, 1) * 1e-3])))

    def parameters(self, shape, plain):
        """Two numbers, or nested lists that broadcast with each other and `shape`, and may enlarge it."""
        rng = self.rng
        width = shape[-1] if shape and shape[-1] > 1 else rng.randrange(1, 4)
        height = shape[-2] if len(shape) > 1 and shape[-2] > 1 else rng.randrange(1, 3)

        def one():
            if plain or 0 in shape or rng.random() < 0.5:
                return self.number()
            columns = rng.choice([width, 1])
            if rng.random() < 0.5:
                return [self.number() for _ in range(columns)]
            return [[self.number() for _ in range(columns)] for _ in range(rng.choice([height, 1]))]
        return one(), one()

    def binomial(self):
        rng = self.rng

        def count():
            return float(rng.choice([0, 1, 7, 30, 200, 2000]))

        def prob():
            return float(np.float32(rng.choice([0.0, 1.0, 0.5, rng.random(), rng.random(), rng.random() * 0.02])))
        dtype = rng.choice(["i32", "i64", "f32", "f64"])
        if rng.random() < 0.5:
            return {"op": "binomial", "dtype": dtype, "shape": self.shape(), "counts": count(), "probs": prob()}
        width = rng.randrange(1, 5)
        step = {"op": "binomial", "dtype": dtype, "shape": rng.choice([[], [3], [2, 2]]) + [width],
                "counts": [count() for _ in range(width)], "probs": [prob() for _ in range(rng.choice([width, 1]))]}
        return step

    def change(self, name, where=None):
        rng, gen = self.rng, self.gens[name]
        op = rng.choice(["skip", "skip", "reset", "reset_from_seed", "reset_from_key_counter"])
        words = [reference.s64(rng.getrandbits(64)) for _ in range(3)]
        if op == "skip":
            step = {"op": op, "delta": rng.choice([rng.randrange(-5, 100), 2**40, -(2**33), 2**56 + 3])}
            for replica in range(len(gen.states)):
                gen.skip(step["delta"], replica)
        elif op == "reset":
            step = {"op": op, "value": words}
            gen.set_all(words)
        elif op == "reset_from_seed":
            step = {"op": op, "seed": rng.choice([[rng.getrandbits(70)], words[:2]])}
            gen.set_all(reference.state_from_seed(step["seed"], "philox"))
        else:
            step = {"op": op, "key": words[2], "counter": words[:2]}
            gen.set_all(words)
        step["gen"] = name
        if where:
            step["where"] = where
        self.note(step)

    def split(self, name):
        gen = self.gens[name]
        counter, key = gen.split_state(0)
        keys = [int(k) for k in reference.fill_full_int(counter, key, 3, "i64")]
        gen.skip(3)
        into = [f"{name}{i}" for i in range(3)]
        for child, k in zip(into, keys):
            self.gens[child], self.made[child] = reference.Gen([0, 0, k]), 1
        self.note({"op": "split", "gen": name, "into": into, "states": [[0, 0, k] for k in keys]})
        return into

    def save(self, name):
        self.saved[name] = list(self.gens[name].states[0])
        self.note({"op": "save", "gen": name, "name": f"saved {name}"})

    def restore(self, name, of):
        self.gens[name].set_all(self.saved[of])
        self.note({"op": "restore", "gen": name, "name": f"saved {of}"})


# ------------------------------------------------------------------ cases
def generator_cases(rng, count):
    for i in range(count):
        scribe = Scribe(rng, f"beyond/generator/{i}")
        scribe.make("g")
        for j in range(10):
            scribe.change("g") if j % 4 == 3 else scribe.draw("g")
        for child in scribe.split("g"):
            scribe.draw(child)
        scribe.draw("g", long=True)
        yield scribe.case


def strategy_cases(rng, count):
    for i in range(count):
        replicas = i % 7 + 1
        scribe = Scribe(rng, f"beyond/strategy/{i}/replicas={replicas}", replicas)
        scribe.make("g", "scope")
        scribe.make("outside", "outside")
        for j in range(8):
            scribe.draw("g", "run")
            if j % 3 == 0:
                scribe.draw("outside", "run")
            if j % 3 == 1:
                scribe.draw("g", "scope")
            if j % 3 == 2:
                scribe.change("g", "scope")
        yield scribe.case


def checkpoint_cases(rng, count):
    for i in range(count):
        writers, readers = rng.randrange(1, 8), rng.randrange(1, 8)
        kind = rng.choice(["scope-scope", "scope-scope", "scope-outside", "outside-scope"])
        places = kind.split("-")
        scribe = Scribe(rng, f"beyond/checkpoint/{i}/{places[0]}-{writers}-to-{places[1]}-{readers}")
        for name, place, size in (("g", places[0], writers), ("h", places[1], readers)):
            size = size if place == "scope" else 1
            where = "run" if place == "scope" else "outside"
            scribe.make(name, place, size)
            scribe.draw(name, where)
            if name == "g":
                scribe.save(name)
            else:
                scribe.restore(name, "g")
            scribe.draw(name, where)
        yield scribe.case


def write(path, cases):
    with open(path, "w") as file:
        file.write("[\n" + ",\n".join(
            " " + json.dumps(dict(case, steps=0))[:-2] + "[\n  "
            + ",\n  ".join(json.dumps(step) for step in case["steps"]) + "\n ]}" for case in cases) + "\n]\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--out", required=True, help="folder, exists")
    parser.add_argument("--scale", type=int, default=1, help="how many times as many cases")
    arguments = parser.parse_args()
    reference.MATH = reference.LibmMath()
    np.seterr(all="ignore")
    for name, cases, count in (("generators", generator_cases, 34), ("strategies", strategy_cases, 14),
                               ("checkpoints", checkpoint_cases, 14)):
        rng = random.Random(f"{name} {arguments.seed}")
        write(os.path.join(arguments.out, name + ".json"), list(cases(rng, count * arguments.scale)))


if __name__ == "__main__":
    main()
