"""Known answers of split_separated, from docs/streams.md sections 1, 2, 5 and 21 alone: plain Python.

    python3 tests/oracle/split_separated.py > tests/golden_beyond/split_separated.json
    python3 tests/oracle/split_separated.py --check tests/golden_beyond/split_separated.json
"""
import json
import sys

M32, M64 = 2**32 - 1, 2**64 - 1
DOMAIN = 0x7365706172617465


def philox(counter, key):
    c = [(counter >> (32 * i)) & M32 for i in range(4)]
    k0, k1 = key & M32, key >> 32
    for _ in range(10):
        p, q = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(q >> 32) ^ c[1] ^ k0, q & M32, (p >> 32) ^ c[3] ^ k1, p & M32]
        k0, k1 = (k0 + 0x9E3779B9) & M32, (k1 + 0xBB67AE85) & M32
    return [c[0] | c[1] << 32, c[2] | c[3] << 32]


def threefry(counter, key):
    ks = [key & M32, key >> 32]
    ks.append(ks[0] ^ ks[1] ^ 0x1BD11BDA)
    x0, x1 = ((counter & M32) + ks[0]) & M32, (((counter >> 32) & M32) + ks[1]) & M32
    for group in range(5):
        for turn in ([13, 15, 26, 6], [17, 29, 16, 24])[group % 2]:
            x0 = (x0 + x1) & M32
            x1 = ((x1 << turn | x1 >> (32 - turn)) & M32) ^ x0
        x0 = (x0 + ks[(group + 1) % 3]) & M32
        x1 = (x1 + ks[(group + 2) % 3] + group + 1) & M32
    return [x0 | x1 << 32]


class State:
    def __init__(self, algorithm, counter, key):
        self.algorithm, self.counter, self.key = algorithm, counter, key
        self.block = philox if algorithm == "philox" else threefry
        self.bits = 128 if algorithm == "philox" else 64

    def words(self):
        out = [self.counter & M64] + ([self.counter >> 64] if self.bits == 128 else []) + [self.key]
        return [w - 2**64 if w >= 2**63 else w for w in out]

    def of_replica(self, replica):  # section 5
        return State(self.algorithm, self.counter, self.block(replica, self.key)[0])

    def split_separated(self, count):  # section 21
        hashed = self.block(self.key, DOMAIN)[0]
        keys = []
        at = self.counter
        while len(keys) < count:
            keys += self.block(at & (2**self.bits - 1), hashed)
            at += 1
        self.counter = (self.counter + 256 * count) & (2**self.bits - 1)
        return [State(self.algorithm, 0, key) for key in keys[:count]]


def case(algorithm, counter, key, count, replica):
    parent = State(algorithm, counter, key)
    start = parent.words()
    drawer = parent if replica is None else parent.of_replica(replica)
    children = drawer.split_separated(count)
    parent.counter = drawer.counter
    elder = children[0] if replica is None else children[0].of_replica(replica)
    return {"algorithm": algorithm, "state": start, "count": count, "replica": replica, "after": parent.words(),
            "children": [child.words() for child in children],
            "grandchildren": [child.words() for child in elder.split_separated(2)]}


def cases():
    for algorithm in ("philox", "threefry"):
        wide = algorithm == "philox"
        for counter, key in ((1, 0), (257, 0), (0, 5), (2**63 + 7, M64), ((9 << 64 if wide else 0) + M64 - 1, 12345678901234567)):
            for count in (1, 5):
                yield case(algorithm, counter, key, count, None)
            for replica in (0, 3):
                yield case(algorithm, counter, key, 3, replica)


def main():
    text = '{"cases": [\n' + ",\n".join(json.dumps(c) for c in cases()) + "\n]}\n"
    if len(sys.argv) == 3 and sys.argv[1] == "--check":
        with open(sys.argv[2], encoding="ascii") as file:
            sys.exit(0 if file.read() == text else "the known answers differ from what the definition gives")
    sys.stdout.write(text)


main()
