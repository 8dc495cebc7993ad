"""draw: its numbers are the ones that TensorFlow gave, in whatever shape."""

import hashlib
import json
import os

import numpy as np

from support import *

NUMPY = {"f16": "<u2", "bf16": "<u2", "f32": "<u4", "f64": "<u8", "i32": "<i4", "i64": "<i8", "u32": "<u4", "u64": "<u8"}
PARAMETERS = ("mean", "stddev", "minval", "maxval", "counts", "probs", "alpha", "beta", "lam")


def elements(raw, dtype):
    """As the known answers write them: floats as hex bits, integers as integers."""
    values = np.frombuffer(raw, NUMPY[dtype])
    if dtype[0] in "iu":
        return [int(x) for x in values]
    return ["%0*x" % (2 * values.itemsize, int(x)) for x in values]


def close(got, wanted):
    """f64 normals and gammas are within some ULP of TensorFlow's."""
    a, b = (np.array([int(x, 16) for x in list_], "<u8").view("<f8") for list_ in (got, wanted))
    return np.allclose(a, b, rtol=1e-13, atol=1e-13)


class KnownAnswers(CommandTest):
    def answers(self, name):
        return json.loads(read(os.path.join(GOLDEN, name + ".json")))

    def arguments_of(self, step, operation):
        """Options for a draw of `step`; None where the command has no way to say it."""
        arguments = [operation, "--dtype", step["dtype"]]
        for name in PARAMETERS:
            if name not in step or (name == "beta" and step[name] is None):
                continue
            if isinstance(step[name], (list, str)):
                return None
            arguments.append("--%s=%r" % (name, step[name]))
        arguments.append("--shape=[%s]" % ",".join(map(str, step["shape"])))
        return arguments

    def compare(self, raw, step, wanted):
        if "sha256" in step:
            self.assertEqual(hashlib.sha256(raw).hexdigest(), step["sha256"])
        elif "first" in step and wanted is None:
            got = elements(raw, step["dtype"])
            self.assertEqual((got[:4], got[-4:]), (step["first"], step["last"]))
        else:
            got = elements(raw, step["dtype"])
            exact = step["dtype"] != "f64" or "normal" not in step["op"] and "gamma" not in step["op"]
            self.assertTrue(got == wanted if exact else close(got, wanted), (step, got))

    def replay(self, file):
        drawn = 0
        for case in self.answers(file):
            states, algorithms, mirrored = {}, {}, {}
            for step in case["steps"]:
                generator, operation = step.get("gen"), step["op"]
                if operation.startswith("from_"):
                    algorithms[generator] = step.get("alg", "philox")
                    mirrored[generator] = step.get("where") == "scope"
                within = step.get("where") == "run"
                if operation in ("normal", "truncated_normal", "uniform", "uniform_full_int", "binomial") and \
                        not (within and not mirrored[generator]) and (arguments := self.arguments_of(step, operation)):
                    state = ",".join(map(str, states[generator]))
                    arguments += ["--state=" + state, "--algorithm", algorithms[generator], "--format", "raw"]
                    wanted = step.get("want")
                    if wanted and isinstance(wanted[0], list) and not within:
                        (wanted,) = wanted
                    if within:
                        arguments += ["--replicas", "0:%d" % len(wanted)]
                        wanted = [x for replica in wanted for x in replica]
                    self.compare(self.output("draw", *arguments), step, wanted)
                    drawn += 1
                if "state" in step:
                    states[generator] = step["state"]
                for child, state in zip(step.get("into", []), step.get("states", [])):
                    states[child], algorithms[child] = state, algorithms[generator]
                    mirrored[child] = mirrored[generator]
        return drawn

    def test_generators(self):
        self.assertGreater(self.replay("generators"), 400)

    def test_replicas(self):
        self.assertGreater(self.replay("strategies"), 50)

    def test_restored(self):
        self.assertGreater(self.replay("checkpoints"), 5)

    def test_threefry(self):
        self.assertGreater(self.replay("threefry") + self.stateless("threefry"), 60)

    def stateless(self, file):
        drawn = 0
        for case in self.answers(file):
            for step in case["steps"]:
                if not step["op"].startswith("stateless_"):
                    continue
                operation = step["op"].removeprefix("stateless_")
                wanted = step["want"]
                if operation == "categorical":
                    # The first of several rows.
                    row = np.array(step["logits"]).reshape(-1, np.array(step["logits"]).shape[-1])[0]
                    if step["logits_dtype"] == "bf16":
                        continue
                    row = row.astype({"f16": "f2", "f32": "f4", "f64": "f8"}[step["logits_dtype"]]).astype("f8")
                    arguments = [operation, "--dtype", step["dtype"], "--count", str(step["num_samples"]),
                                 "--logits=" + ",".join(map(repr, map(float, row)))]
                    wanted = wanted[:step["num_samples"]]
                elif operation in ("shuffle", "fold_in", "split"):
                    continue
                else:
                    arguments = self.arguments_of(step, operation)
                if arguments is None:
                    continue
                raw = self.output("draw", *arguments, "--stateless-seed=" + ",".join(map(str, step["seed"])),
                                  "--algorithm", step.get("alg", "philox"), "--format", "raw")
                self.compare(raw, step, wanted)
                drawn += 1
        return drawn

    def test_stateless(self):
        self.assertGreater(self.stateless("stateless"), 100)


