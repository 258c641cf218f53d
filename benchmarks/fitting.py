"""Training by `fit` from 60,000 small images, against its bare steps."""

import numpy as np

import mimo_keras
from benchmarks import turns
from benchmarks.worker import Worker
from mimo_keras import data
from mimo_keras.data.augmentation import crop_and_flip

SHAPE, CLASSES, EXAMPLES = (28, 28, 1), 10, 60_000
BACKBONE = "small_cnn_4"
FITS = {
    "deterministic:1": {
        "method": "deterministic",
        "ensemble_size": 1,
        "steps": 234,
    },
    "mimo:3": {
        "method": "mimo",
        "ensemble_size": 3,
        "options": {"batch_repetitions": 4},
        "steps": 60,
    },
}
"""Row -> spec, with the steps of a turn: the recipes of Fashion-MNIST."""
BATCH = 128
EPOCH = EXAMPLES // BATCH


def section(f, record):
    """Times what `bench` calls "fit", and saves its rows."""
    for name, own in FITS.items():
        if not record.has("fit", name):
            print(f"fit: {name} ...", flush=True)
            with Worker(own | {"library": "fit"}) as worker:
                steps = own["steps"]
                row = turns.within(worker, "fit", "bare", steps, f.turns)
                epoch = turns.seconds(worker, "input", EPOCH, f.turns, True)
            bare = row["base_processor_seconds"] / steps * EPOCH
            record.add("fit", name, row | {"input_share": epoch / bare})


def contestant(spec):
    """Returns the contestant for `contestants.build`.

    "fit" trains for so many steps on batches as a run's: in random order,
    shifted and flipped. "bare" then runs the same compiled step as often on one
    batch, which is on the device already. "input" only makes so many batches.
    """
    import keras
    import tensorflow as tf

    model = mimo_keras.create_model(
        spec["method"],
        backbone=BACKBONE,
        input_shape=SHAPE,
        num_classes=CLASSES,
        ensemble_size=spec["ensemble_size"],
        **spec.get("options", {}),
    )
    model.compile(keras.optimizers.SGD(0.01, momentum=0.9), l2=3e-4)
    draw = np.random.default_rng(0)
    images = draw.integers(0, 256, (EXAMPLES, *SHAPE), dtype=np.uint8)
    labels = draw.integers(0, CLASSES, EXAMPLES)
    examples = data.Examples("drawn", images, labels, CLASSES)
    batches = data.training_batches(
        examples, BATCH, seed=0, epochs=1, augment=crop_and_flip(2)
    )
    batch = tf.constant(images[:BATCH]), tf.constant(labels[:BATCH])

    def fit(steps):
        options = {"steps_per_epoch": steps, "shuffle": False, "verbose": 0}
        return lambda: model.fit(batches, **options)

    def bare(steps):
        step = tf.function(model.train_step)

        def run():
            for _ in range(steps):
                logs = step(batch)
            # Steps may be under way: wait for the last.
            return {name: value.numpy() for name, value in logs.items()}

        return run

    def batches_only(steps):
        return lambda: [None for _ in batches.take(steps)]

    return {"fit": fit, "bare": bare, "input": batches_only}, {}
