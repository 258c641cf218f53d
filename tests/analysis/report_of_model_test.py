"""A page about any model: its numbers are those of `evaluate`."""

import re

import numpy as np
import pytest

import mimo_keras
from mimo_keras.analysis import report_figures
from mimo_keras.errors import InputError
from tests.training import networks

IMAGES = networks.examples(200).images
LABELS = np.arange(200) % networks.CLASSES
NOISE = np.random.default_rng(0).integers(0, 256, IMAGES[:50].shape, "uint8")


@pytest.fixture(scope="module")
def model():
    return networks.create(members=2)


def text_of(path):
    text = re.sub("<style>.*?</style>", "", path.read_text("utf-8"), flags=re.S)
    return re.sub("<[^>]+>", " ", text)


def test_a_page_about_a_fitted_predictor(model, tmp_path, monkeypatch):
    drawn = {}
    draw = report_figures.figures

    def figures(*arguments):
        drawn.update(draw(*arguments))
        return drawn

    monkeypatch.setattr(report_figures, "figures", figures)
    predictor = model.predictor().calibrate(IMAGES, LABELS, "isotonic")
    predictor = predictor.prediction_sets(IMAGES, LABELS, 0.8)
    predictor = predictor.detector(IMAGES, LABELS, "energy")
    path = tmp_path / "page.html"
    found = mimo_keras.report(
        *(predictor, IMAGES, LABELS, path),
        foreign={"noise": NOISE},
        title="Mine & yours",
    )
    assert found == str(path)
    assert "Mine &amp; yours" in path.read_text("utf-8")
    text = text_of(path)
    before = mimo_keras.evaluate(model, IMAGES, LABELS)
    after = mimo_keras.evaluate(predictor, IMAGES, LABELS)
    assert before["ece"] > after["ece"]
    for name in ("nll", "ece", "brier"):
        assert f"{before[name]:.4f}" in text and f"{after[name]:.4f}" in text
    assert f"{after['coverage']:.4f}" in text
    assert {"calibrated", "sets", "detected", "ood", "risk"} <= {*drawn}


def test_a_page_about_a_model_as_it_was_trained(model, tmp_path):
    path = tmp_path / "page.html"
    batches = [(IMAGES[:90], LABELS[:90]), (IMAGES[90:], LABELS[90:])]
    mimo_keras.report(model, iter(batches), path=path)
    text = text_of(path)
    found = mimo_keras.evaluate(model, IMAGES, LABELS)
    assert f"{found['nll']:.4f}" in text and "Calibrated" not in text


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"path": "page.pdf"}, "a path that ends in .html"),
        ({"foreign": NOISE}, "foreign as a dictionary"),
        ({"model": "model"}, "an EnsembleModel or its predictor"),
        ({"labels": LABELS + 1}, "labels from 0 to 2"),
    ],
)
def test_what_does_not_fit_is_one_line(model, tmp_path, changes, message):
    given = {"model": model, "images": IMAGES, "labels": LABELS}
    given |= {"path": str(tmp_path / "page.html")} | changes
    with pytest.raises(InputError, match=message):
        mimo_keras.report(**given)
    assert not [*tmp_path.iterdir()]
