"""MixMo: multi-input networks that mix encoded inputs."""

import dataclasses
import functools

import keras

from mimo_keras import layers
from mimo_keras.backbones import Kit
from mimo_keras.errors import expected
from mimo_keras.layers import arguments
from mimo_keras.methods.blueprint import Blueprint, Sampling
from mimo_keras.methods.naive_multihead import heads
from mimo_keras.methods.registry import register


@register("mixmo")
def mixmo(
    task,
    *,
    batch_repetitions=1,
    input_repetition_probability=0.0,
    shuffle_group=0,
    concentration=2.0,
    cutmix_probability=None,
    cutmix_decay=1 / 12,
    loss_root=3.0,
):
    """M encoders whose outputs are mixed, one trunk, M heads.

    Args:
        task: The `Task`, of at least 2 members.
        batch_repetitions: R, the number of times a step sees each image.
        input_repetition_probability: ρ, the fraction of rows with the same
            image in all inputs.
        shuffle_group: g, the number of images among which rows are formed; 0
            for all images of a replica.
        concentration: Parameter of the mixing ratios' Dirichlet distribution.
        cutmix_probability: Probability that a batch is mixed by CutMix; None
            for 0.5 if the encoders return maps and 0 for vectors.
        cutmix_decay: Final fraction of training over which it falls to 0.
        loss_root: r, the root that evens out the loss weights of a row.

    Returns:
        The `Blueprint`; its network maps (N, M, …, C) to (N, M, K).

    Reference:
        Ramé, Sun and Cord, MixMo: mixing multiple inputs for multiple outputs
        via deep subnetworks, ICCV 2021.
    """
    mixing = Mixing(0.5, cutmix_probability, cutmix_decay, concentration)
    sampling = Sampling(
        task.ensemble_size,
        batch_repetitions,
        input_repetition_probability,
        shuffle_group,
    )
    return mixed(task, sampling, mixing, loss_root)


@dataclasses.dataclass(frozen=True)
class Mixing:
    """How encoded inputs are mixed.

    Attributes:
        usual: Default probability of CutMix if the encoders return maps.
        cutmix_probability: The probability that was set, or None.
        cutmix_decay: As for `layers.MixMembers`.
        concentration: As for `layers.MixMembers`.
    """

    usual: float
    cutmix_probability: float | None
    cutmix_decay: float
    concentration: float

    def layer(self, encoded, seed):
        """Returns the mixing block for the encoders' outputs."""
        probability = self.cutmix_probability
        if probability is None:
            is_map = len(encoded.shape) > 3
            probability = self.usual if is_map else 0.0
        return layers.MixMembers(
            self.concentration,
            probability,
            self.cutmix_decay,
            seed=seed,
            name="mix_members",
        )


def mixed(task, sampling, mixing, loss_root, start=None, unmix=None):
    """Builds encoders, mixing block, trunk and heads.

    Args:
        task: The `Task`.
        sampling: `Sampling`.
        mixing: `Mixing`.
        loss_root: r of the loss weights.
        start: Initializer of the encoders' kernels, such as
            `layers.AlignedKernels`; None to initialize each encoder separately.
        unmix: `layers.UnmixMembers`; None if all heads read the whole map.

    Returns:
        The `Blueprint`, with loss weights.
    """
    members = task.ensemble_size
    if members < 2:
        raise expected(
            "ensemble_size of at least 2: one member has nothing to mix",
            f"ensemble_size={members}",
            "Use method deterministic.",
        )
    shape = (members, *task.input_shape)
    inputs = keras.Input(shape, name="member_images")
    x = _fold(members, "fold_members")(inputs)
    stem = _MixedStem(task, mixing, start)
    x = task.backbone.stem(x, stem.kit())
    if stem.masks is None:
        raise expected(
            "a backbone by name, whose first layer becomes M encoders",
            "a callable that builds layers of its own",
            "Use one of list_backbones().",
        )
    features = _features(task, x, stem.masks, unmix)
    root = arguments.number("loss_root", loss_root, 1)
    weights = layers.MixingLossWeights(root, name="loss_weights")
    outputs = [heads(task)(features), weights(stem.ratios)]
    return Blueprint(keras.Model(inputs, outputs), sampling)


def _features(task, x, masks, unmix):
    """Returns features (N, F), or (N, M, F) from unmixed maps."""
    if unmix is None:
        return task.backbone.behind_stem(x, Kit())[0]
    members, maps = task.ensemble_size, []

    def last_map(x):
        maps.append(x)
        return _fold(members, "fold_unmixed")(unmix(x, masks))

    features, _ = task.backbone.behind_stem(x, Kit(last_map=last_map))
    if not maps:
        raise expected(
            "a backbone with a last feature map, for unmixing",
            "a backbone of vectors",
            "Use unmix='none' or a convolutional backbone.",
        )
    return layers.UnfoldMembers(members, name="unfold_features")(features)


def _fold(members, name):
    return layers.FoldMembers(members, by_member=True, name=name)


class _MixedStem:
    """A kit whose first convolution or dense layer becomes M encoders.

    Attributes:
        masks: The mixing block's masks, once the stem is built.
        ratios: The mixing block's ratios.
    """

    def __init__(self, task, mixing, start):
        self.task, self.mixing, self.start = task, mixing, start
        self.masks = self.ratios = None

    def kit(self):
        plain = Kit()
        return Kit(
            conv=functools.partial(self._part, plain.conv, self._conv),
            dense=functools.partial(self._part, plain.dense, self._dense),
        )

    def _part(self, constructor, encoder, *args, **options):
        like = constructor(*args, **options)
        return like if self.masks is not None else self._mixed(encoder(like))

    def _mixed(self, encoder):
        def call(x):
            members = self.task.ensemble_size
            unfold = layers.UnfoldMembers(members, name="unfold_encoded")
            x = unfold(encoder(x))
            mix = self.mixing.layer(x, self.task.seed_generator())
            x, self.masks, self.ratios = mix(x)
            return x

        return call

    def _conv(self, like):
        return layers.MemberConv2D(
            like.filters,
            like.kernel_size,
            strides=like.strides,
            padding=like.padding,
            **self._options(like),
        )

    def _dense(self, like):
        return layers.MemberDense(like.units, **self._options(like))

    def _options(self, like):
        return {
            "ensemble_size": self.task.ensemble_size,
            "use_bias": like.use_bias,
            "kernel_initializer": self.start,
            "name": like.name,
        }
