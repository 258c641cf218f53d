"""MixShare: MixMo whose members may share features."""

from mimo_keras.errors import closest, expected
from mimo_keras.layers import AlignedKernels, UnmixMembers, arguments
from mimo_keras.methods.blueprint import Sampling
from mimo_keras.methods.mixmo import Mixing, mixed
from mimo_keras.methods.registry import register

UNMIXING = ("none", "full", "partial", "fadeout")


@register("mixshare")
def mixshare(
    task,
    *,
    batch_repetitions=1,
    input_repetition_probability=0.1,
    shuffle_group=0,
    concentration=2.0,
    cutmix_probability=None,
    cutmix_decay=0.0,
    loss_root=1.0,
    unmix="fadeout",
    unmix_fraction=0.25,
    fadeout_epochs=100.0,
    alignment="equal",
):
    """MixMo with unmixing before the heads and aligned encoders.

    With unmix="none", alignment="none" and MixMo's defaults it is MixMo.

    Args:
        task: The `Task`, of at least 2 members.
        batch_repetitions: R, the number of times a step sees each image.
        input_repetition_probability: ρ, the fraction of rows with the same
            image in all inputs.
        shuffle_group: g, the number of images among which rows are formed; 0
            for all images of a replica.
        concentration: Parameter of the mixing ratios' Dirichlet distribution.
        cutmix_probability: Probability that a batch is mixed by CutMix; None
            for 1, which unmixing needs, or 0 for vectors.
        cutmix_decay: Final fraction of training over which it falls to 0.
        loss_root: r of the loss weights; at 1 they are M times the ratios.
        unmix: "full"; "partial" for the first `unmix_fraction` of the last
            feature maps; "fadeout" for unmixing that ends after
            `fadeout_epochs`; "none".
        unmix_fraction: Fraction of the maps that unmix="partial" affects.
        fadeout_epochs: Epochs of unmix="fadeout".
        alignment: "equal" if all encoders start with the same kernels,
            "colinear" if with multiples of them, "none".

    Returns:
        The `Blueprint`; its network maps (N, M, …, C) to (N, M, K).

    Reference:
        Sun et al., MixShare, CVPR Workshops 2022, section 3 and appendices B
        and C.
    """
    arguments.number("unmix_fraction", unmix_fraction, 0, 1)
    arguments.number("fadeout_epochs", fadeout_epochs, 0)
    layer = _unmixing(unmix, unmix_fraction, fadeout_epochs)
    sampling = Sampling(
        task.ensemble_size,
        batch_repetitions,
        input_repetition_probability,
        shuffle_group,
    )
    mixing = Mixing(1.0, cutmix_probability, cutmix_decay, concentration)
    start = None if alignment == "none" else AlignedKernels(alignment)
    return mixed(task, sampling, mixing, loss_root, start, layer)


def _unmixing(unmix, fraction, fadeout_epochs):
    """Returns the `UnmixMembers` for a kind of unmixing, None for "none"."""
    if unmix not in UNMIXING:
        raise expected(
            "unmix among " + ", ".join(UNMIXING),
            f"unmix={unmix!r}",
            closest(unmix, UNMIXING),
        )
    if unmix == "none":
        return None
    return UnmixMembers(
        fraction if unmix == "partial" else 1.0,
        fadeout_epochs if unmix == "fadeout" else 0,
        name="unmix_members",
    )
