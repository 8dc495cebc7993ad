"""draw out of a checkpoint: the numbers that its generators go on with."""

import json
import os

import numpy as np

from support import *


class OutOfCheckpoints(CommandTest):
    def test_generators_go_on(self):
        expected = json.loads(read(os.path.join(CHECKPOINTS, "expected.json")))
        drawn = 0
        for file, content in expected.items():
            for name, next_ in content["next"].items():
                options = ["--checkpoint", os.path.join(CHECKPOINTS, file), "--object", name, "--dtype", "u32",
                           "--count", "5"]
                self.assertEqual([int(x) for x in self.output("draw", *options).split()], next_["primary"])
                replicas = self.output("draw", *options, "--replicas", "0:8").split()
                self.assertEqual([int(x) for x in replicas], sum(next_["replicas"], []))
                one = self.output("draw", *options, "--replica", "5").split()
                self.assertEqual([int(x) for x in one], next_["replicas"][5])
                drawn += 1
        self.assertGreaterEqual(drawn, 9)

    def test_nested_names_and_the_only_generator(self):
        options = ["--dtype", "u32", "--count", "3", "--checkpoint", checkpoint("nested")]
        named = self.output("draw", *options, "--object", "model/encoder/attention/noise")
        self.assertEqual(self.output("draw", *options), named)
        self.assertEqual(self.output("draw", "--dtype", "u32", "--count", "3", "--seed", "7"), named)

    def test_the_wrong_name_says_which_there_are(self):
        ended = self.expect(USAGE, "draw", "--checkpoint", checkpoint("mirrored"))
        self.assertIn(b"dropout, noise, turns", ended.stderr)
        ended = self.expect(USAGE, "draw", "--checkpoint", checkpoint("mirrored"), "--object", "step")
        self.assertIn(b"is a number, no generator", ended.stderr)
        ended = self.expect(USAGE, "draw", "--checkpoint", checkpoint("leaves"))
        self.assertIn(b"none", ended.stderr)

    def test_files_that_are_none(self):
        self.expect(UNREADABLE, "draw", "--checkpoint", self.path("absent.h5"))
        self.expect(BAD_FILE, "draw", "--checkpoint", self.write("empty.h5", b""))
        self.expect(BAD_FILE, "draw", "--checkpoint", "/dev/zero")

    def test_files_that_no_program_could_restore(self):
        def named(algorithm):
            def change(file):
                file["noise"].attrs["algorithm"] = np.bytes_(algorithm)
            return change

        for algorithm in ("mt19937", "philox;threefry", "phil\u202eox", "autoselect", ""):
            path = self.changed("algorithm.h5", named(algorithm.encode()))
            said = self.expect(BAD_FILE, "draw", "--checkpoint", path, "--object", "noise").stderr
            self.assertIn(b"algorithm.h5: object 'noise' was saved by a ", said)
            self.assertNotIn("\u202e".encode(), said)
            self.assertEqual(said, self.expect(BAD_FILE, "verify", path).stderr)

        def without_state(file):
            del file["noise/state"]
            del file["noise"].attrs["values"]

        self.expect(BAD_FILE, "draw", "--checkpoint", self.changed("stateless.h5", without_state), "--object", "noise")


class ReplicasThatDiffer(CommandTest):
    REPLICAS = 2000

    def setUp(self):
        super().setUp()
        # Words of as many digits as there are: the states are far more than a pipe holds.
        self.states = np.array([(2**63 - 1 - i, -2**63 + i, -2**63 + 7 * i) for i in range(self.REPLICAS)], "<i8")
        self.file = self.changed("dif\u202e\x1b[2Jfer.h5", self.saved_by_replicas)

    def saved_by_replicas(self, file):
        noise = file["noise"]
        noise["state"][...] = self.states[0]
        noise.create_dataset("replica_states", data=self.states)
        noise.attrs["values"] = np.bytes_(b"state/replica_states")
        noise.attrs["replicas"] = np.int64(self.REPLICAS)
        file.move("noise", "noi\u202e;se")
        file.attrs["members"] = np.bytes_("dropout/noi\u202e;se/step/turns/weights".encode())

    def draw(self, *arguments):
        return self.run_command("draw", "--checkpoint", self.file, "--object", "noi\u202e;se", "--dtype", "u32", "--count",
                                "2", *arguments)

    def drawn_by(self, replica):
        words = ",".join(str(word) for word in self.states[replica])
        return self.output("draw", "--state=" + words, "--replica", str(replica), "--dtype", "u32", "--count", "2")

    def test_each_of_many_has_its_own_state(self):
        self.output("verify", self.file)
        for replica in (0, 3, self.REPLICAS - 1):
            ended = self.draw("--replica", str(replica))
            self.assertEqual((ended.returncode, ended.stderr), (OK, b""))
            self.assertEqual(ended.stdout, self.drawn_by(replica))
        ended = self.draw("--replicas", "0:%d" % self.REPLICAS)
        self.assertEqual((ended.returncode, ended.stderr), (OK, b""))
        lines = ended.stdout.splitlines(keepends=True)
        self.assertEqual(len(lines), 2 * self.REPLICAS)
        for replica in (0, 1234, self.REPLICAS - 1):
            self.assertEqual(b"".join(lines[2 * replica:2 * replica + 2]), self.drawn_by(replica))

    def test_a_replica_that_is_not_there(self):
        ended = self.draw("--replicas", "1999:2001")
        self.assertEqual((ended.returncode, ended.stdout), (USAGE, b""))
        self.assertIn(b"holds a state for each of 2000 replicas, and none of replica 2000", ended.stderr)

    def test_whose_numbers_they_are_is_said_without_steering_the_terminal(self):
        ended = self.draw()
        self.assertEqual(ended.returncode, OK)
        self.assertIn(b"dif\\u{202e}\\x1b[2Jfer.h5: 'noi\\u{202e};se' holds a state for each of 2000", ended.stderr)
        self.assertNotIn(b"\x1b", ended.stderr)
        self.assertNotIn("\u202e".encode(), ended.stderr)


main()
