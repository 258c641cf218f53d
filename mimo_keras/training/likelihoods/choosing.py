"""Which likelihood a model has: by name, by its outputs, from a file."""

import dataclasses

import keras

from mimo_keras.errors import closest, expected
from mimo_keras.training.likelihoods.classes import Categorical
from mimo_keras.training.likelihoods.gaussian import Gaussian
from mimo_keras.training.likelihoods.labels import Binary, Multilabel
from mimo_keras.training.likelihoods.likelihood import Likelihood
from mimo_keras.training.likelihoods.means import Mean
from mimo_keras.training.likelihoods.quantiles import Quantiles

NAMES = {
    "categorical": Categorical,
    "binary": Binary,
    "multilabel": Multilabel,
    "mean": Mean,
    "gaussian": Gaussian,
    "quantiles": Quantiles,
}
"""Likelihoods by the names that `create_model` takes."""


def chosen(likelihood, num_classes, output_dim, options):
    """Returns the likelihood that a user asks for, and the other options.

    Args:
        likelihood: A name in `NAMES`, a `Likelihood`, or None for that of
            `of_outputs`.
        num_classes: K, or None.
        output_dim: d, or None.
        options: Dictionary; those that are the likelihood's own, such as
            `beta` of "gaussian", are taken out.

    Returns:
        `Likelihood`, and a dictionary of the options that are left.

    Raises:
        InputError: The likelihood is unknown, or is not for these outputs.

    Example:

    ```python
    chosen = mimo_keras.training.likelihoods.chosen
    found, left = chosen("gaussian", None, 2, {"beta": 0.5, "samples": 3})
    found.beta, left  # (0.5, {'samples': 3})
    ```
    """
    if likelihood is None:
        return of_outputs(num_classes, output_dim), options
    if isinstance(likelihood, Likelihood):
        _compare(likelihood, num_classes, output_dim)
        return likelihood, options
    if not isinstance(likelihood, str) or likelihood not in NAMES:
        raise expected(
            "a likelihood among " + ", ".join(NAMES),
            f"likelihood={likelihood!r}",
            closest(likelihood, NAMES, "Choose one of these, or leave it out."),
        )
    kind = NAMES[likelihood]
    fields = [field.name for field in dataclasses.fields(kind)]
    sizes = {"num_classes": num_classes, "output_dim": output_dim}
    given = {name: n for name, n in sizes.items() if n is not None}
    wanted = [name for name in fields if name in sizes]
    if not wanted:
        # A single logit may be called one class.
        _compare(kind(), None if num_classes == 1 else num_classes, output_dim)
        return kind(), options
    if [*given] != wanted:
        raise expected(
            f"{wanted[0]} alone for likelihood={likelihood!r}",
            f"num_classes={num_classes}, output_dim={output_dim}",
            "Give exactly this one.",
        )
    own = {name: options[name] for name in fields if name in options}
    others = {k: value for k, value in options.items() if k not in own}
    return kind(**given, **own), others


def _compare(likelihood, num_classes, output_dim):
    """Raises InputError if other numbers of outputs are given as well."""
    sizes = {"num_classes": num_classes, "output_dim": output_dim}
    for name, size in sizes.items():
        own = getattr(likelihood, name, None)
        if size is not None and size != own:
            raise expected(
                f"{name}={own}, as in likelihood={likelihood}",
                f"{name}={size}",
                f"Leave out {name}.",
            )


def of_outputs(num_classes, output_dim=None):
    """Returns the likelihood for classification or for regression.

    Args:
        num_classes: K for classification; None for regression.
        output_dim: d, the number of outputs of a regression; otherwise None.

    Returns:
        The `Likelihood`.

    Raises:
        InputError: Not exactly one is given, or it is not a valid count.

    Example:

    ```python
    mimo_keras.training.likelihoods.of_outputs(10).outputs   # 10
    ```
    """
    if (num_classes is None) == (output_dim is None):
        raise expected(
            "num_classes for classification or output_dim for regression",
            f"num_classes={num_classes}, output_dim={output_dim}",
            "Give exactly one of them.",
        )
    return Mean(output_dim) if num_classes is None else Categorical(num_classes)


def from_saved(config, network):
    """Takes the likelihood out of a model's config, of any version.

    Args:
        config: Dictionary: "likelihood" as serialized by Keras; in older
            versions, "num_classes" of an `EnsembleModel` or "task" of a
            `Predictor`. These keys are removed.
        network: The model's `keras.Model`, which gives the number of outputs
            for older configs.

    Returns:
        `Likelihood`.

    Example:

    ```python
    config = {"num_classes": 10}
    found = mimo_keras.training.likelihoods.from_saved(config, model.network)
    found.num_classes                                        # 10
    ```
    """
    if "likelihood" in config:
        return keras.saving.deserialize_keras_object(config.pop("likelihood"))
    outputs = network.outputs[0].shape[-1]
    classes = config.pop("num_classes", None)
    if config.pop("task", None) == Categorical.task:
        classes = outputs
    return of_outputs(classes, outputs if classes is None else None)
