"""MixShare's unmixing: each head reads the part of its own input."""

import keras
from keras import ops

from mimo_keras.errors import expected
from mimo_keras.layers import arguments
from mimo_keras.layers.epochs import EpochLayer
from mimo_keras.layers.protocols import Twin
from mimo_keras.layers.registration import serializable

INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5")


@serializable
class UnmixMembers(EpochLayer):
    """Gives each member the part of a feature map that shows its input.

    y_m = x ⊙ (mask_m + r (1 - mask_m)) in training, with the masks of the
    mixing block, resized to the map and set to 1 wherever a member has any
    share, so that a linear mix, where all have one, stays whole. In prediction
    nothing is masked. r is 0 for full unmixing; with fade-out it grows with the
    epoch, r = min(1, epoch / fadeout_epochs).

    Args:
        fraction: Fraction of the feature maps, counted from the first, that is
            unmixed; the others are read whole by all (partial unmixing).
        fadeout_epochs: Epochs over which unmixing fades out; 0 for never.
        interpolation: How masks are resized, see keras.ops.image.resize;
            "nearest" keeps them at 0 or 1.

    Call arguments:
        features: The last feature map.
        masks: Masks from `MixMembers`, of any height and width.
        training: Whether to unmix.

    Input shape:
        (N, h, w, F) and (N, H, W, M).

    Output shape:
        (N, M, h, w, F).

    Example:

    ```python
    x, masks = keras.Input((8, 8, 64)), keras.Input((32, 32, 2))
    y = mimo_keras.layers.UnmixMembers(fadeout_epochs=100)(x, masks)
    ```

    Reference:
        Sun et al., MixShare, CVPR Workshops 2022, sections 3.1 and 3.3.
    """

    def __init__(
        self,
        fraction=1.0,
        fadeout_epochs=0,
        interpolation="nearest",
        **kwargs,
    ):
        super().__init__(**kwargs)
        # The paper uses 0.25 for partial and 100 for fade-out.
        self.fraction = arguments.number("fraction", fraction, 0, 1)
        self.fadeout_epochs = arguments.number(
            "fadeout_epochs", fadeout_epochs, 0
        )
        self.interpolation = arguments.choice(
            "interpolation", interpolation, INTERPOLATIONS
        )
        self.built = True

    def call(self, features, masks, training=False):
        _check(features.shape, masks.shape)
        members = masks.shape[-1]
        features = ops.expand_dims(features, 1)
        if not training:
            return ops.repeat(features, members, axis=1)
        size = ops.shape(features)[2:4]
        own = ops.image.resize(
            ops.cast(masks > 0, "float32"),
            size,
            interpolation=self.interpolation,
            data_format="channels_last",
        )
        own = ops.expand_dims(ops.moveaxis(own, -1, 1), -1)
        left_out = (1.0 - own) * (1.0 - self.faded())
        kept = 1.0 - left_out * self._unmixed(features.shape[-1])
        return features * ops.cast(kept, features.dtype)

    def compute_output_spec(self, features, masks, training=False):
        _check(features.shape, masks.shape)
        batch, *rest = features.shape
        shape = (batch, masks.shape[-1], *rest)
        return keras.KerasTensor(shape, self.compute_dtype)

    def faded(self):
        """Returns r in this epoch, a scalar: 0 unmixes fully, 1 not at all."""
        if not self.fadeout_epochs:
            return ops.convert_to_tensor(0.0, "float32")
        return ops.minimum(self.epoch / self.fadeout_epochs, 1.0)

    def for_one_image(self):
        """Returns the layer's replacement where all members see one image.

        All heads then read the same features.
        """
        twin = keras.layers.Identity(name=self.name)
        return Twin(twin, reads_first_only=True)

    def get_config(self):
        return {
            **super().get_config(),
            "fraction": self.fraction,
            "fadeout_epochs": self.fadeout_epochs,
            "interpolation": self.interpolation,
        }

    def _unmixed(self, channels):
        """Returns 1 for the channels that are unmixed, 0 for the others."""
        count = int(self.fraction * channels)
        return ops.cast(ops.arange(channels) < count, "float32")


def _check(features, masks):
    if len(features) != 4 or len(masks) != 4:
        raise expected(
            "a feature map (N, h, w, F) and masks (N, H, W, M)",
            f"shapes {tuple(features)} and {tuple(masks)}",
            "Unmix before the map is pooled or flattened.",
        )
