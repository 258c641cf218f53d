"""A deep ensemble of networks that were trained separately."""

import os
from collections.abc import Iterable

import keras

from mimo_keras.errors import expected
from mimo_keras.methods import single_image
from mimo_keras.methods.deep_ensemble import of_networks
from mimo_keras.paths import as_path
from mimo_keras.training import scale_checks
from mimo_keras.training.create import from_blueprint
from mimo_keras.training.model import EnsembleModel
from mimo_keras.training.policies import policy_of
from mimo_keras.untrusted import keras_archive, keras_weights

_REASON = 200
"""Longest part of Keras's message shown: it may quote the whole file."""


def assemble(models, model=None):
    """Makes one ensemble of separately trained deterministic models.

    Its prediction is the mean of theirs. It has copies of their weights, and
    can be saved, exported and trained further, like any `deep_ensemble`. The
    members may also be epochs of one run, a snapshot ensemble: see
    `training.cyclic_cosine`.

    Args:
        models: Each an `EnsembleModel` with one member, or the path of one
            saved as .keras, or of its weights (.weights.h5). All must agree in
            image shape, likelihood, mean, std and input_scale. For run
            folders, see uncertainty_runs/evaluate.py.
        model: `EnsembleModel` whose weights those files hold, such as
            keras.callbacks.ModelCheckpoint writes them; it is not changed.

    Returns:
        `EnsembleModel`, not compiled.

    Raises:
        InputError: A file cannot be read, a model is of another kind, or two
            models are incompatible.

    Example:

    ```python
    for seed in (0, 1):
        one = mimo_keras.create_model(
            "deterministic", backbone="mlp_16", input_shape=(8, 8, 1),
            num_classes=10, seed=seed)
        one.save(f"seed{seed}.keras")
    both = mimo_keras.assemble(["seed0.keras", "seed1.keras"])
    both.predictor()(images)["probabilities"]                # (B, K)
    ```

    Reference:
        Lakshminarayanan et al., Simple and scalable predictive uncertainty
        estimation using deep ensembles, NeurIPS 2017; of epochs of one run,
        Huang et al., Snapshot ensembles: train 1, get M for free, ICLR 2017.
    """
    if isinstance(models, (str, os.PathLike)) or not isinstance(
        models, Iterable
    ):
        raise expected(
            "a list of models or of their files",
            f"models={models!r}",
            "Write a single one as a list, too.",
        )
    models = [_with_weights(each, model) for each in models]
    if not models:
        raise expected("at least one model", "none", "Name their files.")
    first = models[0]
    for index, model in enumerate(models):
        _check(model, index)
        _compare(_facts(first), _facts(model), index)
    with policy_of(first):
        networks = [single_image(model.network, False)[0] for model in models]
        return from_blueprint(
            of_networks(networks),
            first.likelihood,
            mean=first.standardize.mean,
            std=first.standardize.std,
            input_scale=first.standardize.input_scale,
            name="deep_ensemble",
        )


def _with_weights(each, model):
    """Returns a model of `assemble`, with weights from a file of weights."""
    is_path = isinstance(each, (str, os.PathLike))
    if not is_path or not str(each).endswith(".weights.h5"):
        return loaded(each)
    if not isinstance(model, EnsembleModel):
        raise expected(
            f"the model whose weights are in {each}",
            f"model={model!r}",
            "Pass it as model, or save whole models as .keras.",
        )
    twin = EnsembleModel.from_config(model.get_config())
    try:
        twin.load_weights(keras_weights(as_path(each)))
    except Exception as error:  # A malformed file can raise anything.
        raise expected(
            f"weights of model {model.name}",
            f"{each} ({_reason(error)})",
            "Name a file that model.save_weights wrote.",
        ) from error
    return twin


def loaded(model):
    """Returns the model itself, or loads it from the path of a .keras file."""
    if not isinstance(model, (str, os.PathLike)):
        return model
    path = str(as_path(model))
    if not path.endswith(".keras"):
        raise _unreadable(path, "another ending")
    try:
        # Safe mode runs no code of the file: it refuses Lambda layers and
        # unknown classes.
        return keras.saving.load_model(keras_archive(path), safe_mode=True)
    except Exception as error:  # A malformed file can raise anything.
        raise _unreadable(path, _reason(error)) from error


def _reason(error):
    """Returns the beginning of another library's message, as one line."""
    return (" ".join(str(error).split()) or type(error).__name__)[:_REASON]


def _unreadable(path, reason):
    return expected(
        "a model saved as .keras, of layers of Keras and this library",
        f"{path} ({reason})",
        "Name a file that model.save wrote.",
    )


def _check(model, index):
    single = (
        isinstance(model, EnsembleModel)
        and not model.sampling.members
        and len(model.log_weights) == 1
    )
    if not single:
        raise expected(
            "models of one member, as method deterministic makes them",
            f"model {index}: {getattr(model, 'name', model)!r} of type "
            f"{type(model).__name__}",
            "Leave it out.",
        )


def _facts(model):
    """Returns the properties on which all members must agree."""
    return {
        "image_shape": model.image_shape,
        "likelihood": model.likelihood,
        "mean": model.standardize.mean,
        "std": model.standardize.std,
        "input_scale": scale_checks.stated(model.standardize),
    }


def _compare(wanted, facts, index):
    for name, value in wanted.items():
        if facts[name] != value:
            raise expected(
                f"models with {name}={value}, as model 0 has",
                f"model {index} with {name}={facts[name]}",
                "Assemble models of one task and one preparation of images.",
            )
