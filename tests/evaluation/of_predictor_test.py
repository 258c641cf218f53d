"""One call gives all measures, and those of what was fitted."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import mimo_keras
from mimo_keras.errors import InputError
from mimo_keras.evaluation import Classification, of_predictor
from mimo_keras.evaluation.further import Further
from mimo_keras.training.likelihoods.likelihood import Likelihood
from tests.training import networks

EXAMPLES = networks.examples(60)
IMAGES, LABELS = EXAMPLES.images, EXAMPLES.labels


@pytest.fixture(scope="module")
def model():
    return networks.create(members=3)


def test_it_has_what_the_accumulators_have(model):
    found = mimo_keras.evaluate(model, IMAGES, LABELS)
    logits = np.array(model(IMAGES))
    metrics = Classification(3, model.log_weights)
    metrics.update(logits, LABELS)
    further = Further(3)
    predictor = model.predictor()
    further.update(
        np.array(predictor(IMAGES)["probabilities"], "float64"), LABELS
    )
    wanted = metrics.result() | further.result()
    assert found.keys() == wanted.keys()
    for name, value in wanted.items():
        assert type(found[name]) is float
        assert found[name] == pytest.approx(value, abs=1e-4), name


def test_every_source_gives_the_same(model, capsys):
    wanted = mimo_keras.evaluate(model, IMAGES, LABELS)
    data = tf.data.Dataset.from_tensor_slices((IMAGES, LABELS)).batch(7)
    predictor = model.predictor()
    for arguments in ((data,), (IMAGES, np.eye(3)[LABELS])):
        options = {"batch_size": 9, "verbose": 1}
        found = mimo_keras.evaluate(predictor, *arguments, **options)
        assert found == pytest.approx(wanted, abs=1e-5)
    shown = capsys.readouterr().out
    assert "9/9" in shown and "7/7" in shown


@pytest.mark.filterwarnings("ignore:60 examples are few")
def test_calibrated_probabilities_and_decisions_are_evaluated(model):
    likely = np.array(model.predictor()(IMAGES)["probabilities"]).argmax(axis=1)
    labels = np.where(np.arange(60) % 3, likely, LABELS)
    acting = model.predictor().calibrate(IMAGES, labels)
    acting = acting.prediction_sets(IMAGES, labels, 0.8)
    acting = acting.threshold(IMAGES, labels, coverage=0.5)
    found = mimo_keras.evaluate(acting, IMAGES, labels)
    outputs = {k: np.array(v) for k, v in acting(IMAGES).items()}
    chosen = outputs["probabilities"][np.arange(60), labels]
    assert found["nll"] == pytest.approx(-np.log(chosen).mean(), abs=1e-5)
    before = mimo_keras.evaluate(model, IMAGES, labels)
    assert found["nll"] < before["nll"]
    assert found["nll_member_0"] == before["nll_member_0"]
    assert found["coverage"] == pytest.approx(
        outputs["prediction_set"][np.arange(60), labels].mean()
    )
    assert found["set_size"] == pytest.approx(outputs["set_size"].mean())
    answered = ~outputs["abstain"]
    assert found["answered"] == pytest.approx(answered.mean())
    wrong = outputs["probabilities"].argmax(axis=1) != labels
    assert found["risk"] == pytest.approx(wrong[answered].mean())


def test_regression(model):
    numbers = networks.create(members=2, num_classes=None, output_dim=1)
    draw = np.random.default_rng(0)
    targets = draw.normal(size=60)
    found = mimo_keras.evaluate(numbers, IMAGES, targets)
    mean = np.array(numbers.predictor()(IMAGES)["mean"])[:, 0]
    assert found["mse"] == pytest.approx(np.square(mean - targets).mean(), 1e-4)
    covering = numbers.predictor().prediction_sets(IMAGES, targets, 0.8)
    found = mimo_keras.evaluate(covering, IMAGES, targets)
    assert 0.8 <= found["coverage"] <= 0.85
    assert found["width"] == pytest.approx(2 * covering.stages[0].quantiles[0])


@pytest.mark.parametrize("value", [0, 2.0, True])
@pytest.mark.parametrize("name", ["batch_size", "num_bins"])
def test_counts_are_whole_numbers(model, name, value):
    with pytest.raises(InputError, match=f"{name}={value}") as caught:
        mimo_keras.evaluate(model, IMAGES, LABELS, **{name: value})
    assert "\n" not in str(caught.value)


def test_what_is_no_model_is_one_line(model):
    with pytest.raises(InputError, match="an EnsembleModel or its predictor"):
        mimo_keras.evaluate(keras.Sequential(), IMAGES, LABELS)
    with pytest.raises(InputError, match="labels from 0 to 2"):
        mimo_keras.evaluate(model, IMAGES, LABELS + 3)


def test_a_likelihood_that_it_does_not_know_is_one_line(model):
    class Own(Likelihood):
        def __str__(self):
            return "own"

    predictor = model.predictor()
    predictor.likelihood = Own()
    with pytest.raises(InputError, match="likelihood=own") as error:
        of_predictor.of_numbers(Own(), [0.0], np.zeros((1, 1, 1)), [0.0])
    assert "\n" not in str(error.value)
    with pytest.raises(InputError, match="likelihood=own"):
        mimo_keras.evaluate(predictor, IMAGES, LABELS)


def test_without_any_answer_there_is_no_risk():
    answers = {"probabilities": np.eye(2)[[0, 1]], "abstain": np.ones(2, bool)}
    assert of_predictor.of_stages(answers, np.array([0, 0])) == {"answered": 0}
    answers["abstain"][1] = False
    found = of_predictor.of_stages(answers, np.array([0, 0]))
    assert found == {"answered": 0.5, "risk": 1.0}
