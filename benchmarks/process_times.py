"""Startup times of processes."""

import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

from benchmarks import turns
from benchmarks.worker import ROOT, Worker

# The second import's time, after the first, is what it adds.
_IMPORTS = """
import time
def clocks():
    return time.perf_counter(), time.process_time()
times = [clocks()]
import keras
times.append(clocks())
import mimo_keras
times.append(clocks())
print(*(t[i] - times[0][i] for t in times[1:] for i in (0, 1)))
"""
# Ends the process after the first training step, whatever the trainer.
_FIRST_STEP = """
import os, runpy, sys
import keras
calls = keras.callbacks.CallbackList
calls.on_train_batch_end = lambda *_, **__: os._exit(0)
"""
_SCRIPT = """
sys.argv = ["cifar.py", "--dataset=digits", "--output_dir=run"]
runpy.run_path({path!r}, run_name="__main__")
"""
_PLAIN = """
from sklearn import datasets
images, labels = datasets.load_digits(return_X_y=True)
layers = [keras.layers.Reshape((8, 8, 1)), keras.layers.Rescaling(1 / 16)]
for filters in (32, 64, 64):
    layers += [
        keras.layers.Conv2D(filters, 3, padding="same", use_bias=False),
        keras.layers.BatchNormalization(),
        keras.layers.ReLU(),
    ]
layers += [keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(10)]
model = keras.Sequential(layers)
loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
model.compile("sgd", loss, metrics=["accuracy"])
model.fit(images, labels, batch_size=128, verbose=0)
"""


def imports(count):
    """Times `import mimo_keras` against `import keras`.

    Both in one process, one after the other: the time of keras itself varies
    more between processes than the rest takes.
    """
    times = []
    for _ in range(count + 1):
        said = _run(_IMPORTS).stdout.split()
        keras, both = said[:2], said[2:]
        times.append((tuple(map(float, both)), tuple(map(float, keras))))
    return _summary(times)


def first_step(count):
    """Times cifar.py and a plain script to the end of the first step.

    The plain one has a network with the same three convolutions and uses
    Keras's own data handling.
    """
    path = str(ROOT / "uncertainty_runs" / "cifar.py")
    script = _FIRST_STEP + _SCRIPT.format(path=path)
    return _in_turn(script, _FIRST_STEP + _PLAIN, count)


STARTS = {
    "import mimo_keras, against import keras": imports,
    "cifar.py to its first step, against a plain Keras script": first_step,
}


def suite(count):
    """Times a run's evaluation against its bare forward passes."""
    with Worker({"library": "suite"}) as worker:
        return turns.within(worker, "suite", "passes", 0, count)


def _in_turn(mine, base, count):
    """Times two scripts, alternating which one is first."""
    times = []
    for turn in range(count + 1):
        order = (mine, base) if turn % 2 else (base, mine)
        took = {code: _seconds(code) for code in order}
        times.append((took[mine], took[base]))
    return _summary(times)


def _summary(times):
    times = times[1:]  # The first fills the disk cache.
    more = statistics.median(a[0] - b[0] for a, b in times)
    return turns.summary(times) | {"more_seconds": more}


def _seconds(code):
    started, before = time.perf_counter(), os.times()
    _run(code)
    after = os.times()
    worked = sum(after[2:4]) - sum(before[2:4])  # Of child processes.
    return time.perf_counter() - started, worked


def _run(code):
    with tempfile.TemporaryDirectory() as folder:
        return subprocess.run(
            [sys.executable, "-c", code],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(pathlib.Path(ROOT))},
            check=True,
            capture_output=True,
            text=True,
        )
