"""Kernels per member against as many plain layers."""

import keras
import numpy as np
import pytest

from mimo_keras import layers

RNG = np.random.default_rng(0)
IMAGES = RNG.normal(size=(6, 7, 6, 2)).astype("float32")


def array(tensor):
    return keras.ops.convert_to_numpy(tensor)


@pytest.mark.parametrize(
    ("make", "inputs"),
    [
        (lambda: layers.MemberConv2D(4, 3, ensemble_size=3), IMAGES),
        (
            lambda: layers.MemberConv2D(
                4,
                (3, 2),
                ensemble_size=3,
                strides=2,
                padding="valid",
                use_bias=False,
            ),
            IMAGES,
        ),
        (lambda: layers.MemberDense(4, ensemble_size=3), IMAGES[:, 0, 0]),
        (
            lambda: layers.MemberDense(4, ensemble_size=3, use_bias=False),
            IMAGES[:, 0, 0],
        ),
    ],
)
def test_it_is_three_plain_layers(make, inputs):
    layer = make()
    outputs = layer(inputs)
    layer.set_weights([RNG.normal(size=w.shape) for w in layer.get_weights()])
    outputs = array(layer(inputs))
    for member in range(3):
        plain, weights, *_ = layer.member(member)
        rows = inputs[2 * member : 2 * member + 2]
        plain.build(rows.shape)
        plain.set_weights(weights)
        np.testing.assert_allclose(
            array(plain(rows)),
            outputs[2 * member : 2 * member + 2],
            rtol=1e-4,
            atol=1e-5,
        )


def test_kernels_start_as_he_normal_for_each_member():
    layer = layers.MemberConv2D(32, 3, ensemble_size=4)
    layer.build((4, 8, 8, 16))
    for kernel in array(layer.kernel):
        assert kernel.std() == pytest.approx(np.sqrt(2 / 144), rel=0.05)


def test_multiply_adds_of_rows():
    conv = layers.MemberConv2D(4, 3, ensemble_size=2)
    assert conv.multiply_adds((2, 8, 8, 3), (2, 8, 8, 4)) == 2 * 64 * 27 * 4
    assert (
        layers.MemberDense(4, ensemble_size=2).multiply_adds((2, 3), (2, 4))
        == 24
    )
