"""temporal_cnn is three convolutions over time, and their mean."""

import keras
import numpy as np
import pytest

import mimo_keras
from mimo_keras.errors import InputError

SERIES = np.random.default_rng(0).normal(size=(4, 9, 2)).astype("float32")


def convolved(x, kernel):
    """A "same" convolution over time in NumPy; kernel (K, 1, C, F)."""
    size = len(kernel)
    padding = ((0, 0), ((size - 1) // 2, size // 2), (0, 0))
    x = np.pad(x, padding)
    steps = x.shape[1] - size + 1
    windows = np.stack([x[:, t : t + size] for t in range(steps)], 1)
    return np.einsum("ntkc,kcf->ntf", windows, kernel[:, 0])


def test_equals_numpy(build):
    network = build("temporal_cnn_3", (9, 2))
    x, weights = SERIES, iter(network.get_weights())
    for name in ("stem", "stage_0", "stage_1"):
        kernel, gamma, beta, mean, variance = (next(weights) for _ in range(5))
        assert kernel.shape[1] == 1
        x = convolved(x, kernel)
        x = (x - mean) / np.sqrt(variance + 1e-5) * gamma + beta
        x = np.maximum(x, 0)
        found = keras.ops.convert_to_numpy(network(SERIES)[name])
        np.testing.assert_allclose(found[:, :, 0], x, rtol=1e-4, atol=1e-4)
    features = keras.ops.convert_to_numpy(network(SERIES)["features"])
    np.testing.assert_allclose(features, x.mean(1), rtol=1e-4, atol=1e-4)


def test_series_of_any_length(build):
    network = build("temporal_cnn_3", (None, 2))
    whole = np.array(network(SERIES)["features"])
    assert whole.shape == (4, 3)
    assert np.array(network(SERIES[:, :4])["features"]).shape == (4, 3)


@pytest.mark.parametrize("method", ["mimo", "mixmo"])
def test_members_of_series_fold(method):
    model = mimo_keras.create_model(
        method,
        backbone="temporal_cnn_3",
        input_shape=(9, 2),
        num_classes=3,
        ensemble_size=2,
        input_scale=None,
        seed=0,
    )
    predictor = model.predictor()
    assert predictor.folded
    np.testing.assert_allclose(
        predictor.member_logits(SERIES), model(SERIES), rtol=1e-4, atol=1e-6
    )


@pytest.mark.parametrize(
    ("name", "shape", "message"),
    [
        ("temporal_cnn_0", (9, 2), "at least 1 filter"),
    ],
)
def test_other_inputs_are_one_line(build, name, shape, message):
    with pytest.raises(InputError, match=message):
        build(name, shape)
