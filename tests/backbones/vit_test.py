"""Vision Transformers: attention and blocks against NumPy, known sizes."""

import keras
import numpy as np
import pytest

from mimo_keras import backbones, evaluation
from mimo_keras.backbones.vit import MapAttention
from mimo_keras.errors import InputError


def softmax(x):
    odds = np.exp(x - x.max(-1, keepdims=True))
    return odds / odds.sum(-1, keepdims=True)


def attention(query, key, value, heads):
    """Head by head, on maps (N, H, W, F)."""
    rows, height, width, features = query.shape
    flat = [
        x.reshape(rows, height * width, features) for x in (query, key, value)
    ]
    size = features // heads
    parts = []
    for head in range(heads):
        q, k, v = (x[..., head * size : (head + 1) * size] for x in flat)
        weights = softmax(q @ k.transpose(0, 2, 1) / np.sqrt(size))
        parts.append(weights @ v)
    return np.concatenate(parts, -1).reshape(query.shape)


@pytest.mark.parametrize("heads", [1, 2, 4])
def test_attention_is_that_of_each_head(heads):
    draw = np.random.default_rng(0)
    maps = draw.normal(size=(3, 3, 2, 3, 8)).astype("float32")
    found = keras.ops.convert_to_numpy(MapAttention(heads)(*maps))
    np.testing.assert_allclose(found, attention(*maps, heads), atol=1e-5)


def test_a_block_by_hand():
    network = small()
    scatter(network)
    images = np.random.default_rng(1).normal(size=(2, 8, 8, 3))
    find = {w.path: keras.ops.convert_to_numpy(w) for w in network.weights}

    def dense(x, name):
        return x @ find[f"{name}/kernel"][0, 0] + find[f"{name}/bias"]

    def norm(x, name):
        x = (x - x.mean(-1, keepdims=True)) / np.sqrt(
            x.var(-1, keepdims=True) + 1e-6
        )
        return x * find[f"{name}/gamma"] + find[f"{name}/beta"]

    def gelu(x):
        from scipy import special

        return x * (1 + special.erf(x / np.sqrt(2))) / 2

    patches = images.reshape(2, 2, 4, 2, 4, 3).transpose(0, 1, 3, 2, 4, 5)
    x = patches.reshape(2, 2, 2, 48) @ find["stem_conv/kernel"].reshape(48, 8)
    x = x + find["stem_conv/bias"] + find["positions/embedding"]
    for index in range(4):
        name = f"block{index}_"
        y = norm(x, name + "norm0")
        parts = [dense(y, name + part) for part in ("query", "key", "value")]
        x = x + dense(attention(*parts, 2), name + "projection")
        y = norm(x, name + "norm1")
        x = x + dense(gelu(dense(y, name + "hidden")), name + "output")
    wanted = norm(x, "norm_top").mean((1, 2))
    found = keras.ops.convert_to_numpy(network(images.astype("float32")))
    np.testing.assert_allclose(found, wanted, atol=1e-4)


@pytest.mark.parametrize(
    ("name", "parameters"),
    # With a head of 1000 classes and a class token: 5.72 M and 22.05 M.
    [("vit_tiny_16", 5_524_032), ("vit_small_16", 21_664_896)],
)
def test_published_sizes(name, parameters):
    inputs = keras.Input((224, 224, 3))
    features, endpoints = backbones.get(name).features(inputs, backbones.Kit())
    assert keras.Model(inputs, features).count_params() == parameters
    assert list(endpoints) == ["stem", *(f"stage_{i}" for i in range(4))]
    assert endpoints["stage_3"].shape[1:3] == (14, 14)


def test_multiply_adds_with_attention():
    places, width = 4, 8
    block = 4 * width**2 * places + 2 * places**2 * width
    block += 8 * width**2 * places
    stem = places * 48 * width
    assert evaluation.multiply_adds(small()) == stem + 4 * block


def test_bad_sizes_are_one_line():
    with pytest.raises(InputError, match="heads that divide width"):
        backbones.vit(8, 4, 3, 4)
    with pytest.raises(InputError, match="blocks=5"):
        backbones.vit(8, 5, 2, 4)
    with pytest.raises(InputError, match="multiple of 16 pixels"):
        backbones.get("vit_tiny_16").features(
            keras.Input((30, 32, 3)), backbones.Kit()
        )


def small():
    inputs = keras.Input((8, 8, 3))
    features, _ = backbones.vit(8, 4, 2, 4).features(inputs, backbones.Kit())
    return keras.Model(inputs, features)


def scatter(network):
    draw = np.random.default_rng(0)
    for weight in network.trainable_weights:
        weight.assign(weight + draw.normal(0, 0.3, weight.shape))
