"""DataMUX's multiplexers against NumPy."""

import keras
import numpy as np
import pytest

from mimo_keras.errors import InputError
from mimo_keras.layers import (
    MultiplexConvolutions,
    MultiplexMembers,
)

RNG = np.random.default_rng(0)
IMAGES = RNG.normal(size=(3, 2, 4, 5, 2)).astype("float32")
VECTORS = RNG.normal(size=(3, 2, 7)).astype("float32")
LAYERS = {
    "gaussian": lambda **o: MultiplexMembers(2, "gaussian", **o),
    "orthogonal": lambda **o: MultiplexMembers(2, "orthogonal", **o),
    "conv": lambda **o: MultiplexConvolutions(2, **o),
}


def numpy(x):
    return keras.ops.convert_to_numpy(x)


@pytest.mark.parametrize("inputs", [IMAGES, VECTORS], ids=["map", "vector"])
def test_gaussian_keys_multiply(inputs):
    layer = MultiplexMembers(2)
    found = numpy(layer(inputs))
    keys = numpy(layer.key)
    assert keys.shape == inputs.shape[1:]
    np.testing.assert_allclose(
        found, (inputs * keys).mean(1), rtol=1e-5, atol=1e-6
    )
    assert layer.trainable_weights == []


def test_gaussian_keys_are_standard_normal():
    layer = MultiplexMembers(4)
    layer.build((None, 4, 5000))
    keys = numpy(layer.key)
    np.testing.assert_allclose(keys.mean(1), 0, atol=0.06)
    np.testing.assert_allclose(keys.std(1), 1, atol=0.04)
    assert abs(np.corrcoef(keys)[np.triu_indices(4, 1)]).max() < 0.06


@pytest.mark.parametrize("inputs", [IMAGES, VECTORS], ids=["map", "vector"])
def test_orthogonal_keys_rotate(inputs):
    layer = MultiplexMembers(2, keys="orthogonal")
    found = numpy(layer(inputs)).reshape(3, -1)
    keys, flat = numpy(layer.key), inputs.reshape(3, 2, -1)
    for key in keys:
        np.testing.assert_allclose(key @ key.T, np.eye(len(key)), atol=1e-5)
    assert abs(keys[0] - keys[1]).max() > 0.1
    wanted = np.einsum("nmi,mij->nj", flat, keys) / 2
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)


def test_identity_is_the_mean():
    found = numpy(MultiplexMembers(2, keys="identity")(VECTORS))
    np.testing.assert_allclose(found, VECTORS.mean(1), rtol=1e-5, atol=1e-6)


def convolved(image, kernel, bias):
    """ReLU of a 3x3 convolution with zeros around the image."""
    padded = np.pad(image, [(1, 1), (1, 1), (0, 0)])
    height, width, _ = image.shape
    out = np.zeros((height, width, kernel.shape[-1]))
    for y in range(height):
        for x in range(width):
            part = padded[y : y + 3, x : x + 3]
            out[y, x] = np.einsum("abc,abcd->d", part, kernel)
    return np.maximum(out + bias, 0)


def test_convolutions_mark_and_average():
    layer = MultiplexConvolutions(2)
    layer.build(IMAGES.shape)
    layer.bias.assign(RNG.normal(size=(2, 2)))
    found = numpy(layer(IMAGES))
    kernel, bias = numpy(layer.kernel), numpy(layer.bias)
    for row, wanted in zip(IMAGES, found, strict=True):
        marked = [convolved(row[m], kernel[m], bias[m]) for m in range(2)]
        np.testing.assert_allclose(
            np.mean(marked, 0), wanted, rtol=1e-4, atol=1e-5
        )


@pytest.mark.parametrize("kind", LAYERS)
def test_concatenation_keeps_what_the_mean_averages(kind):
    """The channels of member m are φ_m(x_m), and their mean the other form."""
    mean = LAYERS[kind]()
    wanted = numpy(mean(IMAGES))
    layer = LAYERS[kind](reduce="concatenate")
    layer.build(IMAGES.shape)
    layer.set_weights(mean.get_weights())
    found = numpy(layer(IMAGES))
    assert layer.compute_output_shape(IMAGES.shape) == found.shape
    assert found.shape == (3, 4, 5, 4)
    by_member = found.reshape(3, 4, 5, 2, 2)
    np.testing.assert_allclose(by_member.mean(3), wanted, rtol=1e-4, atol=1e-5)
    # A member's channels do not depend on the other member's image.
    other = np.array(IMAGES)
    other[:, 1] = RNG.normal(size=other[:, 1].shape)
    changed = numpy(layer(other)).reshape(by_member.shape)
    np.testing.assert_array_equal(changed[..., 0, :], by_member[..., 0, :])
    assert abs(changed[..., 1, :] - by_member[..., 1, :]).max() > 0.1


@pytest.mark.parametrize("reduce", ["mean", "concatenate"])
@pytest.mark.parametrize("kind", LAYERS)
def test_one_image_for_all_gives_the_same(kind, reduce):
    layer = LAYERS[kind](name="multiplex", reduce=reduce)
    image = IMAGES[:, 0]
    wanted = numpy(layer(np.stack([image, image], 1)))
    twin, weights, *_ = layer.for_one_image()
    twin.build(image.shape)
    twin.set_weights(weights)
    np.testing.assert_allclose(twin(image), wanted, rtol=1e-4, atol=1e-5)
    assert twin.compute_output_shape(image.shape) == wanted.shape


@pytest.mark.parametrize("reduce", ["mean", "concatenate"])
def test_costs_by_hand(reduce):
    shape, image = (1, 2, 4, 5, 2), (1, 4, 5, 2)
    layers = {k: v(reduce=reduce) for k, v in LAYERS.items()}
    costs = {
        kind: layer.multiply_adds(shape, layer.compute_output_shape(shape))
        for kind, layer in layers.items()
    }
    wanted = {
        "gaussian": 0,
        "orthogonal": 2 * 40 * 40,
        "conv": 2 * 20 * 9 * 2 * 2,
    }
    assert costs == wanted
    folded = MultiplexMembers(2, "orthogonal", one_image=True, reduce=reduce)
    turns = 1 if reduce == "mean" else 2
    out = folded.compute_output_shape(image)
    assert folded.multiply_adds(image, out) == turns * 40 * 40


@pytest.mark.parametrize(
    ("make", "shape", "match"),
    [
        (lambda: MultiplexMembers(2, "other"), None, "gaussian, orthogonal"),
        (
            lambda: MultiplexMembers(2, reduce="max"),
            None,
            "reduce among mean, concat",
        ),
        (lambda: MultiplexMembers(3), (1, 2, 4), "inputs of 3 members"),
        (lambda: MultiplexMembers(2), (1, 2), "inputs of 2 members"),
        (
            lambda: lambda _: MultiplexMembers(2)(keras.Input((2, None, 3))),
            (),
            "inputs of known sizes for keys='gaussian'. Received: inputs of "
            r"shape \(None, 3\)",
        ),
        (lambda: MultiplexConvolutions(2), (1, 2, 7), "MultiplexMembers"),
    ],
)
def test_bad_input(make, shape, match):
    with pytest.raises(InputError, match=match):
        make()(np.zeros(shape, "float32"))
