"""The main entry point: a model from the names of a method and a backbone."""

import keras

from mimo_keras import backbones, keras_internals, layers, methods
from mimo_keras.errors import expected
from mimo_keras.training import likelihoods
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
        output_dim: d, the number of outputs of a regression.
        mean: Mean of the images on the scale [0, 1], one number or one per
            channel, see `layers.StandardizeImages`.
        std: Standard deviation, likewise.
        seed: Integer seed for the training rows and for dropout.
        sync_batch_norm: Whether batch norm sees the rows of all replicas of
            a tf.distribute strategy instead of only each replica's own.
        **options: Options of the method, such as batch_repetitions for mimo.

    Returns:
        `EnsembleModel`.

    Raises:
        InputError: A name or option is unknown; the message lists the known
            ones.

    Example:

    ```python
    model = mimo_keras.create_model(
        "mimo", backbone="wide_resnet_28_10", input_shape=(32, 32, 3),
        num_classes=10, ensemble_size=3, batch_repetitions=4)
    ```
    """
    likelihood = likelihoods.of_outputs(num_classes, output_dim)
    task = methods.Task(
        backbones.get(backbone),
        tuple(input_shape),
        likelihood.outputs,
        ensemble_size,
        seed_generators(seed),
    )
    blueprint = methods.build(method, task, options)
    if sync_batch_norm:
        _synchronize(blueprint.network)
    facts = {"mean": mean, "std": std, "seed": seed, "name": method}
    return from_blueprint(blueprint, likelihood, **facts)


def from_blueprint(blueprint, likelihood, **options):
    """Returns the `EnsembleModel` of a method's `Blueprint`."""
    return EnsembleModel(
        blueprint.network,
        blueprint.sampling,
        blueprint.log_weights,
        likelihood,
        samples=blueprint.samples,
        kl_term=blueprint.kl_term,
        **options,
    )


def _synchronize(network):
    """Makes batch norms see the rows of all replicas."""
    if keras.backend.backend() != "tensorflow":
        raise expected(
            "sync_batch_norm=False under this backend",
            f"sync_batch_norm=True, backend={keras.backend.backend()}",
            "Only TensorFlow has replicas: set KERAS_BACKEND=tensorflow.",
        )
    kinds = (keras.layers.BatchNormalization, layers.MemberBatchNormalization)
    for layer in keras_internals.layers_within(network):
        if isinstance(layer, kinds):
            # The attribute set by their constructors and read by their configs
            # and calls.
            layer.synchronized = True
