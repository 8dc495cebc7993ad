"""Times what a user of PyTorch or TensorFlow would save with, on the same disk, synced as ours is.

    python3 checkpoint_peers.py list                       which of them this Python has
    python3 checkpoint_peers.py torch.save MIB FOLDER      seconds of one save, each of three rounds

What was saved is loaded and compared. Where that does not work the last line says why, and the exit status
is 1: the package is there but cannot be imported, there is no memory or disk, or the file was wrong.
"""
import importlib.util
import os
import sys
import time

MODULES = {"torch.save": "torch", "tf.train.Checkpoint": "tensorflow"}
ROUNDS = 3


def synced(paths):
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)


def torch_save(mib, folder):
    import torch

    tensors = {str(i): torch.arange(i, i + (16 << 20), dtype=torch.float32) for i in range(mib // 64 or 1)}
    path = os.path.join(folder, "torch.pt")

    def save():
        torch.save(tensors, path)
        synced([path])

    yield save
    loaded = torch.load(path)
    yield all(torch.equal(loaded[name], tensor) for name, tensor in tensors.items())


def tensorflow_save(mib, folder):
    import tensorflow as tf

    variables = {str(i): tf.Variable(tf.range(i, i + (16 << 20), dtype=tf.float32)) for i in range(mib // 64 or 1)}
    checkpoint = tf.train.Checkpoint(**{"v" + name: variable for name, variable in variables.items()})
    prefix = os.path.join(folder, "tensorflow")

    def save():
        checkpoint.write(prefix)
        synced([prefix + ".index", prefix + ".data-00000-of-00001"])

    yield save
    before = {name: tf.identity(variable) for name, variable in variables.items()}
    for variable in variables.values():
        variable.assign(tf.zeros_like(variable))
    checkpoint.read(prefix).assert_consumed()
    yield all(bool(tf.reduce_all(before[name] == variable)) for name, variable in variables.items())


def is_installed(module):
    spec = importlib.util.find_spec(module)
    return spec is not None and spec.origin is not None  # none of a mere folder of that name


def measure(peer, mib, folder):
    steps = {"torch.save": torch_save, "tf.train.Checkpoint": tensorflow_save}[peer](mib, folder)
    save = next(steps)
    save()  # the first one makes the files
    for _ in range(ROUNDS):
        start = time.perf_counter()
        save()
        print(time.perf_counter() - start)
    if not next(steps):
        raise ValueError("it loaded something else than it had saved")


def main():
    if sys.argv[1] == "list":
        for peer, module in MODULES.items():
            if is_installed(module):  # no line where there is none
                print(peer)
        return
    peer, mib, folder = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    try:
        measure(peer, mib, folder)
    except Exception as error:
        what = "cannot import it: " if isinstance(error, ImportError) else ""
        first_line = (str(error).splitlines() or [""])[0]
        print(f"{peer} of {sys.executable}: {what}{type(error).__name__}: {first_line}")
        sys.exit(1)


main()
