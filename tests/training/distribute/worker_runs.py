"""Runs for several workers or for one process."""

import functools
import json
import pathlib
import sys

import keras
import numpy as np

from mimo_keras import backbones, data
from mimo_keras.errors import InputError
from mimo_keras.training import WarmUpStepDecay
from mimo_keras.training.distribute import distribution, workers
from mimo_keras.training.fit import fit
from tests.training import networks

IMAGE, EPOCHS, STEPS, BATCH = (4, 4, 2), 2, 4, 8


def tiny(x):
    """A backbone of one convolution with its norm."""
    x = keras.layers.BatchNormalization()(keras.layers.Conv2D(4, 3)(x))
    return keras.layers.GlobalAveragePooling2D()(keras.layers.ReLU()(x))


def stage(x, kit, name):
    """A convolution with its norm, as one stage of a backbone."""
    x = kit.conv(4, 3, name=kit.name(f"{name}_conv"))(x)
    return kit.norm(name=kit.name(f"{name}_norm"))(x)


STAGED = backbones.Backbone(
    stem=lambda x, kit: x,
    stages=tuple(functools.partial(stage, name=f"stage{i}") for i in range(2)),
    top=lambda x, kit: keras.layers.GlobalAveragePooling2D()(x),
)
# All norms are synchronized: otherwise replicas have their own averages.
SETTINGS = {
    "deterministic": {"members": 1, "backbone": tiny},
    # Rows of several members, learned mixture weights, and layers that are
    # told the epoch.
    "mimmo": {
        "members": 2,
        "backbone": STAGED,
        "batch_repetitions": 2,
        "shuffle_group": 3,
        "train_examples": 32,
        "depth_warmup_epochs": 1,
    },
}


def examples(count, seed):
    draw = np.random.default_rng(seed)
    images = draw.integers(0, 256, (count, *IMAGE), dtype=np.uint8)
    labels = draw.integers(0, networks.CLASSES, count)
    return data.Examples("drawn", images, labels, networks.CLASSES)


def batches(initial_epoch):
    """The batches from an epoch on; each epoch omits a few examples."""
    return data.training_batches(
        examples(STEPS * BATCH + 3, seed=0),
        BATCH,
        seed=2,
        epochs=EPOCHS,
        initial_epoch=initial_epoch,
    )


def create(method, strategy):
    with strategy.scope():
        model = networks.create(
            method,
            input_shape=IMAGE,
            sync_batch_norm=True,
            **SETTINGS[method],
        )
        schedule = WarmUpStepDecay(0.1, [STEPS], 0.1, warm_up_steps=2)
        optimizer = keras.optimizers.SGD(schedule, momentum=0.9)
        model.compile(optimizer, l2=1e-3, steps_per_execution=2)
    return model


def train(model, folder):
    """Runs the one fit; returns its rows without the times."""
    rows = fit(
        model,
        batches,
        epochs=EPOCHS,
        steps_per_epoch=STEPS,
        output_dir=folder,
        # The last batch of 14 images is padded by two.
        validation_data=data.weighted_batches(examples(14, seed=1), BATCH),
        verbose=0,
    )
    return [{k: v for k, v in row.items() if k != "seconds"} for row in rows]


def rows_seen(strategy):
    """Returns the labels that this process's replicas get in each step."""
    shared = strategy.experimental_distribute_dataset(batches(0))
    parts = [strategy.experimental_local_results(y) for _, y in shared]
    return np.array(parts).tolist()


def message(function):
    try:
        function()
    except InputError as error:
        return str(error)
    return ""


def main():
    """Runs one of the workers, and saves its results."""
    folder, own = map(pathlib.Path, sys.argv[1:])
    strategy = distribution.make_strategy()
    found = {
        "chief": workers.is_chief(strategy),
        "replicas": strategy.num_replicas_in_sync,
        "met": workers.meet(strategy, int(own.name)),
        "seen": rows_seen(strategy),
        "rows": {},
    }
    models = {method: create(method, strategy) for method in SETTINGS}
    for method, model in models.items():
        found["rows"][method] = train(model, folder / method)
        own.mkdir(exist_ok=True)
        np.savez(own / f"{method}.npz", *model.get_weights())
    # The chief's folder holds a finished run, that of another is empty.
    mine = folder / "mimmo" if found["chief"] else own / "another"
    found["apart"] = message(lambda: train(models["mimmo"], mine))
    wild = models["deterministic"]
    wild.set_weights([weight * 1e30 for weight in wild.get_weights()])
    found["wild"] = message(lambda: train(wild, folder / "wild"))
    (own / "found.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main()
