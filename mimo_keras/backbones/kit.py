"""`Kit`: the layers a backbone is built from. `Backbone`: its pieces."""

import dataclasses
import functools
from collections.abc import Callable

import keras

from mimo_keras import layers
from mimo_keras.errors import expected

IMAGE = ("H", "W", "C")
"""The axes of one image, see `Backbone`."""


def conv2d(filters, kernel_size, layer=keras.layers.Conv2D, **options):
    """Returns a convolution with the defaults of residual networks."""
    options = {
        "padding": "same",
        "use_bias": False,
        "kernel_initializer": "he_normal",
        **options,
    }
    return layer(filters, kernel_size, **options)


def no_drop(name):
    """Returns the identity: no dropout, unless a method asks for it."""
    return lambda x: x


def as_it_is(x):
    """Returns the identity: all heads read the whole last map."""
    return x


@dataclasses.dataclass(frozen=True)
class Kit:
    """Constructors of the layers that differ between methods.

    A method replaces a constructor to change every layer of that type; the
    backbone is defined once.

    Attributes:
        conv: `conv(filters, kernel_size, strides=…, use_bias=…, name=…)`.
        norm: `norm(name=…)`.
        dense: `dense(units, name=…, **options)`.
        drop: `drop(name=…)`, dropout where the backbone has it.
        before: `before(name=…)`, what precedes each convolution and dense layer
            of a trained network; other backbones leave it to `conv` and
            `dense`.
        last_map: Function from the last feature map to the map that is pooled
            or flattened.
        prefix: Prefix of each layer's name, so that a method can build a stage
            more than once in one network.

    Example:

    ```python
    kit = mimo_keras.backbones.Kit(prefix="a_")
    kit.dense(4, name="head").name                           # head
    ```
    """

    conv: Callable = conv2d
    norm: Callable = functools.partial(
        layers.FusedBatchNormalization, momentum=0.9, epsilon=1e-5
    )
    dense: Callable = functools.partial(
        keras.layers.Dense, kernel_initializer="he_normal"
    )
    drop: Callable = no_drop
    before: Callable = no_drop
    last_map: Callable = as_it_is
    prefix: str = ""

    def named(self, prefix):
        """Returns this kit with `prefix` appended to its own.

        Args:
            prefix: Text, which the layers' names then begin with.
        """
        return dataclasses.replace(self, prefix=self.prefix + prefix)

    def name(self, name):
        """Returns the full name of a layer.

        Args:
            name: Its name in the backbone, such as "stem".
        """
        return self.prefix + name


@dataclasses.dataclass(frozen=True)
class Backbone:
    """A network up to its features, split where methods need access.

    Every piece takes a KerasTensor and a `Kit` and returns a KerasTensor.

    Attributes:
        stem: From the input to the first feature map.
        stages: The residual groups, or their equivalent, in order.
        top: From the last feature map to features (N, F).
        uses_kit: Whether the pieces build their layers with the kit; if not,
            methods that replace layers must convert what they built.
        shares: Whether layers that a method cannot convert stay as they are,
            shared by all members, instead of being refused.
        named: Whether it reads several named inputs, from rows that begin with
            `layers.SplitInputs`.
        axes: What the axes of an example are, such as ("H", "W", "C"); None for
            any.
        sized: Whether each of them must have a known size.

    Example:

    ```python
    linear = mimo_keras.backbones.Backbone(
        stem=lambda x, kit: kit.conv(4, 3, name="first")(x),
        stages=(),
        top=lambda x, kit: keras.layers.GlobalAveragePooling2D()(x))
    model = mimo_keras.create_model(
        "mimo", backbone=linear, input_shape=(8, 8, 1), num_classes=10,
        ensemble_size=2)
    ```
    """

    stem: Callable
    stages: tuple[Callable, ...]
    top: Callable
    uses_kit: bool = True
    shares: bool = False
    named: bool = False
    axes: tuple[str, ...] | None = None
    sized: bool = False

    def check_shape(self, shape):
        """Raises InputError if it cannot be built on examples of this shape.

        Args:
            shape: That of one example, without the batch; None is a size that
                is not known.
        """
        axes = self.axes or shape
        if len(shape) != len(axes):
            one = f"({', '.join(axes[:-1])}, 1)"
            raise expected(
                f"input_shape=({', '.join(axes)}) for this backbone",
                f"input_shape={tuple(shape)}",
                f"Write {one} for one channel, or use the backbone mlp."
                if len(shape) < len(axes)
                else "Leave out the batch, or use the backbone mlp.",
            )
        if self.sized and None in shape:
            raise expected(
                "input_shape of known sizes for this backbone",
                f"input_shape={tuple(shape)}",
                "Bring the examples to one size; of the backbones by name, "
                "ResNets take images, and temporal_cnn series, of any size.",
            )

    def features(self, x, kit):
        """Builds the whole backbone on `x`.

        Args:
            x: KerasTensor, the input of the stem.
            kit: The `Kit` of layer constructors.

        Returns:
            The features (N, F), and the named endpoints: "stem", "stage_0",
            …, each a KerasTensor. The network has a layer of each of these
            names that returns it.
        """
        return self.behind_stem(self.stem(x, kit), kit)

    def behind_stem(self, x, kit):
        """Builds what follows the stem; returns the same as `features`.

        Args:
            x: KerasTensor, the stem's output.
            kit: The `Kit` of layers to build with.
        """
        x = _endpoint(x, kit, "stem")
        endpoints = {"stem": x}
        for index, stage in enumerate(self.stages):
            name = f"stage_{index}"
            x = endpoints[name] = _endpoint(stage(x, kit), kit, name)
        return self.top(x, kit), endpoints


def _endpoint(x, kit, name):
    """Names an intermediate tensor, so that analyses can find it."""
    if not isinstance(x, keras.KerasTensor):
        return x  # A user's callable is wrong: the top reports it.
    return keras.layers.Identity(name=kit.name(name))(x)


def residual_group(x, kit, *, block, name, filters, strides, blocks):
    """Builds one residual group; its first block may have a stride.

    Args:
        x: KerasTensor, the group's input.
        kit: The `Kit` of layer constructors.
        block: Function (x, kit, filters, strides) that builds one block.
        name: Prefix of its layers' names.
        filters: Filters of each block.
        strides: Stride of the first block.
        blocks: Number of blocks.
    """
    for index in range(blocks):
        part = kit.named(f"{name}_block{index}_")
        x = block(x, part, filters, strides if index == 0 else 1)
    return x
