"""Backbones: networks up to their features, each defined once."""

import functools
import re

from mimo_keras.backbones.bottleneck_resnet import bottleneck_resnet, scaled
from mimo_keras.backbones.kit import Backbone, Kit
from mimo_keras.backbones.mlp import mlp
from mimo_keras.backbones.own import own
from mimo_keras.backbones.resnet50 import resnet50
from mimo_keras.backbones.small_cnn import small_cnn
from mimo_keras.backbones.temporal_cnn import temporal_cnn
from mimo_keras.backbones.vit import SIZES, sized, vit
from mimo_keras.backbones.wide_resnet import wide_resnet
from mimo_keras.errors import closest, expected

__all__ = [
    "Backbone",
    "Kit",
    "bottleneck_resnet",
    "get",
    "list_backbones",
    "vit",
]

# Form shown to users -> pattern whose groups are integers -> constructor.
_BACKBONES = {
    "wide_resnet_{depth}_{width}": (r"wide_resnet_(\d+)_(\d+)", wide_resnet),
    "wide_resnet_{depth}_{width}_late_stride": (
        r"wide_resnet_(\d+)_(\d+)_late_stride",
        functools.partial(wide_resnet, late_stride=True),
    ),
    "bottleneck_resnet[_{depth}_{width}]": (
        r"bottleneck_resnet(?:_(\d+)_(\d+))?",
        scaled,
    ),
    "resnet50[_{width}]": (r"resnet50(?:_(\d+))?", resnet50),
    "wide_resnet50": ("wide_resnet50", lambda: resnet50(width=2)),
    **{
        f"vit_{size}_{{patch}}": (
            rf"vit_{size}_(\d+)",
            functools.partial(sized, size),
        )
        for size in SIZES
    },
    "small_cnn[_{width}]": (r"small_cnn(?:_(\d+))?", small_cnn),
    "temporal_cnn[_{filters}]": (r"temporal_cnn(?:_(\d+))?", temporal_cnn),
    "mlp[_{units}_{units}…]": (r"mlp((?:_\d+)*)", mlp),
}

# Of numbers in a name; larger ones are no sizes.
_DIGITS = 9


def list_backbones():
    """Returns the forms of backbone names, such as "mlp[_{units}…]".

    Returns:
        A list of texts.

    Example:

    ```python
    "small_cnn[_{width}]" in mimo_keras.list_backbones()     # True
    ```
    """
    return list(_BACKBONES)


def get(backbone):
    """Returns the `Backbone` for a name or a user's own callable.

    Args:
        backbone: A name that `list_backbones` describes, a `Backbone`, or a
            callable from a KerasTensor (N, …, channels) to features (N, F)
            or to a feature map, which is then averaged over space. With
            such a callable the whole network is the stem, so methods that
            reach into a backbone cannot use it.

    Returns:
        The `Backbone`.

    Raises:
        InputError: The name is unknown.

    Example:

    ```python
    len(mimo_keras.backbones.get("wide_resnet_28_10").stages)  # 3
    ```
    """
    if isinstance(backbone, Backbone):
        return backbone
    if callable(backbone):
        return own(backbone)
    for pattern, build in _BACKBONES.values():
        if match := re.fullmatch(pattern, str(backbone)):
            numbers = re.findall(r"\d+", "_".join(filter(None, match.groups())))
            if max(map(len, numbers), default=0) > _DIGITS:
                break
            return build(*map(int, numbers))
    raise expected(
        "a backbone among " + ", ".join(_BACKBONES) + " or a callable",
        f"backbone={backbone!r}",
        closest(backbone, _BACKBONES),
    )
