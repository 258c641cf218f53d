"""Vision Transformers whose tokens stay arranged as a map."""

import functools

import keras
from keras import ops

from mimo_keras.backbones.kit import IMAGE, Backbone
from mimo_keras.errors import expected
from mimo_keras.layers.registration import serializable

# Name -> width, blocks, heads; a block's MLP has 4 times the width.
SIZES = {"tiny": (192, 12, 3), "small": (384, 12, 6), "base": (768, 12, 12)}
STAGES = 4


def vit(width=384, blocks=12, heads=6, patch=16):
    """Vision Transformer whose features are the mean over tokens.

    Patches are embedded by a strided convolution, their positions by learned
    vectors; a block is LayerNorm and attention, then LayerNorm and two dense
    layers with GELU in between, each with a skip connection. The dense layers
    are 1x1 convolutions on the token map (N, H / P, W / P, width), so that
    methods can replace them with layers of their own; the blocks form four
    stages, each of which ends in such a map. Methods with dropout apply it
    after attention and after the dense layers.

    Args:
        width: F, the width of a token.
        blocks: Number of blocks, a multiple of 4.
        heads: Attention heads of a block, a divisor of the width.
        patch: P, height and width of a patch in pixels.

    Returns:
        The `Backbone`.

    Raises:
        InputError: The blocks are no multiple of 4, or the width none of the
            heads.

    Example:

    ```python
    backbone = mimo_keras.backbones.vit(width=8, blocks=4, heads=2, patch=4)
    len(backbone.stages)                                     # 4
    ```

    Reference:
        Dosovitskiy et al., An image is worth 16x16 words, ICLR 2021; Touvron
        et al., Training data-efficient image transformers, ICML 2021 (sizes);
        Beyer et al., Better plain ViT baselines, 2022 (mean over tokens).
    """
    if min(width, blocks, heads, patch) < 1 or blocks % 4 or width % heads:
        raise expected(
            "sizes of at least 1, a multiple of 4 blocks and heads that "
            "divide width",
            f"width={width}, blocks={blocks}, heads={heads}, patch={patch}",
            "ViT-S/16 uses 384, 12, 6 and 16.",
        )
    each = blocks // STAGES
    stages = tuple(
        functools.partial(
            _stage, width=width, heads=heads, first=index * each, blocks=each
        )
        for index in range(STAGES)
    )
    stem = functools.partial(_stem, width=width, patch=patch)
    return Backbone(
        stem=stem,
        stages=stages,
        top=_top,
        axes=IMAGE,
        sized=True,
    )


def sized(size, patch):
    """Returns ViT-Ti, ViT-S or ViT-B, by its name in `SIZES`."""
    return vit(*SIZES[size], patch)


@serializable
class PositionEmbedding(keras.layers.Layer):
    """Adds a learned vector to each position of a map.

    Input shape:
        (N, H, W, F).

    Output shape:
        The same.
    """

    def build(self, input_shape):
        self.embedding = self.add_weight(
            shape=tuple(input_shape[1:]),
            initializer=keras.initializers.TruncatedNormal(stddev=0.02),
            name="embedding",
        )

    def call(self, x):
        return x + self.embedding

    def compute_output_spec(self, x):
        return keras.KerasTensor(x.shape, self.compute_dtype)

    def multiply_adds(self, input_shape, output_shape):
        """Returns 0: it only adds."""
        return 0


@serializable
class MapAttention(keras.layers.Layer):
    """Multi-head dot-product attention between all positions of a map.

    Args:
        heads: Number of heads, a divisor of the width F.

    Call arguments:
        query: (N, H, W, F).
        key: (N, H, W, F).
        value: (N, H, W, F).

    Output shape:
        (N, H, W, F).

    Reference:
        Vaswani et al., Attention is all you need, NeurIPS 2017.
    """

    def __init__(self, heads, **kwargs):
        super().__init__(**kwargs)
        self.heads = heads

    def call(self, query, key, value):
        shape = ops.shape(query)
        places = query.shape[1] * query.shape[2]
        split = (-1, places, self.heads, query.shape[3] // self.heads)
        parts = (ops.reshape(x, split) for x in (query, key, value))
        return ops.reshape(ops.nn.dot_product_attention(*parts), shape)

    def compute_output_spec(self, query, key, value):
        return keras.KerasTensor(query.shape, self.compute_dtype)

    def multiply_adds(self, input_shape, output_shape):
        """Returns those of queries with keys and of weights with values."""
        rows, height, width, features = output_shape
        return 2 * rows * (height * width) ** 2 * features

    def get_config(self):
        return {**super().get_config(), "heads": self.heads}


def _stem(x, kit, *, width, patch):
    if any(size % patch for size in x.shape[1:3]):
        raise expected(
            f"images with sides that are a multiple of {patch} pixels",
            f"images of {x.shape[1]}x{x.shape[2]}",
            "Resize the images, or use another patch size, as in vit_small_4.",
        )
    x = _dense(width, kit, "stem_conv", patch, strides=patch)(x)
    return PositionEmbedding(name=kit.name("positions"))(x)


def _stage(x, kit, *, width, heads, first, blocks):
    for index in range(first, first + blocks):
        part = kit.named(f"block{index}_")
        x = _attention(x, part, width, heads)
        x = _two_layers(x, part, width)
    return x


def _attention(x, kit, width, heads):
    y = _norm(x, kit, "norm0")
    parts = [_dense(width, kit, name)(y) for name in ("query", "key", "value")]
    y = MapAttention(heads, name=kit.name("attention"))(*parts)
    y = _dense(width, kit, "projection")(y)
    y = kit.drop(name=kit.name("drop0"))(y)
    return keras.layers.Add(name=kit.name("add0"))([x, y])


def _two_layers(x, kit, width):
    y = _norm(x, kit, "norm1")
    y = _dense(4 * width, kit, "hidden")(y)
    y = keras.layers.Activation("gelu", name=kit.name("gelu"))(y)
    y = _dense(width, kit, "output")(y)
    y = kit.drop(name=kit.name("drop1"))(y)
    return keras.layers.Add(name=kit.name("add1"))([x, y])


def _norm(x, kit, name):
    norm = keras.layers.LayerNormalization(epsilon=1e-6, name=kit.name(name))
    return norm(x)


def _dense(width, kit, name, size=1, **options):
    return kit.conv(
        width,
        size,
        use_bias=True,
        kernel_initializer="glorot_uniform",
        name=kit.name(name),
        **options,
    )


def _top(x, kit):
    x = kit.last_map(_norm(x, kit, "norm_top"))
    return keras.layers.GlobalAveragePooling2D(name=kit.name("pool"))(x)
