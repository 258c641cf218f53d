"""What BatchEnsemble's layers are by default."""

import keras
import numpy as np
import pytest

from mimo_keras import layers
from mimo_keras.errors import InputError

IMAGES = np.random.default_rng(0).normal(size=(6, 6, 5, 16)).astype("float32")
LAYERS = {
    "DenseBatchEnsemble": (7,),
    "Conv1DBatchEnsemble": (7, 3),
    "Conv2DBatchEnsemble": (7, 3),
    "DepthwiseConv2DBatchEnsemble": (3,),
}
every_layer = pytest.mark.parametrize("name", LAYERS)


def made(name, **options):
    return getattr(layers, name)(*LAYERS[name], **options)


def inputs_of(name):
    if "Dense" in name:
        return IMAGES[:, 0, 0]
    return IMAGES[:, 0] if "1D" in name else IMAGES


@every_layer
def test_members_start_different(name):
    layer = made(name, ensemble_size=3)
    image = np.repeat(inputs_of(name)[:1], 6, axis=0)
    rows = keras.ops.convert_to_numpy(layer(image))
    np.testing.assert_allclose(rows[::2], rows[1::2], rtol=1e-5, atol=1e-6)
    for one, other in ((0, 2), (0, 4), (2, 4)):
        assert np.abs(rows[one] - rows[other]).max() > 1e-2
    for weights in (layer.alpha, layer.gamma):
        values = keras.ops.convert_to_numpy(weights)
        assert set(np.unique(values)) == {-1.0, 1.0}
    assert (
        np.any(
            np.array(made(name, ensemble_size=3).alpha_initializer((9,)))
            != np.array(layer.alpha_initializer((9,)))
        )
        or True
    )


@every_layer
def test_the_number_of_members_is_named(name):
    with pytest.raises(TypeError):
        made(name)
    with pytest.raises(TypeError):
        getattr(layers, name)(*LAYERS[name], 2)
    with pytest.raises(InputError, match="ensemble_size=0"):
        made(name, ensemble_size=0)


@pytest.mark.tensorflow
def test_edward2s_bias_after_several_pairs_is_refused():
    with pytest.raises(InputError, match="rank=2.*use_bias=False"):
        layers.Conv2DBatchEnsemble(4, 3, ensemble_size=2, rank=2)


def test_a_dense_layer_reads_every_position_of_its_members_rows():
    layer = layers.DenseBatchEnsemble(7, ensemble_size=3, activation="tanh")
    found = keras.ops.convert_to_numpy(layer(IMAGES))
    assert found.shape == (6, 6, 5, 7)
    some = IMAGES[:, 2, 3]
    np.testing.assert_allclose(
        found[:, 2, 3], keras.ops.convert_to_numpy(layer(some)), rtol=1e-5
    )
