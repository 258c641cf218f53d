"""Time of each method against the deterministic network, in one run.

    python benchmarks/cost_of_methods.py --backbone=wide_resnet_16_4

    python benchmarks/cost_of_methods.py --backbone=wide_resnet_28_10 \
        --methods=batch_ensemble:4,deep_ensemble:4 --what=inference

All contestants take turns, round after round, so that a drift of the
machine's speed meets all of them alike; the table gives the median of the
rounds' ratios, and their range. Inference is of the exported predictor, on
`--batch_size` images; a training step is on as many images, too, but for
MIMO with R = 4 on a quarter of them, which are as many rows.
"""

import statistics
import sys
import time

import keras
import numpy as np
from absl import app, flags

import mimo_keras
from mimo_keras import methods
from mimo_keras.analysis import markdown_table

flags.DEFINE_string("backbone", "wide_resnet_16_4", "Backbone.")
flags.DEFINE_integer("batch_size", 32, "Rows of a step, images of a forward.")
flags.DEFINE_integer("rounds", 7, "Turns that each contestant gets.")
flags.DEFINE_list(
    "methods",
    "naive_multihead:3,mimo:2,mimo:3,mimo:4,batch_ensemble:4,"
    "mixture_ensemble:4,deep_ensemble:4",
    "Each as method:M.",
)
flags.DEFINE_list("what", "inference,training step", "What is timed.")

SHAPE, CLASSES, REPETITIONS = (32, 32, 3), 10, 4
BASE = "deterministic:1"


def main(_):
    f = flags.FLAGS
    functions = {
        entry: prepared(f.backbone, f.batch_size, entry, f.what)
        for entry in (BASE, *f.methods)
    }
    seconds = take_turns(functions, f.rounds)
    print(f"{f.backbone}, batch {f.batch_size}, {f.rounds} rounds")
    print(f"Keras {keras.__version__} on {keras.backend.backend()}")
    columns = ["Method:M"]
    for what in f.what:
        columns += [what.capitalize(), "(range)"]
    rows = [
        sum((ratios(seconds, entry, what) for what in f.what), [entry])
        for entry in functions
    ]
    print(markdown_table(rows, columns))


def prepared(backbone, batch_size, entry, what):
    """Returns the functions that are timed, each compiled and warm."""
    method, members = entry.split(":")
    repeats = "batch_repetitions" in methods.options(method)
    repetitions = REPETITIONS if repeats else 1
    options = {"batch_repetitions": repetitions} if repeats else {}
    model = mimo_keras.create_model(
        method,
        backbone=backbone,
        input_shape=SHAPE,
        num_classes=CLASSES,
        ensemble_size=int(members),
        **options,
    )
    model.compile(keras.optimizers.SGD(0.01, momentum=0.9), l2=3e-4)
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (batch_size, *SHAPE), dtype=np.uint8)
    unique = batch_size // repetitions
    labels = rng.integers(0, CLASSES, unique)
    predictor = model.predictor()
    functions = {
        "inference": lambda: predictor.predict_on_batch(images),
        "training step": lambda: model.train_on_batch(images[:unique], labels),
    }
    for name in what:
        functions[name]()
    return {name: functions[name] for name in what}


def take_turns(functions, rounds):
    """Returns seconds[name, what], a list with one time for each round."""
    seconds = {}
    for _ in range(rounds):
        for what in functions[BASE]:
            for name, function in functions.items():
                start = time.perf_counter()
                function[what]()
                took = time.perf_counter() - start
                seconds.setdefault((name, what), []).append(took)
    return seconds


def ratios(seconds, name, what):
    """Returns the median ratio to deterministic over rounds, and the range."""
    pairs = zip(seconds[name, what], seconds[BASE, what], strict=True)
    values = [mine / base for mine, base in pairs]
    return [
        f"{statistics.median(values):.3f}",
        f"{min(values):.3f} to {max(values):.3f}",
    ]


if __name__ == "__main__":
    app.run(main, argv=sys.argv)
