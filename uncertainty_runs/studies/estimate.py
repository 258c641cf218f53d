"""What the training of a run costs, counted from its network."""

import functools

import mimo_keras
from mimo_keras import data, evaluation, methods

EXAMPLES = {
    "cifar10": 50_000,
    "cifar100": 50_000,
    "digits": 1198,
    "imagenet2012": 1_281_167,
}
"""Training images of each data set."""
_PASSES = 3
"""A step costs three forward passes: one forward, two backward."""


def training_flops(point):
    """Returns the FLOPs of a run's training.

    A multiply-add counts as two, and only convolutions and dense layers count.

    Args:
        point: `engine.Point`.
    """
    values = point.settings()
    names = methods.options(point.method)
    own = {n: values[n] for n in names if values.get(n) is not None}
    of_row = _row_flops(
        point.dataset,
        point.method,
        int(values["ensemble_size"]),
        values["backbone"],
        tuple(own.items()),
    )
    rows = EXAMPLES[point.dataset] * values["batch_repetitions"]
    return _PASSES * of_row * rows * values["train_epochs"]


@functools.cache
def _row_flops(dataset, method, members, backbone, options):
    """Returns the FLOPs of a forward pass of one row of a training step."""
    facts = data.get(dataset)
    model = mimo_keras.create_model(
        method,
        backbone=backbone,
        input_shape=facts.image_shape,
        num_classes=facts.num_classes,
        ensemble_size=members,
        **dict(options),
    )
    return evaluation.flops(model.network)
