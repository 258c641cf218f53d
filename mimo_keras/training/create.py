"""The front door: a model from the names of a method and a backbone."""

from mimo_keras import backbones, methods
from mimo_keras.errors import expected
from mimo_keras.training.model import EnsembleModel
from mimo_keras.training.seeds import seed_generators


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
    **options,
):
    """Creates an ensemble that trains with Keras's `fit`.

    Args:
        method: A name of `list_methods()`.
        backbone: A name that `list_backbones()` describes, or a callable
            from a KerasTensor to features, such as a network of
            keras.applications.
        input_shape: Shape of one example, such as (32, 32, 3).
        num_classes: K; None for regression.
        ensemble_size: M, the number of members.
        output_dim: d, the numbers that a regression predicts.
        mean: Mean of the images' channels on the scale [0, 1], one number
            or one for each channel. Images given as uint8 are divided by
            255 first; floats are taken to be on this scale already.
        std: Standard deviation of the channels, likewise.
        seed: Integer for the draws of the training rows and of dropout.
        **options: The method's own, such as batch_repetitions for mimo.

    Returns:
        `EnsembleModel`.

    Raises:
        InputError: A name or an option is not known, or does not fit; the
            message lists what exists.

    Example:

    ```python
    model = mimo_keras.create_model(
        "mimo", backbone="wide_resnet_28_10", input_shape=(32, 32, 3),
        num_classes=10, ensemble_size=3, batch_repetitions=4)
    model.compile(optimizer="sgd")
    model.fit(images, labels)
    ```
    """
    task = methods.Task(
        backbone=backbones.get(backbone),
        input_shape=tuple(input_shape),
        outputs=_outputs(num_classes, output_dim),
        ensemble_size=ensemble_size,
        seed_generator=seed_generators(seed),
    )
    blueprint = methods.build(method, task, options)
    return EnsembleModel(
        blueprint.network,
        blueprint.sampling,
        blueprint.log_weights,
        num_classes,
        mean=mean,
        std=std,
        seed=seed,
        samples=blueprint.samples,
        kl_term=blueprint.kl_term,
        name=method,
    )


def _outputs(num_classes, output_dim):
    if (num_classes is None) == (output_dim is None):
        raise expected(
            "num_classes for classification or output_dim for regression",
            f"num_classes={num_classes}, output_dim={output_dim}",
            "Give exactly one of them.",
        )
    outputs = num_classes or output_dim
    least = 1 if num_classes is None else 2
    if not isinstance(outputs, int) or outputs < least:
        raise expected(
            f"at least {least} outputs", f"{outputs}", "Raise the number."
        )
    return outputs
