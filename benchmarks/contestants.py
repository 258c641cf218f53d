"""What is timed: networks of this library and of others."""

import functools
import importlib

import numpy as np

SHAPE, CLASSES, EXAMPLES = (32, 32, 3), 10, 50_000
LEARNING_RATE, MOMENTUM, L2 = 0.01, 0.9, 3e-4
LIBRARIES = {
    "mimo_keras": "benchmarks.contestants",
    "uncertainty_baselines": "benchmarks.uncertainty_baselines_style",
    "torch_uncertainty": "benchmarks.torch_peers",
    "suite": "benchmarks.evaluation",
    "fit": "benchmarks.fitting",
}


def build(spec):
    """Returns the functions that a contestant offers, and facts about it.

    Args:
        spec: "library" (default: ours) and, for most of them, "method",
            "ensemble_size", "backbone", "options" of the method, and "folded"
            and "apart" of the predictor.

    Returns:
        A function from what to do ("inference", "step", …) and the number of
        rows to a function that does it once, to completion; and a dictionary.
    """
    library = spec.get("library", "mimo_keras")
    make = importlib.import_module(LIBRARIES[library]).contestant
    actions, facts = make(spec)

    @functools.cache
    def prepared(what, rows):
        return actions[what](rows)

    return prepared, facts


def images_and_labels(rows):
    """Returns uint8 images and labels, the same for every contestant."""
    draw = np.random.default_rng(0)
    images = draw.integers(0, 256, (rows, *SHAPE), dtype=np.uint8)
    return images, draw.integers(0, CLASSES, rows).astype(np.int64)


def contestant(spec):
    """Returns our contestant, in the form that `build` returns.

    A step has equally many rows in the forward pass for every method: methods
    that show each image R times, or to each of M members, get fewer images.
    """
    import keras

    import mimo_keras
    from mimo_keras import evaluation, methods

    known = methods.options(spec["method"])
    # One pass each: ten samples take ten times as long.
    single = {"samples": 1} if "samples" in known else {}
    examples = {"train_examples": EXAMPLES} if "train_examples" in known else {}
    model = mimo_keras.create_model(
        spec["method"],
        backbone=spec["backbone"],
        input_shape=SHAPE,
        num_classes=CLASSES,
        ensemble_size=spec["ensemble_size"],
        seed=0,
        **(single | spec.get("options", {})),
        **examples,
    )
    model.compile(keras.optimizers.SGD(LEARNING_RATE, MOMENTUM), l2=L2)
    predictor = None

    def inference(rows):
        nonlocal predictor
        how = spec.get("folded", True), spec.get("apart")
        predictor = predictor or model.predictor(*how)
        facts["multiply_adds"] = evaluation.multiply_adds(predictor.network)
        images, _ = images_and_labels(rows)
        return lambda: predictor.predict_on_batch(images)

    def step(rows):
        images, labels = images_and_labels(rows // passes(model, spec))
        return lambda: model.train_on_batch(images, labels)

    facts = {
        "keras": keras.__version__,
        "backend": keras.backend.backend(),
        "parameters": int(model.count_params()),
    }
    return {
        "inference": inference,
        "step": step,
        "formation": functools.partial(_formation, model),
    }, facts


def passes(model, spec):
    """Returns the number of forward-pass rows per training image."""
    if model.sampling.members:
        return model.sampling.batch_repetitions
    methods = ("batch_ensemble", "rank1_bnn", "mixture_ensemble")
    many = (*methods, "deep_ensemble")
    return spec["ensemble_size"] if spec["method"] in many else 1


def _formation(model, rows):
    """Returns a function that only forms a step's rows, on the device."""
    import tensorflow as tf

    from mimo_keras.training import batches

    images, _ = images_and_labels(rows // model.sampling.batch_repetitions)
    images = tf.constant(images)

    @tf.function
    def form():
        x = model.standardize(images)
        chosen = batches.member_rows(x.shape[0], model.sampling, model.row_seed)
        return tf.gather(x, chosen)

    return lambda: form().numpy().shape
