"""TreeNet: members that share the first layers and then branch."""

import dataclasses

import keras

from mimo_keras.backbones import Kit
from mimo_keras.errors import expected
from mimo_keras.methods.blueprint import Blueprint
from mimo_keras.methods.deep_ensemble import side_by_side
from mimo_keras.methods.naive_multihead import heads
from mimo_keras.methods.registry import register


@register("treenet")
def treenet(task, *, split=None):
    """A shared trunk that branches into M copies of the remaining layers.

    Args:
        task: The `Task`.
        split: Number of the backbone's stages (residual groups) that are shared
            besides the stem; by default 2, but never all. "input" shares
            nothing, like a deep ensemble whose members see the same rows;
            "head" shares all but the heads, like naive_multihead.

    Returns:
        The `Blueprint`; its network maps (N, …) to (N, M, K).

    Reference:
        Lee et al., Why M heads are better than one, 2015; Havasi et al.,
        ICLR 2021, section 3.2.
    """
    backbone = task.backbone
    pieces = (backbone.stem, *backbone.stages, backbone.top)
    shared = _shared_pieces(split, len(backbone.stages))
    inputs = x = keras.Input(task.input_shape, name="images")
    for piece in pieces[:shared]:
        x = piece(x, Kit())
    single = dataclasses.replace(task, ensemble_size=1)
    branches = [
        _branch(single, pieces[shared:], x) for _ in range(task.ensemble_size)
    ]
    outputs = side_by_side(branches, [x] * len(branches))
    return Blueprint(keras.Model(inputs, outputs))


def _branch(task, pieces, like):
    """Returns one member's own network, starting where the trunk ends."""
    inputs = x = keras.Input(like.shape[1:], dtype=like.dtype)
    for piece in pieces:
        x = piece(x, Kit())
    return keras.Model(inputs, heads(task)(x))


def _shared_pieces(given, stages):
    """Returns the number of shared pieces among stem, stages and top."""
    split = min(2, stages - 1) if given is None else given
    if split in ("input", "head"):
        return 0 if split == "input" else stages + 2
    # The scripts' flag passes digits as text.
    known = str(split).isdecimal() and int(split) <= stages
    if not (known and stages):
        choices = [*map(str, range(stages + 1))] if stages else []
        received = "no split" if given is None else f"split={given!r}"
        raise expected(
            "split among " + ", ".join([*choices, '"input"', '"head"']),
            f"{received} and a backbone of {stages} stages",
            "Choose one of these.",
        )
    return 1 + int(split)
