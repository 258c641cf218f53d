"""The main entry point: a model from the names of a method and a backbone."""

import keras

from mimo_keras import backbones, keras_internals, layers, methods
from mimo_keras.errors import expected
from mimo_keras.training import likelihoods
from mimo_keras.training.distribute.seeds import seed_generators
from mimo_keras.training.exact_inputs import check_scale_of_ids
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
    input_scale="0..1",
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
        input_scale: What the inputs are: "0..1" for floats from 0 to 1 or
            uint8 from 0 to 255; "0..255" for floats and integers from 0 to
            255; None for values that are no intensities, such as token ids
            and tables, which are never divided by 255. With the first two,
            values far outside the scale of mean and std are refused.
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
    check_scale_of_ids(blueprint.network, input_scale)
    facts = {"mean": mean, "std": std, "input_scale": input_scale}
    facts |= {"seed": seed, "name": method}
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
