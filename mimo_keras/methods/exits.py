"""Networks with early exits: features of equal width at every stage."""

import keras

from mimo_keras import layers
from mimo_keras.errors import expected


def exit_features(task, x, kit):
    """Builds a backbone with an exit after each stage.

    Each exit but the last adapts its map to the width of the last features by a
    1x1 convolution with bias, batch norm, ReLU and the mean over space, so that
    the same heads can read all exits.

    Args:
        task: The `Task`.
        x: KerasTensor, the backbone's input.
        kit: The parts to build it from.

    Returns:
        D KerasTensors (N, F), the last one the backbone's own features.

    Raises:
        InputError: The backbone has no stages with maps.

    Reference:
        Ferianc and Rodrigues, MIMMO, CVPR Workshops 2023, appendix B.
    """
    if task.backbone.named:
        early_maps({})  # Joined inputs are not what it is built on.
    features, endpoints = task.backbone.features(x, kit)
    early = early_maps(endpoints)
    return [
        *(_adapted(y, features.shape[-1], kit, i) for i, y in enumerate(early)),
        features,
    ]


def early_maps(endpoints, ranks=(4,)):
    """Returns the maps after all stages but the last.

    Args:
        endpoints: As of `Backbone.features`.
        ranks: Numbers of axes that they may have.
    """
    stages = [x for name, x in endpoints.items() if name != "stem"][:-1]
    if not stages or any(len(x.shape) not in ranks for x in stages):
        shapes = ", ".join(str(x.shape) for x in stages)
        raise expected(
            "a backbone of at least 2 stages that return maps",
            f"stages of shapes {shapes}" if stages else "1 stage",
            "Use, for example, bottleneck_resnet or wide_resnet_28_10, or "
            "early_exit for sequences.",
        )
    return stages


def _adapted(x, width, kit, index):
    name = f"exit{index}_"
    conv = kit.conv(width, 1, use_bias=True, name=kit.name(name + "conv"))
    x = kit.norm(name=kit.name(name + "norm"))(conv(x))
    x = keras.layers.ReLU(name=kit.name(name + "relu"))(x)
    pool = keras.layers.GlobalAveragePooling2D(name=kit.name(name + "pool"))
    return pool(x)


def shared_heads(features, heads):
    """Applies one layer of heads to the features of every exit.

    Args:
        features: D KerasTensors (N, F).
        heads: `layers.DenseMultihead`.

    Returns:
        KerasTensor (N, D · M, K), all members of depth 0 first.
    """
    outputs = [heads(x) for x in features]
    return keras.layers.Concatenate(axis=1, name="components")(outputs)


def posterior(task, depths, features, **options):
    """Returns θ as weights (N, D · M); see `layers.DepthPosterior`."""
    layer = layers.DepthPosterior(
        task.ensemble_size, depths, name="depth_posterior", **options
    )
    return layer(features)
