"""One model with the mean weights of several, as of epochs of one run."""

import itertools
from collections.abc import Iterable

import keras
import numpy as np

from mimo_keras import keras_internals, layers
from mimo_keras.errors import expected
from mimo_keras.layers import arguments
from mimo_keras.training.assemble import loaded
from mimo_keras.training.model import EnsembleModel

_NORMS = (keras.layers.BatchNormalization, layers.MemberBatchNormalization)


def average_weights(models, images=None, batch_size=128):
    """Makes one model whose weights are the means of those of several.

    Stochastic weight averaging takes the weights of epochs of one run, such as
    the ends of the cycles of `training.cyclic_cosine`. A mean of networks that
    were trained separately is no good network: use `assemble` for these. The
    statistics of batch norms are not averaged, but computed anew: see
    `refresh_batch_norms`.

    Args:
        models: Each an `EnsembleModel`, of any method, or the path of one saved
            as .keras; all of one architecture.
        images: Training images (N, …), as for `fit`, for the batch norms; None
            if there are none.
        batch_size: Images in a step of theirs.

    Returns:
        `EnsembleModel`, not compiled.

    Raises:
        InputError: A file cannot be read, the models differ in more than their
            weights, or there are batch norms, but no images.

    Example:

    ```python
    model.save("8.keras")
    model.save("9.keras")
    average = mimo_keras.average_weights(["8.keras", "9.keras"], images)
    ```

    Reference:
        Izmailov et al., Averaging weights leads to wider optima and better
        generalization, UAI 2018.
    """
    models = [loaded(model) for model in _listed(models)]
    for index, model in enumerate(models):
        _check(models[0], model, index)
    average = EnsembleModel.from_config(models[0].get_config())
    several = zip(*(model.variables for model in models), strict=True)
    for variable, values in zip(average.variables, several, strict=True):
        variable.assign(_mean(values))
    if _norms(average):
        if images is None:
            raise expected(
                "training images to compute statistics of batch norms from",
                "images=None",
                "Pass those that the models were trained on.",
            )
        refresh_batch_norms(average, images, batch_size)
    return average


def refresh_batch_norms(model, images, batch_size=128):
    """Computes the statistics of batch norms anew, for changed weights.

    They become the means, over batches, of the mean and variance that each
    norm sees in training. Nothing else changes: neither weights nor the state
    of random draws. Frozen norms keep their statistics.

    Args:
        model: `EnsembleModel`, changed in place.
        images: Training images (N, …), in the order of the batches.
        batch_size: Images in a batch. Of N, those of a last smaller batch are
            left out, unless it is the only one.

    Returns:
        None.

    Raises:
        InputError: There are no images, or no model.

    Example:

    ```python
    mimo_keras.refresh_batch_norms(model, images)
    ```
    """
    if not isinstance(model, EnsembleModel):
        raise expected(
            "a model created by create_model",
            f"model of type {type(model).__name__}",
            "Load a file with keras.saving.load_model.",
        )
    if not hasattr(images, "__len__") or not hasattr(images, "__getitem__"):
        raise expected(
            "an array of training images",
            f"images of type {type(images).__name__}",
            "Collect those of a data set: np.concatenate.",
        )
    if not len(images):
        raise expected("at least one image", "none", "Pass training images.")
    batch_size = arguments.whole("batch_size", batch_size)
    norms = [norm for norm in _norms(model) if norm.trainable]
    moving = {
        id(weight)
        for norm in norms
        for weight in (norm.moving_mean, norm.moving_variance)
    }
    others = [v for v in model.variables if id(v) not in moving]
    before = [keras.ops.copy(variable) for variable in others]
    momenta = [norm.momentum for norm in norms]
    starts = range(0, max(len(images) - batch_size, 0) + 1, batch_size)
    try:
        for count, start in enumerate(starts):
            for norm in norms:
                norm.momentum = count / (count + 1)
            model(images[start : start + batch_size], training=True)
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
        for variable, value in zip(others, before, strict=True):
            variable.assign(value)


def _listed(models):
    several = isinstance(models, Iterable) and not isinstance(models, str)
    models = list(models) if several else []
    if not models:
        raise expected(
            "a list of models or of their files",
            "none",
            "Name the weights to average.",
        )
    return models


def _check(first, model, index):
    if not isinstance(model, EnsembleModel):
        raise expected(
            "models created by create_model",
            f"model {index} of type {type(model).__name__}",
            "Leave it out.",
        )
    for one, other in itertools.zip_longest(first.variables, model.variables):
        if one is None or other is None or _place(one) != _place(other):
            raise expected(
                "models of one architecture",
                f"model {index}, which differs in "
                f"{(other if other is not None else one).path}",
                "Average weights of one run; assemble others.",
            )


def _place(variable):
    return variable.path.partition("/")[2] or variable.path, variable.shape


def _mean(values):
    """Returns the mean of weights; of counts and seeds, the first one's."""
    values = [keras.ops.convert_to_numpy(value) for value in values]
    if not np.issubdtype(values[0].dtype, np.floating):
        return values[0]
    return np.mean(values, axis=0, dtype="float64")


def _norms(model):
    within = keras_internals.layers_within(model)
    return [layer for layer in within if isinstance(layer, _NORMS)]
