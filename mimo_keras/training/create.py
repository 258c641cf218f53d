"""The main entry point: a model from the names of a method and a backbone."""

from collections.abc import Iterable

import keras
import numpy as np

from mimo_keras import backbones, methods
from mimo_keras.backbones.named_inputs import of_named_inputs
from mimo_keras.errors import expected
from mimo_keras.layers import SplitInputs, arguments
from mimo_keras.layers.standardize_images import finite_numbers
from mimo_keras.training import batch_norms, likelihoods
from mimo_keras.training.distribute.seeds import seed_generators
from mimo_keras.training.exact_inputs import check_scale_of_ids
from mimo_keras.training.model import EnsembleModel
from mimo_keras.training.preprocessing_checks import check_preprocessing


def create_model(
    method,
    *,
    backbone,
    input_shape,
    num_classes=None,
    ensemble_size=1,
    output_dim=None,
    likelihood=None,
    mean=0.0,
    std=1.0,
    input_scale="0..1",
    seed=None,
    sync_batch_norm=False,
    norm_group=0,
    **options,
):
    """Creates an ensemble that trains with Keras's `fit`.

    Args:
        method: A name of `list_methods()`.
        backbone: A name, see `list_backbones()`, or a callable to features.
        input_shape: Shape of one example, such as (32, 32, 3); or of its named
            inputs, such as {"image": (32, 32, 3), "age": (1,)}. Then the
            backbone is a keras.Model with inputs of these names or a function
            of such a dictionary, and input_scale is None. See
            docs/inputs.md.
        num_classes: K; None for regression.
        ensemble_size: M, the number of members, at most 1000.
        output_dim: d, the number of outputs of a regression.
        likelihood: What the outputs mean, a name or a `Likelihood`; None for
            "categorical" or "mean". See `training.likelihoods`.
        mean: Mean of the images on [0, 1], see `layers.StandardizeImages`.
        std: Standard deviation, likewise.
        input_scale: "0..1" (floats, or uint8 from 0 to 255), "0..255" (any
            numbers) or None (token ids, tables: never divided by 255).
        seed: Integer seed for the training rows and for what layers draw, such
            as dropout; initial weights follow keras.utils.set_random_seed.
        sync_batch_norm: Whether batch norm sees the rows of all replicas.
        norm_group: Images that batch norm sees together; 0 for all of a device.
        **options: Options of the method, such as batch_repetitions for mimo,
            and of the likelihood, such as beta for gaussian.

    Returns:
        `EnsembleModel`.

    Raises:
        InputError: A name or option is unknown or does not fit.

    Example:

    ```python
    model = mimo_keras.create_model(
        "mimo", backbone="wide_resnet_28_10", input_shape=(32, 32, 3),
        num_classes=10, ensemble_size=3, batch_repetitions=4)
    ```
    """
    scales = {"mean": mean, "std": std, "input_scale": input_scale}
    _check_scales(input_shape, **scales)
    likelihood, options = likelihoods.chosen(
        likelihood, num_classes, output_dim, options
    )
    task = _task(backbone, input_shape, likelihood, ensemble_size, seed)
    others = create_model.__kwdefaults__
    blueprint = methods.build(method, task, options, others)
    synchronized = arguments.flag("sync_batch_norm", sync_batch_norm)
    batch_norms.arrange(blueprint, synchronized, norm_group)
    return _checked(blueprint, likelihood, **scales, seed=seed, name=method)


def from_blueprint(blueprint, likelihood, **options):
    """Returns the `EnsembleModel` of a method's `Blueprint`."""
    return EnsembleModel(
        blueprint.network,
        blueprint.sampling,
        blueprint.log_weights,
        likelihood,
        samples=blueprint.samples,
        kl_term=blueprint.kl_term,
        member_reduction=blueprint.member_reduction,
        **options,
    )


def _task(backbone, input_shape, likelihood, ensemble_size, seed):
    """Returns the `methods.Task`, after checks that no method needs to make."""
    backbone, input_shape = _network(backbone, input_shape)
    return methods.Task(
        backbone,
        input_shape,
        likelihood.outputs,
        arguments.whole("ensemble_size", ensemble_size, None),
        seed_generators(None if seed is None else arguments.seed_number(seed)),
    )


def _checked(blueprint, likelihood, *, input_scale, std, seed, **facts):
    """Returns the model; raises InputError if its images do not fit."""
    check_scale_of_ids(blueprint.network, input_scale)
    std = finite_numbers("std", std)
    check_preprocessing(blueprint.network, input_scale, std)
    facts |= {"input_scale": input_scale, "std": std}
    facts["seed"] = arguments.plain(seed)
    return from_blueprint(blueprint, likelihood, **facts)


def _network(backbone, input_shape):
    """Returns the `Backbone`, and the shape of what it is built on."""
    if not isinstance(input_shape, dict):
        shape = _shape(input_shape)
        order = keras.config.image_data_format()
        if isinstance(backbone, str) and len(shape) > 1 and "first" in order:
            raise expected(
                "Keras's usual channels_last, for a backbone by name",
                f"keras.config.image_data_format()={order!r}",
                "Call keras.config.set_image_data_format('channels_last').",
            )
        return backbones.get(backbone), shape
    split = SplitInputs(input_shape)
    return of_named_inputs(backbone, split.shapes), (split.width,)


def _check_scales(input_shape, *, mean, std, input_scale):
    """Raises InputError if inputs of a dictionary were to be scaled alike."""
    if isinstance(input_shape, dict) and (
        input_scale is not None or np.any(mean) or np.any(np.asarray(std) != 1)
    ):
        raise expected(
            "input_scale=None, and no mean or std, for inputs of a dictionary",
            f"input_scale={input_scale!r}, mean={mean}, std={std}",
            "Scale each in the backbone: keras.layers.Rescaling(1 / 255), "
            "keras.layers.Normalization.",
        )


def _shape(input_shape):
    """Returns the shape of an example as a tuple of Python integers."""
    sizes = input_shape if isinstance(input_shape, Iterable) else ()
    sizes = tuple(sizes)
    is_size = all(
        size is None or arguments.is_whole(size) and size > 0 for size in sizes
    )
    if not sizes or not is_size or sizes[-1] is None:
        raise expected(
            "input_shape to be the shape of one example, such as (32, 32, 3)",
            f"input_shape={input_shape!r}",
            "Leave out the batch; write (8,) for vectors of 8 numbers.",
        )
    return tuple(size if size is None else int(size) for size in sizes)
