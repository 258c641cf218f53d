"""Models as runs describe them: by their flags and their checkpoints."""

import pathlib

import keras

import mimo_keras
from mimo_keras import data
from mimo_keras.analysis.run_files import read_json
from mimo_keras.errors import expected
from mimo_keras.training import SmoothedCrossEntropy, WarmUpStepDecay
from mimo_keras.training.fit import restore
from uncertainty_runs.common import config


def build_model(s, train, unique, steps):
    """Creates and compiles the model of a run.

    Args:
        s: The value of every flag.
        train: Its training images: `data.Examples` or `data.Photographs`.
        unique: Unique images a step.
        steps: Steps an epoch.

    Returns:
        The compiled `EnsembleModel`.
    """
    mean, std = data.standardization(s["dataset"])
    model = mimo_keras.create_model(
        s["method"],
        backbone=s["backbone"],
        input_shape=train.image_shape,
        num_classes=train.num_classes,
        ensemble_size=s["ensemble_size"],
        mean=mean,
        std=std,
        seed=s["seed"],
        sync_batch_norm=bool(s.get("sync_batch_norm")),
        **config.method_options(s, train_examples=len(train)),
    )
    optimizer = build_optimizer(s, unique, steps)
    model.compile(
        optimizer,
        loss=smoothed_loss(s["label_smoothing"]),
        l1=s.get("l1") or 0.0,
        l2=s["l2"],
        l2_scope=s["l2_scope"],
    )
    return model


def smoothed_loss(label_smoothing):
    """Returns the loss of a run; None for cross-entropy as it is."""
    return SmoothedCrossEntropy(label_smoothing) if label_smoothing else None


def build_optimizer(s, unique, steps):
    """Returns the optimizer of a run, with its schedule; as `build_model`."""
    rate = s["base_learning_rate"] * unique / s["images_per_rate"]
    schedule = WarmUpStepDecay(
        rate,
        [
            steps * epoch * s["train_epochs"] // s["lr_decay_of"]
            for epoch in s["lr_decay_epochs"]
        ],
        s["lr_decay_ratio"],
        steps * s["lr_warmup_epochs"],
    )
    if s["schedule"] == "cosine":
        schedules = keras.optimizers.schedules
        schedule = schedules.CosineDecay(rate, steps * s["train_epochs"])
    if s["optimizer"] == "adam":
        return keras.optimizers.Adam(schedule)
    return keras.optimizers.SGD(schedule, momentum=0.9, nesterov=s["nesterov"])


def recorded(run):
    """Returns the flags.json of a training run.

    Args:
        run: Its folder.

    Raises:
        InputError: It is not there, damaged, or of something else.
    """
    path = pathlib.Path(run, "flags.json")
    values = read_json(path)
    # What only training writes: it is not among the flags themselves.
    if not {"batch_size", "l2_scope", "use_bfloat16"} <= {*values}:
        raise expected(
            "the folder of a run that was trained",
            f"path={path}, of something else",
            "Name a folder of cifar.py or imagenet.py.",
        )
    return values


def load_run(run, values, source):
    """Rebuilds the model of a run from its flags and its last checkpoint.

    Args:
        run: Its folder.
        values: Its flags.json.
        source: Images of its data set, for shape and classes.

    Returns:
        The `EnsembleModel`.
    """
    policy = "mixed_bfloat16" if values["use_bfloat16"] else "float32"
    keras.mixed_precision.set_global_policy(policy)
    # Steps and batch only make the learning rate, which is not used here.
    model = build_model(values, source, unique=1, steps=1)
    if not restore(model, pathlib.Path(run))[0]:
        raise expected(f"a checkpoint in {run}", "none", "Train it first.")
    return model
