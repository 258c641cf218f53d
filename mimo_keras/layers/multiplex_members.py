"""DataMUX's multiplexers: M inputs become one, each marked by its member."""

import math

import keras
from keras import ops

from mimo_keras.errors import expected
from mimo_keras.layers import arguments
from mimo_keras.layers.members import MembersLayer
from mimo_keras.layers.protocols import Twin
from mimo_keras.layers.registration import serializable

KEYS = ("gaussian", "orthogonal", "identity")
REDUCTIONS = ("mean", "concatenate")


class _Multiplexer(MembersLayer):
    """Base of layers that transform each member's input and combine them.

    Args:
        ensemble_size: M, the number of members.
        reduce: "mean" for the mean over members; "concatenate" for all their
            channels, member-major.
        one_image: Whether all members see one image: inputs are (N, ...).
    """

    def __init__(
        self, ensemble_size, *, reduce="mean", one_image=False, **kwargs
    ):
        super().__init__(ensemble_size, **kwargs)
        self.reduce = arguments.choice("reduce", reduce, REDUCTIONS)
        self.one_image = arguments.flag("one_image", one_image)

    def compute_output_shape(self, input_shape):
        self.check(input_shape)
        *shape, channels = input_shape
        if not self.one_image:
            del shape[1]
        if self.reduce == "concatenate":
            channels *= self.ensemble_size
        return (*shape, channels)

    def combined(self, marked):
        """Combines the members' transformed inputs, a list of (N, ..., C)."""
        if self.reduce == "concatenate":
            return ops.concatenate(marked, axis=-1)
        return sum(marked) / self.ensemble_size

    def check(self, shape):
        """Raises InputError if there is not one input for each member."""
        if self.one_image:
            return
        if len(shape) < 3 or shape[1] != self.ensemble_size:
            raise expected(
                f"inputs of {self.ensemble_size} members, (N, M, ...)",
                f"shape={tuple(shape)}",
                "Use one_image=True if all members see the same.",
            )

    def for_one_image(self):
        """Returns this layer for a single image that all members see."""
        config = {**self.get_config(), "one_image": True}
        return Twin(type(self).from_config(config), self.get_weights())

    def get_config(self):
        return {
            **super().get_config(),
            "reduce": self.reduce,
            "one_image": self.one_image,
        }


@serializable
class MultiplexMembers(_Multiplexer):
    """Transforms each member's input by a fixed key: y = (1/M) Σ_m φ_m(x_m).

    Args:
        ensemble_size: M, the number of members.
        keys: "gaussian": φ_m multiplies each value by a sample of a standard
            normal. "orthogonal": φ_m is a rotation of the whole input as a
            vector, which takes a D x D matrix for D values. "identity": φ_m
            does nothing, which makes sense only for one member.
        reduce: "mean" as above; "concatenate" for all φ_m(x_m), one behind the
            other along the last axis.
        one_image: Whether all members see one image: inputs are (N, ...).

    Input shape:
        (N, M, ..., C).

    Output shape:
        (N, ..., C), or (N, ..., M·C) if concatenated.

    Example:

    ```python
    vectors = keras.Input((2, 16))
    x = mimo_keras.layers.MultiplexMembers(2, keys="orthogonal")(vectors)
    ```

    Reference:
        Murahari et al., DataMUX: data multiplexing for neural networks,
        NeurIPS 2022, section 3.1.
    """

    def __init__(
        self,
        ensemble_size,
        keys="gaussian",
        *,
        reduce="mean",
        one_image=False,
        **kwargs,
    ):
        super().__init__(
            ensemble_size, reduce=reduce, one_image=one_image, **kwargs
        )
        self.keys = arguments.choice("keys", keys, KEYS)

    def build(self, input_shape):
        self.check(input_shape)
        shape = tuple(input_shape[1 if self.one_image else 2 :])
        self.key = None
        if self.keys != "identity":
            if None in shape:
                raise expected(
                    f"inputs of known sizes for keys={self.keys!r}",
                    f"inputs of shape {shape}",
                    "Bring the examples to one size, or use keys='conv', "
                    "which take images of any.",
                )
            size = math.prod(shape)
            rotation = self.keys == "orthogonal"
            self.key = self.add_weight(
                shape=(
                    self.ensemble_size,
                    *((size, size) if rotation else shape),
                ),
                initializer=_rotations if rotation else _normal,
                trainable=False,
                name="key",
            )

    def call(self, inputs):
        self.check(inputs.shape)
        if self.one_image and self.reduce == "mean":
            key = None if self.key is None else ops.mean(self.key, axis=0)
            return self._turned(inputs, key)
        turned = [
            self._turned(
                inputs if self.one_image else inputs[:, member],
                None if self.key is None else self.key[member],
            )
            for member in range(self.ensemble_size)
        ]
        return self.combined(turned)

    def multiply_adds(self, input_shape, output_shape):
        """Returns the multiply-adds of the rotations; other keys have none."""
        if self.keys != "orthogonal":
            return 0
        batch, *shape = input_shape
        size = math.prod(shape if self.one_image else shape[1:])
        once = self.one_image and self.reduce == "mean"
        return (1 if once else self.ensemble_size) * size * size * batch

    def get_config(self):
        return {**super().get_config(), "keys": self.keys}

    def _turned(self, x, key):
        if key is None:
            return x
        if self.keys == "gaussian":
            return x * key
        flat = ops.reshape(x, (-1, key.shape[0]))
        return ops.reshape(ops.matmul(flat, key), (-1, *x.shape[1:]))


