"""MixMo's mixing block: M encoded inputs become one."""

import keras
from keras import ops

from mimo_keras.errors import expected
from mimo_keras.layers import arguments, draws
from mimo_keras.layers.drawing import DrawingLayer, log_gamma
from mimo_keras.layers.epochs import EpochLayer
from mimo_keras.layers.protocols import Twin
from mimo_keras.layers.registration import serializable


@serializable
class MixMembers(DrawingLayer, EpochLayer):
    """Mixes the M encoded inputs: y = M Σ_m mask_m ⊙ x_m.

    In training each row draws ratios λ from a symmetric Dirichlet distribution.
    A batch is mixed either linearly, with masks equal to λ everywhere, or by
    CutMix: a box of the map, of side √λ_a and clipped at the border, belongs to
    one randomly chosen member a; outside it the others are mixed linearly. The
    ratios are then the masks' means. In prediction all masks are 1/M, so that y
    is the sum.

    Args:
        concentration: Parameter of the Dirichlet distribution.
        cutmix_probability: Probability that a batch is mixed by CutMix.
        cutmix_decay: Final fraction of training over which that probability
            falls linearly to 0, epoch by epoch; 0 to keep it constant.
        seed: Integer, None for a random seed, or a keras.random.SeedGenerator.

    Call arguments:
        inputs: The encoders' outputs, with an axis of members.
        training: Whether to mix at random.

    Input shape:
        (N, M, ..., F) with M of at least 2: maps, as in (N, M, H, W, F), or
        vectors (N, M, F), for which CutMix is undefined.

    Output shape:
        A triple: the mix (N, ..., F); masks (N, ..., M), which sum to 1 over
        the members; and ratios (N, M), the masks' means. Masks and ratios are
        float32 under every dtype policy.

    Example:

    ```python
    encoded = keras.Input((2, 32, 32, 16))
    mix = mimo_keras.layers.MixMembers(cutmix_probability=0.5)
    x, masks, ratios = mix(encoded)
    x = keras.layers.ReLU()(x)                              # (N, 32, 32, 16)
    ```

    Reference:
        Ramé, Sun and Cord, MixMo: mixing multiple inputs for multiple outputs
        via deep subnetworks, ICCV 2021, section 3; more than two members:
        its appendix.
    """

    def __init__(
        self,
        concentration=2.0,
        cutmix_probability=0.5,
        cutmix_decay=0.0,
        seed=None,
        **kwargs,
    ):
        super().__init__(seed, **kwargs)
        concentration = arguments.number("concentration", concentration)
        if not concentration > 0:
            raise expected(
                "a concentration above 0",
                f"concentration={concentration}",
                "The paper uses 2; larger values give more even ratios.",
            )
        self.concentration = concentration
        self.cutmix_probability = arguments.number(
            "cutmix_probability", cutmix_probability, 0, 1
        )
        self.cutmix_decay = arguments.number("cutmix_decay", cutmix_decay, 0, 1)
        self.built = True

    def call(self, inputs, training=False):
        members = self._members(inputs.shape)
        masks = self._masks(inputs, members, training)
        space = list(range(1, len(masks.shape) - 1))
        ratios = ops.mean(masks, axis=space) if space else masks
        if not training:
            return ops.sum(inputs, axis=1), masks, ratios
        weights = ops.cast(masks * members, inputs.dtype)
        mixed = sum(
            weights[..., member : member + 1] * inputs[:, member]
            for member in range(members)
        )
        return mixed, masks, ratios

    def compute_output_spec(self, inputs, training=False):
        batch, members, *space, features = inputs.shape
        self._members(inputs.shape)
        return (
            keras.KerasTensor((batch, *space, features), self.compute_dtype),
            keras.KerasTensor((batch, *space, members), "float32"),
            keras.KerasTensor((batch, members), "float32"),
        )

    def probability(self):
        """Returns the probability of CutMix in this epoch, a scalar."""
        if not self.cutmix_decay:
            return ops.convert_to_tensor(self.cutmix_probability, "float32")
        # MixMo counts epochs from 1, so that the last one is without CutMix.
        left = self.epochs - (self.epoch + 1.0)
        # If the length is unknown (0), this is negative or NaN: no decay.
        left = left / (self.cutmix_decay * self.epochs)
        share = ops.where(self.epochs > 0, ops.clip(left, 0.0, 1.0), 1.0)
        return self.cutmix_probability * share

    def for_one_image(self):
        """Returns the layer's replacement where all members see one image.

        The encoder before it then already returns the sum.
        """
        return Twin(keras.layers.Identity(name=self.name), outputs=3)

    def get_config(self):
        return {
            **super().get_config(),
            "concentration": self.concentration,
            "cutmix_probability": self.cutmix_probability,
            "cutmix_decay": self.cutmix_decay,
        }

    def _members(self, shape):
        members = shape[1] if len(shape) > 2 else 0
        if members < 2:
            raise expected(
                "encoded inputs (N, M, ..., F) of at least 2 members",
                f"shape={tuple(shape)}",
                "Use method deterministic for one member.",
            )
        if len(shape) == 3 and self.cutmix_probability:
            raise expected(
                "feature maps (N, M, H, W, F) for CutMix",
                f"shape={tuple(shape)}",
                "Set cutmix_probability=0 to mix vectors.",
            )
        return members

    def _masks(self, inputs, members, training):
        """Returns the masks (N, ..., M) in float32."""
        rows, _, *space, _ = ops.shape(inputs)
        if not training:
            return ops.full((rows, *space, members), 1 / members, "float32")
        ratios = self._ratios(rows, members)
        if not space:
            return ratios
        ones = [1] * len(space)
        linear = ops.reshape(ratios, (-1, *ones, members))
        linear = linear * ops.ones((1, *space, 1), "float32")
        if not self.cutmix_probability:
            return linear
        cut = self._cut(ratios, space, members)
        drawn = draws.uniform((), self.seed_generator)
        return ops.where(drawn < self.probability(), cut, linear)

    def _ratios(self, rows, members):
        """Draws λ, (N, M), from the Dirichlet distribution."""
        shape = (rows, members)
        parts = log_gamma(shape, self.concentration, self.seed_generator)
        return ops.softmax(parts, axis=1)

    def _cut(self, ratios, space, members):
        """Returns CutMix's masks: one member in the box, the rest around it."""
        ones = [1] * len(space)
        drawn = draws.uniform(
            (ops.shape(ratios)[0], 1 + len(space)), self.seed_generator
        )
        owner = ops.cast(ops.floor(drawn[:, 0] * members), "int32")
        owner = ops.one_hot(owner, members, dtype="float32")
        side = ops.sqrt(ops.sum(owner * ratios, axis=1))
        box = ops.ones((1, *ones), "float32")
        for axis, size in enumerate(space):
            inside = _interval(drawn[:, 1 + axis], side, size)
            shape = [-1, *ones]
            shape[1 + axis] = size
            box = box * ops.reshape(inside, shape)
        box = ops.expand_dims(box, -1)
        # A little above 0, should the owner's ratio be 1.
        others = (ratios + 1e-12) * (1.0 - owner)
        others = others / ops.sum(others, axis=1, keepdims=True)
        owner, others = (
            ops.reshape(x, (-1, *ones, members)) for x in (owner, others)
        )
        return box * owner + (1.0 - box) * others


def _interval(drawn, side, size):
    """Returns which of `size` positions lie in the box, (N, size) of 0 and 1.

    Args:
        drawn: (N,) in [0, 1), which place the center at any position.
        side: (N,), the box's length as a fraction of the whole.
        size: Number of positions, to which the box is clipped.
    """
    whole = ops.cast(size, "float32")
    middle = ops.cast(ops.floor(drawn * whole), "int32")
    half = ops.cast(ops.floor(side * whole), "int32") // 2
    positions = ops.expand_dims(ops.arange(size, dtype="int32"), 0)
    first, last = (
        ops.expand_dims(x, 1) for x in (middle - half, middle + half)
    )
    inside = ops.logical_and(positions >= first, positions < last)
    return ops.cast(inside, "float32")
