"""A page about a regression: its numbers are those of `evaluate`."""

import re

import numpy as np
import pytest

import mimo_keras
from mimo_keras.analysis import regression_page
from mimo_keras.errors import InputError
from mimo_keras.evaluation.of_predictor import of_numbers
from tests.training import networks

ROWS = 40
LEVELS = (0.1, 0.5, 0.9)
OPTIONS = {"mean": {}, "gaussian": {}, "quantiles": {"levels": LEVELS}}


def create(likelihood):
    return networks.create(
        *("mimo", 2),
        backbone="mlp_5",
        num_classes=None,
        output_dim=2,
        likelihood=likelihood,
        **OPTIONS[likelihood],
    )


@pytest.fixture(scope="module")
def data():
    draw = np.random.default_rng(0)
    return networks.examples(ROWS).images, draw.normal(size=(ROWS, 2))


def cells(path):
    """The texts of the page's table cells and tiles."""
    return re.findall("<(?:td|th|dd)[^>]*>([^<]*)<", path.read_text("utf-8"))


@pytest.mark.parametrize(
    ("likelihood", "pictures"), [("mean", 0), ("gaussian", 3), ("quantiles", 1)]
)
def test_a_page_has_the_measures_and_figures(
    likelihood, pictures, data, tmp_path, monkeypatch
):
    given = {}
    draw = regression_page._figures
    monkeypatch.setattr(
        regression_page,
        "_figures",
        lambda measures, arrays: draw(measures, given.setdefault("a", arrays)),
    )
    predictor = create(likelihood).predictor().prediction_sets(*data, 0.8)
    path = tmp_path / "page.html"
    found = mimo_keras.report(predictor, *data, path, title="Mine & yours")
    assert found == str(path) and "Mine &amp; yours" in path.read_text("utf-8")
    measures = mimo_keras.evaluate(predictor, *data)
    shown = cells(path)
    assert path.read_text("utf-8").count("<img") == pictures
    for name in ("nll", "crps", "rmse", "pinball", "mae", "sharpness"):
        assert name not in measures or f"{measures[name]:.4f}" in shown
    for name, value in measures.items():
        if re.match("coverage|width|.*_member_|kl|aleatoric", name):
            assert f"{value:.4f}" in shown, name
    notes = path.read_text("utf-8")
    for name, word in {
        "crps": "CRPS in",
        "aleatoric_variance": "Aleatoric",
    }.items():
        assert (name in measures) == (word in notes)
    row = shown[shown.index("as fitted") :]
    assert row[1:3] == [
        f"{measures[name]:.4f}" for name in ("coverage", "width")
    ]
    # The arrays are those of the metrics, which the figures' test draws.
    outputs, targets, answers = predictor.answered(*data, 128)
    metrics = of_numbers(
        predictor.likelihood, predictor.log_weights, outputs, targets
    )
    if pictures:
        wanted = metrics.calibration()
        np.testing.assert_array_equal(given["a"]["observed"], wanted.observed)
    if likelihood == "gaussian":
        np.testing.assert_array_equal(
            given["a"]["pit"], metrics.pit_histogram()
        )
        assert given["a"]["std"].shape == (ROWS, 2)


def test_a_single_member_has_no_diversity(data, tmp_path):
    model = networks.create(
        "deterministic",
        1,
        backbone="mlp_5",
        num_classes=None,
        output_dim=2,
        likelihood="gaussian",
    )
    path = tmp_path / "page.html"
    mimo_keras.report(model, *data, path)
    text = path.read_text("utf-8")
    assert "KL divergence [" not in text and "Member" not in text


def test_foreign_images_are_of_classifiers(data, tmp_path):
    path = tmp_path / "page.html"
    with pytest.raises(InputError, match="no foreign images"):
        mimo_keras.report(create("mean"), *data, path, foreign={"a": data[0]})
    assert not path.exists()


def test_quantiles_are_calibrated_as_counted(data):
    """Of four targets, the shares at or below each quantile."""
    metrics = mimo_keras.evaluation.QuantileRegression(np.zeros(1), LEVELS)
    quantiles = np.tile(np.array([[[-1.0], [0.0], [1.0]]]), (4, 1, 1, 1))
    metrics.update(quantiles, np.array([-2.0, -0.5, 0.5, 0.75]))
    found = metrics.calibration()
    np.testing.assert_array_equal(found.observed, [0.25, 0.5, 1.0])
    assert found.error == pytest.approx((0.15 + 0 + 0.1) / 3)
    assert metrics.result()["calibration_error"] == pytest.approx(found.error)
