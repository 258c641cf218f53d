"""Checks of the arguments of `fit` other than the data."""

import numbers

import keras
import numpy as np

from mimo_keras.errors import expected
from mimo_keras.layers.arguments import is_number
from mimo_keras.training.data_checks import check_count

_COUNTS = {
    "batch_size": 1,
    "epochs": 0,
    "initial_epoch": 0,
    "steps_per_epoch": 1,
    "validation_steps": 1,
    "validation_batch_size": 1,
}


def check(callbacks, validation_split, validation_data, **options):
    """Raises InputError if an argument of `fit` is of a wrong kind.

    Args:
        callbacks: As in Keras.
        validation_split: As in Keras.
        validation_data: As in Keras; the data themselves are not checked.
        **options: Further arguments by name, of which the counts are checked.
    """
    for name, least in _COUNTS.items():
        check_count(name, options.get(name), least)
    every = options.get("validation_freq")
    if not isinstance(every, (list, tuple)):
        check_count("validation_freq", every)
    listed = callbacks if isinstance(callbacks, (list, tuple)) else [callbacks]
    kinds = (keras.callbacks.Callback, type(None))
    if not all(isinstance(callback, kinds) for callback in listed):
        raise expected(
            "callbacks to be keras.callbacks.Callback objects",
            f"callbacks={callbacks!r}",
            "Pass a list of them.",
        )
    _check_validation(validation_split, validation_data)


def _check_validation(split, data):
    if split is not None and not (
        isinstance(split, numbers.Real) and 0 <= split < 1
    ):
        raise expected(
            "validation_split to be a number from 0 to below 1",
            f"validation_split={split!r}",
            "Pass the share of the examples to validate on.",
        )
    if isinstance(data, (tuple, list)) and not 2 <= len(data) <= 3:
        raise expected(
            "validation_data (images, labels) or (images, labels, weights)",
            f"{len(data)} parts",
            "Pass a tuple of these, or a data set.",
        )


def check_compiler(model):
    """Raises InputError if XLA is to compile a step of several replicas.

    TensorFlow's variables of several devices cannot be part of such a step,
    with any Keras model; a TPU's steps are compiled in another way.

    Args:
        model: Compiled keras.Model.
    """
    strategy = getattr(model, "distribute_strategy", None)
    replicas = 1 if strategy is None else strategy.num_replicas_in_sync
    is_tpu = type(strategy).__name__.startswith("TPU")
    if replicas > 1 and not is_tpu and model.jit_compile:
        raise expected(
            "jit_compile=False for several replicas",
            f"jit_compile=True and {replicas} replicas",
            "Leave it out, or use one device.",
        )


def check_sources(images, is_array, validation_split, **given):
    """Raises InputError if arguments do not fit the kind of the data.

    Args:
        images: As given to `fit`.
        is_array: Whether these are an array, not a source of batches.
        validation_split: As in Keras.
        **given: Arguments that only arrays may have beside them.
    """
    given = {name: v for name, v in given.items() if v is not None}
    if not is_array:
        if validation_split:
            given["validation_split"] = validation_split
        if given:
            raise expected(
                "a data set alone, whose batches are (images, labels) or "
                "(images, labels, weights)",
                f"x of type {type(images).__name__} and {', '.join(given)}",
                "Leave it out, or pass arrays.",
            )
    elif validation_split:
        count = len(images)
        rest = int(np.floor(count * (1.0 - validation_split)))
        if not 0 < rest < count:
            raise expected(
                "validation_split to leave examples on both sides",
                f"validation_split={validation_split}, {count} examples",
                "Pass validation_data instead.",
            )


def class_weights(class_weight, likelihood, sample_weight=None):
    """Returns class weights with one for each class, or None.

    Keras fails on a data set if the dictionary lacks classes.

    Args:
        class_weight: None, or a dictionary from class index to a number;
            classes that it lacks have weight 1.
        likelihood: `likelihoods.Likelihood`, which knows the classes.
        sample_weight: Weights of the images, or None.

    Raises:
        InputError: It is none of these, or there are sample weights as well.
    """
    if class_weight is None:
        return None
    if sample_weight is not None:
        raise expected(
            "class_weight or sample_weight",
            "both",
            "Multiply one into the other: pass sample_weight.",
        )
    is_good = isinstance(class_weight, dict) and all(
        is_number(value) and np.isfinite(value)
        for value in class_weight.values()
    )
    if not is_good:
        raise expected(
            "class_weight to be a dictionary from class index to a number",
            f"class_weight={class_weight!r}",
            "Write {0: 1.0, 1: 2.0}.",
        )
    if not likelihood.one_class:
        raise expected(
            "class_weight for examples of one class",
            f"likelihood={likelihood}",
            "Pass sample_weight, one weight for each example.",
        )
    classes = range(likelihood.num_classes or 0)
    unknown = [key for key in class_weight if key not in classes]
    if unknown:
        raise expected(
            f"class_weight for the {len(classes)} classes",
            f"class {unknown[0]!r}",
            "Its keys are class indices from 0; regression has none.",
        )
    return {c: class_weight.get(c, 1.0) for c in classes} or None
