"""A network is folded where folding is exact, and only there."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from mimo_keras.methods import folding
from tests.methods import small

MEMBERS = 3


def conv(x, filters=4, **options):
    return layers.Conv2D(filters, 3, padding="same", **options)(x)


def padded_conv(x):
    """A user-defined backbone: zero padding, a convolution, a feature map."""
    x = layers.Conv2D(8, 3, strides=2)(layers.ZeroPadding2D(1)(x))
    return layers.ReLU()(layers.BatchNormalization()(x))


def mobile_net_v2(x):
    return keras.applications.MobileNetV2(
        weights=None, input_tensor=x, include_top=False, alpha=0.35
    ).output


def resnet_50_v2(x):
    return keras.applications.ResNet50V2(
        weights=None, input_tensor=x, include_top=False, pooling="avg"
    ).output


def assert_exact(model, folded):
    """Compares a model with its folded (or not) and its tiled predictor."""
    predictor, tiling = model.predictor(), model.predictor(fold=False)
    assert (predictor.folded, tiling.folded) == (folded, False)
    images, _ = small.examples(model, 6)
    logits = small.numpy(model(images))
    # The comparison is meaningful: images and members differ.
    assert np.ptp(logits, axis=0).max() > 1e-3
    assert np.ptp(logits, axis=1).max() > 1e-3
    scale = max(1.0, float(np.abs(logits).max()))
    for made in (predictor, tiling):
        found = small.numpy(made.member_logits(images))
        np.testing.assert_allclose(found, logits, atol=1e-5 * scale)
    small.assert_close(predictor(images), tiling(images), atol=1e-5)


@pytest.mark.parametrize(
    ("backbone", "shape", "task"),
    [
        ("wide_resnet_10_1", small.IMAGES, "classification"),
        ("small_cnn", small.IMAGES, "classification"),
        ("mlp", small.IMAGES, "classification"),
        ("mlp", small.VECTORS, "regression"),
        (padded_conv, small.IMAGES, "classification"),
        # One backend is enough for a test that takes a minute to compile.
        pytest.param(
            mobile_net_v2,
            (32, 32, 3),
            "classification",
            marks=[pytest.mark.tensorflow, pytest.mark.large],
        ),
    ],
)
def test_folded_is_exact_after_training(backbone, shape, task):
    model = small.create("mimo", backbone, MEMBERS, task, shape)
    before = model.network.get_weights()
    small.train(model, epochs=1)
    after = model.network.get_weights()
    moved = [np.abs(a - b).max() for a, b in zip(after, before, strict=True)]
    assert moved[0] > 1e-4 and all(moved[:1] + moved[-2:])
    kernels = np.split(after[0], MEMBERS, axis=-2)
    assert np.abs(kernels[0] - kernels[1]).max() > 0.01
    assert_exact(model, folded=True)


@pytest.mark.large
@pytest.mark.tensorflow
def test_resnet_50_v2_of_keras_is_folded():
    """Its weights are scattered, since training would take long."""
    model = small.create("mimo", resnet_50_v2, 2, shape=(32, 32, 3))
    small.scatter(model.network)
    assert_exact(model, folded=True)


def linear(x):
    return layers.Dense(4)(layers.Flatten()(x))


FOLDABLE = {
    "two convolutions": lambda x: layers.Add()(
        [conv(x), conv(layers.ZeroPadding2D(0)(x))]
    ),
    "dilated": lambda x: conv(x, dilation_rate=2),
    "with activation": lambda x: conv(x, activation="softmax"),
    "dropout": lambda x: conv(layers.Dropout(0.5)(x)),
    "rectified and pooled": lambda x: conv(
        layers.AveragePooling2D(2)(layers.MaxPooling2D(1)(layers.ReLU()(x)))
    ),
    "cropped": lambda x: conv(layers.Cropping2D(1)(x)),
    "identity": lambda x: conv(layers.Identity()(x)),
    "flattened twice": lambda x: linear(layers.Flatten()(x)),
    "dense on a map": layers.Dense(4),
    "with LoRA": lambda x: layers.Dense(4, lora_rank=2)(x),
    "operations behind": lambda x: ops.relu(conv(x)) + 2.0,
    "shared behind": lambda x: (lambda c: c(c(conv(x))))(
        layers.Conv2D(4, 3, padding="same")
    ),
    "nested behind": lambda x: keras.Sequential([layers.Dense(4)])(conv(x)),
}


@pytest.mark.parametrize("name", FOLDABLE)
def test_what_is_linear_first_is_folded(name):
    model = small.create("mimo", FOLDABLE[name], MEMBERS, shape=small.IMAGES)
    small.scatter(model.network)
    assert_exact(model, folded=True)


@pytest.mark.parametrize(
    ("backbone", "shape"),
    [
        (lambda x: layers.Conv1D(4, 3)(layers.ZeroPadding1D(2)(x)), (6, 2)),
        (lambda x: layers.Conv1D(4, 3, padding="causal")(x), (6, 2)),
        (
            lambda x: layers.Conv3D(4, 3)(layers.ZeroPadding3D(1)(x)),
            (4, 4, 4, 2),
        ),
    ],
    ids=["padded line", "causal line", "volume"],
)
def test_lines_and_volumes_are_folded(backbone, shape):
    model = small.create("mimo", backbone, MEMBERS, shape=shape)
    small.scatter(model.network)
    assert_exact(model, folded=True)


@keras.saving.register_keras_serializable("folding_test")
class NormedConv(layers.Conv2D):
    """A convolution with its kernel scaled to norm 1: not linear in it."""

    def call(self, x):
        norm = ops.sqrt(ops.sum(ops.square(self.kernel)))
        return ops.conv(x, self.kernel / norm, padding="same")


def shared_relu(x):
    """Its ReLU is also called after the first convolution."""
    relu = layers.ReLU()
    return conv(relu(conv(relu(x))))


def shared_conv(x):
    """It has M·C filters, so that it can also read its own output."""
    layer = layers.Conv2D(x.shape[-1], 3, padding="same")
    return layer(layer(x))


NOT_FOLDABLE = {
    "batch norm": lambda x: conv(layers.BatchNormalization()(x)),
    "concatenation": lambda x: layers.Concatenate()([x, conv(x)]),
    "sum": lambda x: layers.Add()([x, conv(x, x.shape[-1])]),
    "depthwise": lambda x: conv(layers.DepthwiseConv2D(3)(x)),
    "separable": lambda x: layers.SeparableConv2D(4, 3)(x),
    "grouped": lambda x: conv(x, 6, groups=3),
    "transposed": lambda x: layers.Conv2DTranspose(4, 3)(x),
    "softmax": lambda x: conv(layers.Activation("softmax")(x)),
    "nested": lambda x: keras.Sequential([layers.Conv2D(4, 3)])(x),
    "operation": lambda x: conv(x * 2.0),
    "slice": lambda x: conv(x[..., :4]),
    "pooled features": layers.GlobalAveragePooling2D(),
    "nothing": lambda x: x,
    "subclass": lambda x: NormedConv(4, 3, padding="same")(x),
    "shared convolution": shared_conv,
    "shared activation": shared_relu,
    "padded channels": lambda x: conv(
        layers.ZeroPadding2D(1, data_format="channels_first")(x)
    ),
    "pooled channels": lambda x: conv(
        layers.AveragePooling2D(3, data_format="channels_first")(x)
    ),
    "transposed by flattening": lambda x: layers.Dense(4)(
        layers.Flatten(data_format="channels_first")(x)
    ),
}


@pytest.mark.parametrize("name", NOT_FOLDABLE)
def test_what_looks_across_channels_is_not_folded(name):
    backbone = NOT_FOLDABLE[name]
    model = small.create("mimo", backbone, MEMBERS, shape=small.IMAGES)
    small.scatter(model.network)
    assert_exact(model, folded=False)


def test_folded_kernel_is_the_sum_over_members_by_hand():
    model = small.create(
        "mimo", lambda x: conv(x, 1, use_bias=False), 2, shape=(3, 3, 2)
    )
    kernel, *head = model.network.get_weights()
    kernel[1, 1, :, 0] = [1, 10, 100, 1000]  # Two channels, member by member.
    model.network.set_weights([kernel, *head])
    folded, *_ = model.predictor().network.get_weights()
    assert folded.shape == (3, 3, 2, 1)
    assert folded[1, 1, :, 0].tolist() == [101, 1010]


def test_flattened_images_are_summed_by_pixel_and_channel():
    model = small.create("mimo", "mlp_1", 2, shape=(1, 2, 2))
    kernel, *rest = model.network.get_weights()
    # Pixel 0: member 0's two channels, member 1's two; then pixel 1.
    kernel[:, 0] = [1, 2, 10, 20, 100, 200, 1000, 2000]
    model.network.set_weights([kernel, *rest])
    folded, *_ = model.predictor().network.get_weights()
    assert folded[:, 0].tolist() == [11, 22, 1100, 2200]


def test_copies_have_weights_of_their_own():
    model = small.create("mimo", "mlp", 2)
    before = model.network.get_weights()
    for fold in (True, False):
        copy, _ = folding.single_image(model.network, True, fold)
        small.scatter(copy)
    small.assert_close(model.network.get_weights(), before, atol=0)


def test_a_network_of_one_input_is_copied_and_called_not_folded():
    model = small.create("naive_multihead", "small_cnn", 2)
    small.scatter(model.network)
    copy, folded = folding.single_image(model.network, multi_input=False)
    assert not folded
    images, _ = small.examples(model, 4)
    small.assert_close(copy(images), model.network(images), atol=0)
    assert {id(w) for w in copy.weights}.isdisjoint(
        id(w) for w in model.network.weights
    )