@serializable
class MultiplexConvolutions(_Multiplexer):
    """Marks each member's image by a learned convolution.

    y = (1/M) Σ_m ReLU(W_m * x_m + b_m), with 3x3 kernels, stride 1 and zero
    padding of 1, to as many channels as the image has.

    Args:
        ensemble_size: M, the number of members.
        reduce: "mean" as above; "concatenate" for the channels of all members,
            member-major, as in the MIMMO paper.
        one_image: Whether all members see one image: inputs are (N, H, W, C).

    Input shape:
        (N, M, H, W, C).

    Output shape:
        (N, H, W, C), or (N, H, W, M·C) if concatenated.

    Example:

    ```python
    images = keras.Input((2, 32, 32, 3))
    x = mimo_keras.layers.MultiplexConvolutions(2)(images)  # (N, 32, 32, 3)
    ```

    Reference:
        Ferianc and Rodrigues, MIMMO, CVPR Workshops 2023, appendix B.
    """

    def build(self, input_shape):
        self.check(input_shape)
        channels = input_shape[-1]
        self.kernel = self.add_weight(
            shape=(self.ensemble_size, 3, 3, channels, channels),
            initializer=keras.initializers.RandomNormal(
                stddev=(2.0 / (9 * channels)) ** 0.5
            ),
            name="kernel",
        )
        self.bias = self.add_weight(
            shape=(self.ensemble_size, channels),
            initializer="zeros",
            name="bias",
        )

    def call(self, inputs):
        self.check(inputs.shape)
        marked = [
            ops.relu(
                ops.conv(
                    inputs if self.one_image else inputs[:, member],
                    self.kernel[member],
                    padding="same",
                    data_format="channels_last",
                )
                + self.bias[member]
            )
            for member in range(self.ensemble_size)
        ]
        return self.combined(marked)

    def check(self, shape):
        super().check(shape)
        if len(shape) != (4 if self.one_image else 5):
            raise expected(
                "images (N, M, H, W, C)",
                f"shape={tuple(shape)}",
                "Use MultiplexMembers for vectors.",
            )

    def multiply_adds(self, input_shape, output_shape):
        """Returns the multiply-adds of the members' convolutions."""
        batch, *space, _ = output_shape
        channels = input_shape[-1]
        positions = batch * space[0] * space[1]
        return self.ensemble_size * positions * 9 * channels * channels


def _normal(shape, dtype=None):
    return keras.initializers.RandomNormal(stddev=1.0)(shape, dtype)


def _rotations(shape, dtype=None):
    """Returns one random orthogonal matrix per member."""
    # Reusing one initializer would repeat the matrix. In float32, since there
    # is no QR decomposition in bfloat16.
    keys = [
        keras.initializers.Orthogonal()(shape[1:], "float32")
        for _ in range(shape[0])
    ]
    return ops.cast(ops.stack(keys), dtype)
