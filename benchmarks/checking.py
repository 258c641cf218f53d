r"""Processor time that the checks of a user's data add to a tf.data pipeline.

    python benchmarks/checking.py

Batches are read as they are, flipped at random, and checked as `fit` checks
those of a tf.data.Dataset, in turns. The table has the median milliseconds of
processor time for a batch; autotuning is off, since its thread also takes some.
"""

import functools
import statistics
import time

import numpy as np
from absl import app, flags

import mimo_keras
from mimo_keras.analysis import markdown_table
from mimo_keras.training.checked_sources import Checks

flags.DEFINE_integer("batches", 40, "Batches per turn.", 1)
flags.DEFINE_integer("turns", 5, "Turns of each pipeline.", 1)

SIZES = ((32, (224, 224, 3)), (128, (32, 32, 3)))
CLASSES = 10
COLUMNS = ("Batch", "Images", "Dtype", "Flipped", "Checks add")


def pipelines(rows, shape, dtype, count):
    """Returns the datasets by name: "plain", "flipped" and "checked"."""
    import tensorflow as tf

    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (rows, *shape)).astype("uint8")
    if dtype != "uint8":
        images = (images / 255).astype(dtype)
    batch = images, rng.integers(0, CLASSES, rows)
    options = tf.data.Options()
    options.autotune.enabled = False
    plain = tf.data.Dataset.from_tensors(batch).repeat(count)
    plain = plain.with_options(options)
    model = mimo_keras.create_model(
        "mimo",
        backbone="small_cnn",
        input_shape=shape,
        num_classes=CLASSES,
        ensemble_size=2,
    )
    return {
        "plain": plain,
        "flipped": plain.map(
            lambda x, y: (tf.image.random_flip_left_right(x), y)
        ),
        "checked": Checks(shape, model.standardize, model.likelihood).source(
            plain
        )[0],
    }


def milliseconds(dataset, count):
    """Returns the processor time of one batch."""
    start = time.process_time()
    for _ in dataset:
        pass
    return 1000 * (time.process_time() - start) / count


def measured(rows, shape, dtype, count, turns):
    """Returns a row of the table."""
    found = pipelines(rows, shape, dtype, count)
    clock = functools.partial(milliseconds, count=count)
    times = [{n: clock(d) for n, d in found.items()} for _ in range(turns + 1)]
    flipped, checked = (
        statistics.median(turn[name] - turn["plain"] for turn in times[1:])
        for name in ("flipped", "checked")
    )
    size = "x".join(map(str, shape))
    return [str(rows), size, dtype, f"{flipped:.1f}", f"{checked:.1f}"]


def main(_):
    f = flags.FLAGS
    rows = [
        measured(*size, dtype, f.batches, f.turns)
        for size in SIZES
        for dtype in ("float32", "uint8")
    ]
    print(markdown_table(rows, list(COLUMNS)))


if __name__ == "__main__":
    app.run(main)
