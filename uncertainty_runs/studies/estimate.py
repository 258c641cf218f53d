"""About what the training of a run costs."""

import functools

import mimo_keras
from mimo_keras import data, evaluation

EXAMPLES = {
    "cifar10": 50_000,
    "cifar100": 50_000,
    "digits": 1198,
    "imagenet2012": 1_281_167,
}
"""Training images of each data set."""
SEVERAL = (
    *("batch_ensemble", "deep_ensemble", "mixture_ensemble", "rank1_bnn"),
)
"""Methods that train M networks on each row; all others count as one."""
_PASSES = 3
"""A step costs about three forward passes: one forward, two backward."""


def training_flops(point):
    """Returns about how many FLOPs a run's training takes.

    A multiply-add of the plain network counts as two; branches of `treenet` and
    further exits are left out.

    Args:
        point: `engine.Point`.
    """
    values = point.settings()
    of_row = _row_flops(point.dataset, values["backbone"])
    if point.method in SEVERAL:
        of_row *= values["ensemble_size"]
    rows = EXAMPLES[point.dataset] * values["batch_repetitions"]
    return _PASSES * of_row * rows * values["train_epochs"]


@functools.cache
def _row_flops(dataset, backbone):
    """Returns the FLOPs of a plain network's forward pass on one image."""
    facts = data.get(dataset)
    model = mimo_keras.create_model(
        "deterministic",
        backbone=backbone,
        input_shape=facts.image_shape,
        num_classes=facts.num_classes,
        ensemble_size=1,
    )
    return evaluation.flops(model.network)
