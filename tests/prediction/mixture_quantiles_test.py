"""Quantiles of mixtures against SciPy, and what a file holds of them."""

import keras
import numpy as np
import pytest
import scipy.stats

import mimo_keras
from mimo_keras.errors import InputError
from mimo_keras.prediction import MixtureQuantiles
from tests.training import networks

DRAW = np.random.default_rng(0)
MEANS = DRAW.normal(0, 5, (6, 3, 2)).astype("float32")
STDS = DRAW.uniform(0.1, 3, (6, 3, 2)).astype("float32")
WEIGHTS = np.array([0.2, 0.3, 0.5])
LEVELS = [1e-4, 0.05, 0.5, 0.9, 0.9999]
PREDICTED = {"member_means": MEANS, "member_stds": STDS}


def quantiles(levels, weights=WEIGHTS, predicted=PREDICTED):
    stage = MixtureQuantiles(levels, np.log(weights))
    return keras.ops.convert_to_numpy(stage(predicted, None)["quantile"])


def test_the_distribution_at_a_quantile_is_its_level():
    found = quantiles(LEVELS)
    assert found.shape == (6, 5, 2)
    z = (found[:, None] - MEANS[:, :, None]) / STDS[:, :, None]
    for side in (1, -1):  # In the upper tail, what is left is as exact.
        mass = np.einsum("e,beqd->bqd", WEIGHTS, scipy.stats.norm.cdf(side * z))
        wanted = np.array(LEVELS) if side == 1 else 1 - np.array(LEVELS)
        wanted = wanted[:, None] * np.ones((6, 5, 2))
        near = wanted < 0.6
        np.testing.assert_allclose(mass[near], wanted[near], rtol=1e-4)


def test_one_level_has_no_axis():
    np.testing.assert_array_equal(quantiles(0.9), quantiles([0.9])[:, 0])


def test_one_member_has_its_own_quantiles():
    one = {name: value[:, :1] for name, value in PREDICTED.items()}
    wanted = scipy.stats.norm.ppf(0.9, MEANS[:, 0], STDS[:, 0])
    np.testing.assert_allclose(
        quantiles(0.9, [1.0], one), wanted, rtol=1e-5, atol=1e-5
    )


def test_a_member_of_weight_0_does_not_count():
    found = quantiles(0.7, [1.0, 1e-300, 1e-300])
    wanted = scipy.stats.norm.ppf(0.7, MEANS[:, 0], STDS[:, 0])
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("levels", [0, 1.0, -0.1, np.nan, [], [0.5, 2], "a"])
def test_levels_are_between_0_and_1(levels):
    with pytest.raises(InputError, match="level between 0 and 1"):
        MixtureQuantiles(levels, [0.0])


@pytest.fixture(scope="module")
def predictor():
    model = networks.create(
        *("mimo", 2),
        backbone="mlp_5",
        num_classes=None,
        output_dim=2,
        likelihood="gaussian",
    )
    return model.predictor().quantile([0.1, 0.9])


def test_a_predictor_adds_and_replaces_them(predictor):
    images = networks.examples(4).images
    found = predictor(images)
    plain = predictor.uncalibrated()(images)
    assert {*found} == {*plain, "quantile"}
    wanted = quantiles([0.1, 0.9], [0.5, 0.5], plain)
    np.testing.assert_allclose(found["quantile"], wanted, rtol=1e-5, atol=1e-5)
    median = predictor.quantile(0.5)
    assert len(median.stages) == 1
    assert median(images)["quantile"].shape == (4, 2)


def test_a_file_has_them(predictor, tmp_path):
    predictor.save(tmp_path / "predictor.keras")
    loaded = keras.saving.load_model(tmp_path / "predictor.keras")
    images = networks.examples(4).images
    np.testing.assert_array_equal(
        loaded(images)["quantile"], predictor(images)["quantile"]
    )


@pytest.mark.tensorflow
@pytest.mark.parametrize(
    ("name", "format"),
    [
        ("saved_model", "tf_saved_model"),
        ("it.tflite", "litert"),
        ("it.onnx", "onnx"),
    ],
)
def test_every_format_has_them(predictor, tmp_path, name, format):
    """What is written is run and compared: see `export_check`."""
    if format == "onnx":
        pytest.importorskip("onnx")
        pytest.importorskip("tf2onnx")
        pytest.importorskip("onnxruntime")
    path = tmp_path / name
    mimo_keras.export_saved_model(predictor, path, format)
    content = path / "saved_model.pb" if path.is_dir() else path
    assert b"quantile" in content.read_bytes()


def test_other_likelihoods_have_none():
    model = networks.create("naive_multihead", num_classes=None, output_dim=1)
    with pytest.raises(InputError, match='likelihood="gaussian"'):
        model.predictor().quantile(0.5)
