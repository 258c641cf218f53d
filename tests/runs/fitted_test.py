"""Flags of evaluate.py that fit to a run's held-out images, never to others."""

import types

import numpy as np
import pytest

from mimo_keras import data
from mimo_keras.errors import InputError
from mimo_keras.evaluation import Results
from tests.training import networks
from uncertainty_runs.common import run_data
from uncertainty_runs.evaluation import fitted

CONFIG = {
    **{"dataset": "digits", "data_dir": None, "download_data": False},
    **{"train_proportion": 1.0, "validation_share": 0.2},
    **{"train_examples": None, "seed": 0, "average": "probabilities"},
}


def wanted(config=(), **given):
    names = ("calibrate", "prediction_sets", "detector")
    flags = {"runs": ["run"], **dict.fromkeys(names), **given}
    config = types.SimpleNamespace(**{**CONFIG, **dict(config)})
    return fitted.wanted(types.SimpleNamespace(**flags), config)


def test_it_is_fitted_to_the_images_that_were_held_out():
    asked = wanted(calibrate="val", prediction_sets=0.8, detector="knn")
    trained, held_out = run_data.parted(data.load("digits", "train"), 1.0, 0.2)
    np.testing.assert_array_equal(asked.held_out.images, held_out.images)
    known = {image.tobytes() for image in trained.images}
    assert not any(image.tobytes() in known for image in held_out.images[:50])
    model = networks.create(
        backbone="mlp_8", input_shape=(8, 8, 1), num_classes=10
    )
    predictor = asked.fit(model, 100)
    kinds = [type(stage).__name__ for stage in predictor.stages]
    assert kinds == ["Temperature", "PredictionSets", "NeighborDetector"]
    # As if all were given at once.
    once = model.predictor().calibrate(held_out.images, held_out.labels)
    assert predictor.stages[0].temperature == pytest.approx(
        once.stages[0].temperature, rel=1e-4
    )
    assert predictor.stages[1].fitted_on["coverage"] == 0.8
    assert predictor.stages[2].fitted_on["examples"] == len(held_out)


def test_nothing_is_asked_for():
    assert wanted() is None


@pytest.mark.parametrize(
    ("config", "given", "message"),
    [
        (
            {"validation_share": 0.0},
            {"calibrate": "val"},
            "Expected a run with held-out images for --calibrate. Received: "
            "run without any. Train it with --validation_share=0.1, for "
            "example.",
        ),
        (
            {},
            {"detector": "vim", "runs": ["a", "b"]},
            "Expected one run for --detector, whose held-out images it was not "
            "trained on. Received: 2 runs. Name one folder in --runs.",
        ),
        ({}, {"detector": "vim", "runs": []}, "Received: --models."),
        (
            {"average": "logits"},
            {"prediction_sets": 0.9},
            "Expected averaged probabilities with --prediction_sets.",
        ),
    ],
)
def test_what_cannot_be_fitted_is_one_line(config, given, message):
    with pytest.raises(InputError) as caught:
        wanted(config, **given)
    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_an_earlier_fit_is_replaced_as_a_whole():
    results = Results.from_flat({"fitted/test/nll": 1.0, "test/nll": 2.0})
    arrays = {"fitted_ood_in": 1, "set_sizes": 2, "risk": 3}
    results, arrays = fitted.without(results, arrays)
    assert results.flat() == {"test/nll": 2.0} and arrays == {"risk": 3}
