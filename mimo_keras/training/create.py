"""The front door: a model from the names of a method and a backbone."""

import numbers

import keras

from mimo_keras import backbones, keras_internals, layers, methods
from mimo_keras.errors import expected
from mimo_keras.training.distribute.seeds import seed_generators
from mimo_keras.training.model import EnsembleModel


def create_model(
    method,
    *,
    backbone,
    input_shape,
    num_classes,
    ensemble_size=1,
    output_dim=None,
    mean=0.0,
    std=1.0,
    seed=None,
    sync_batch_norm=False,
    **options,
):
    """Creates an ensemble that trains with Keras's `fit`.

    Args:
        method: A name of `list_methods()`.
        backbone: A name that `list_backbones()` describes, or a callable
            from a KerasTensor to features, as in keras.applications.
        input_shape: Shape of one example, such as (32, 32, 3).
        num_classes: K; None for regression.
        ensemble_size: M, the number of members.
        output_dim: d, the numbers that a regression predicts.
        mean: Mean of the images on the scale [0, 1], one number or one for
            each channel, see `layers.StandardizeImages`.
        std: Standard deviation, likewise.
        seed: Integer for the draws of the training rows and of dropout.
        sync_batch_norm: Whether batch norm sees the rows of all replicas of
            a tf.distribute strategy, not each replica's own.
        **options: The method's own, such as batch_repetitions for mimo.

    Returns:
        `EnsembleModel`.

    Raises:
        InputError: A name or option is not known; it lists what exists.

    Example:

    ```python
    model = mimo_keras.create_model(
        "mimo", backbone="wide_resnet_28_10", input_shape=(32, 32, 3),
        num_classes=10, ensemble_size=3, batch_repetitions=4)
    ```
    """
    outputs = _outputs(num_classes, output_dim)
    task = methods.Task(
        backbones.get(backbone),
        tuple(input_shape),
        outputs,
        ensemble_size,
        seed_generators(seed),
    )
    blueprint = methods.build(method, task, options)
    if sync_batch_norm:
        _synchronize(blueprint.network)
    facts = {"mean": mean, "std": std, "seed": seed, "name": method}
    return from_blueprint(blueprint, num_classes and outputs, **facts)


def from_blueprint(blueprint, num_classes, **options):
    """Returns the `EnsembleModel` of a method's `Blueprint`."""
    return EnsembleModel(
        blueprint.network,
        blueprint.sampling,
        blueprint.log_weights,
        num_classes,
        samples=blueprint.samples,
        kl_term=blueprint.kl_term,
        **options,
    )


def _synchronize(network):
    """Makes batch normalisations see the rows of all replicas."""
    if keras.backend.backend() != "tensorflow":
        raise expected(
            "sync_batch_norm=False under this backend",
            f"sync_batch_norm=True, backend={keras.backend.backend()}",
            "Only TensorFlow has replicas: set KERAS_BACKEND=tensorflow.",
        )
    kinds = (keras.layers.BatchNormalization, layers.MemberBatchNormalization)
    for layer in keras_internals.layers_within(network):
        if isinstance(layer, kinds):
            # What their constructors keep, and their configs and calls read.
            layer.synchronized = True


def _outputs(num_classes, output_dim):
    if (num_classes is None) == (output_dim is None):
        raise expected(
            "num_classes for classification or output_dim for regression",
            f"num_classes={num_classes}, output_dim={output_dim}",
            "Give exactly one of them.",
        )
    name, outputs, least = (
        ("output_dim", output_dim, 1)
        if num_classes is None
        else ("num_classes", num_classes, 2)
    )
    if not isinstance(outputs, numbers.Integral) or outputs < least:
        raise expected(
            f"{name} to be a whole number of at least {least}",
            f"{name}={outputs!r}",
            "Count the outputs of the task.",
        )
    return int(outputs)