class Shapes(CommandTest):
    def words(self, *arguments):
        return self.output("draw", "--dtype", "u32", "--seed", "3", *arguments).decode()

    def test_text_is_an_element_a_line(self):
        self.assertEqual(self.words("--count", "4"), self.words("--shape", "2,2"))
        self.assertEqual(len(self.words("--count", "4").splitlines()), 4)
        for count in ("2e3", "2E+3", "2K", "2k", "2000"):
            self.assertEqual(len(self.words("--count", count).splitlines()), 2000)

    def test_csv_is_rows(self):
        flat = self.words("--count", "24").split()
        rows = self.words("--shape", "2,3,4", "--format", "csv").splitlines()
        self.assertEqual(rows, [",".join(flat[i:i + 4]) for i in range(0, 24, 4)])
        self.assertEqual(self.words("--count", "24", "--format", "csv").split(), flat)

    def test_replicas_in_turn_or_interleaved(self):
        each = [self.words("--replica", str(r), "--count", "1000").split() for r in range(2, 7)]
        self.assertEqual(self.words("--replicas", "2:7", "--count", "1000").split(), sum(each, []))
        columns = self.words("--replicas", "2:7", "--count", "1000", "--interleave", "--format", "csv").splitlines()
        self.assertEqual(columns, [",".join(row) for row in zip(*each)])
        raw = self.expect(OK, "draw", "--dtype", "u32", "--seed", "3", "--replicas", "2:7", "--count", "1000",
                          "--interleave", "--format", "raw").stdout
        self.assertEqual(np.frombuffer(raw, "<u4").reshape(1000, 5).T.astype(str).tolist(), each)

    def test_raw_is_little_endian(self):
        for dtype, kind in (("u32", "<u4"), ("i64", "<i8"), ("f32", "<f4"), ("f64", "<f8")):
            arguments = ["draw", "--dtype", dtype, "--seed", "1", "--count", "9"]
            raw = np.frombuffer(self.output(*arguments, "--format", "raw"), kind)
            text = np.array(self.output(*arguments).split(), dtype=kind)
            np.testing.assert_array_equal(raw, text)

    def test_longer_than_a_chunk_is_one_draw(self):
        # 3,000,000 elements are three chunks; ThreeFry's layout depends on the whole length.
        for algorithm in ("philox", "threefry"):
            arguments = ["draw", "normal", "--seed", "1", "--algorithm", algorithm, "--format", "raw"]
            whole = self.output(*arguments, "--shape", "3000000")
            self.assertEqual(len(whole), 12000000)
            rows = self.output(*arguments, "--shape", "1000000,3")
            self.assertEqual(whole == rows, algorithm == "philox")
            prefix = self.output(*arguments, "--count", "1000000")
            self.assertEqual(whole[:4000000], prefix)

    def test_seeds_states_and_skips(self):
        def draw(*arguments):
            return self.output("draw", "--dtype", "u64", "--count", "2", *arguments)
        self.assertEqual(draw("--seed", "1"), draw("--state", "1,0,0"))
        self.assertEqual(draw("--seed", "1,2"), draw("--state", "0,1,2"))
        self.assertEqual(draw("--seed", "7,"), draw("--state", "0,0,7"))
        self.assertEqual(draw("--seed=-1"), draw("--state=-1,-1,-1"))
        self.assertEqual(draw("--seed", "-1"), draw("--state", "-1,-1,-1"))
        self.assertEqual(draw("--seed", str(2**64 + 7)), draw("--state", "7,1,0"))
        self.assertEqual(draw("--seed", "0x10000000000000007"), draw("--state", "7,1,0"))
        self.assertEqual(draw("--seed", "1", "--skip", "3"), draw("--state", "769,0,0"))
        self.assertEqual(draw("--seed", "5", "--algorithm", "threefry"), draw("--state", "5,0", "--algorithm", "threefry"))

    def test_names_of_types(self):
        for short, long_ in (("f16", "float16"), ("bf16", "bfloat16"), ("f32", "float32"), ("f64", "float64"),
                             ("i32", "int32"), ("i64", "int64"), ("u32", "uint32"), ("u64", "uint64")):
            self.assertEqual(self.output("draw", "--seed", "1", "--dtype", short),
                             self.output("draw", "--seed", "1", "--dtype", long_))

    def test_a_generators_stateless_numbers_are_of_its_make_seeds(self):
        # from_seed(1).make_seeds(1) is 6679402142117448868, 0.
        options = ["draw", "gamma", "--alpha", "2.5", "--count", "4"]
        self.assertEqual(self.output(*options, "--seed", "1"),
                         self.output(*options, "--stateless-seed", "6679402142117448868,0"))


main()
