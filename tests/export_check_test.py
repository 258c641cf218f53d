"""What an export predicts is compared with what its predictor does."""

import sys

import keras
import numpy as np
import pytest

from mimo_keras import export_check
from mimo_keras.errors import InputError
from tests.training import exports, networks


def _as(predictor):
    """A runner that predicts as an intact export does."""

    def run(images):
        return {k: np.array(v) for k, v in predictor(images).items()}

    return run


def _check(monkeypatch, predictor, changed=lambda found, images: None):
    """Checks an export that predicts with the predictor, then changes it."""

    def run(images):
        found = _as(predictor)(images)
        changed(found, images)
        return found

    monkeypatch.setitem(
        export_check._RUNNERS, "litert", lambda path: {"on a phone": run}
    )
    export_check.check_export(predictor, "a.tflite", "litert")


def _refusal(monkeypatch, predictor, changed):
    with pytest.raises(InputError) as caught:
        _check(monkeypatch, predictor, changed)
    start = "Expected an export that predicts what the predictor does. Received"
    middle = ": format='litert' that does not, on a phone: "
    end = ". Use format='tf_saved_model'."
    message = str(caught.value)
    assert message.startswith(start + middle) and message.endswith(end)
    return message.removeprefix(start + middle).removesuffix(end)


@pytest.fixture(scope="module")
def predictor():
    return exports.model().predictor()


def test_what_agrees_passes(monkeypatch, predictor):
    _check(monkeypatch, predictor)


def test_values_that_differ_are_refused(monkeypatch, predictor):
    def changed(found, images):
        found["entropy"] = found["entropy"] + np.float32(0.25)

    reason = _refusal(monkeypatch, predictor, changed)
    assert reason == "entropy that differ by 0.25"


def test_values_that_differ_in_larger_batches_are_refused(
    monkeypatch, predictor
):
    def changed(found, images):
        if len(images) > 1:
            found["probabilities"] = found["probabilities"][::-1]

    assert "probabilities that differ" in _refusal(
        monkeypatch, predictor, changed
    )


def test_other_shapes_are_refused(monkeypatch, predictor):
    def changed(found, images):
        found["entropy"] = found["entropy"][:1]

    assert _refusal(monkeypatch, predictor, changed) == (
        "entropy of shape (1,) for a batch of 3, not (3,)"
    )


def test_an_answer_to_nan_is_refused(monkeypatch, predictor):
    def changed(found, images):
        if np.isnan(images).any():
            found["entropy"] = np.ones_like(found["entropy"])

    assert _refusal(monkeypatch, predictor, changed) == (
        "entropy other than NaN for an image with NaN"
    )


def test_an_export_may_refuse_nan(monkeypatch, predictor):
    asked = []

    def changed(found, images):
        asked.append(np.isnan(images).any())
        if asked[-1]:
            raise RuntimeError("Not a number")

    _check(monkeypatch, predictor, changed)
    assert asked[-1]


def test_a_file_that_does_not_load_is_quoted_in_one_line(
    monkeypatch, predictor
):
    def opened(path):
        raise RuntimeError(f"{path} is of\nanother version")

    monkeypatch.setitem(export_check._RUNNERS, "litert", opened)
    with pytest.raises(InputError, match=r"when it is loaded: a\.tflite is of"):
        export_check.check_export(predictor, "a.tflite", "litert")


def test_a_network_that_divides_by_255_is_checked_on_bytes(monkeypatch):
    """It refuses images from 0 to 1, and saw them black."""

    def backbone(x):
        return keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(x))

    predictor = networks.create(
        "deterministic", 1, backbone=backbone, input_scale=None
    ).predictor()
    asked = []
    _check(monkeypatch, predictor, lambda _, images: asked.append(images))
    assert 200 < np.nanmax(asked[0]) <= 255


@pytest.fixture(scope="module")
def deciding(predictor):
    examples = networks.examples(200)
    return predictor.prediction_sets(examples.images, examples.labels, 0.8)


@pytest.mark.parametrize("count", [1, 2])
def test_one_decision_may_differ_and_no_more(monkeypatch, deciding, count):
    """Of a few; where a value stands at a threshold, rounding decides."""

    def changed(found, images):
        if not np.isnan(images).any():
            sets = found["prediction_set"].reshape(-1)
            sets[:count] = ~sets[:count]

    if count == 1:
        _check(monkeypatch, deciding, changed)
    else:
        assert _refusal(monkeypatch, deciding, changed) == (
            "prediction_set that differs in 2 values"
        )


def test_a_runtime_that_fails_is_quoted_in_one_line(monkeypatch, predictor):
    def changed(found, images):
        raise RuntimeError("Select TensorFlow op(s)\nare not supported")

    assert _refusal(monkeypatch, predictor, changed) == (
        "Select TensorFlow op(s)"
    )


@pytest.fixture(scope="module")
def random_predictor():
    model = networks.create(
        "mc_dropout",
        members=1,
        backbone="small_cnn_1",
        input_shape=(8, 8, 1),
        dropout_rate=0.5,
        samples=2,
    )
    return model.predictor()


def test_random_predictions_agree_on_average(monkeypatch, random_predictor):
    predictor = random_predictor
    states = [np.array(v.value) for v in predictor.variables]
    before = _as(predictor)(np.zeros((2, 8, 8, 1), "f"))
    for variable, value in zip(predictor.variables, states, strict=True):
        variable.assign(value)
    _check(monkeypatch, predictor)
    after = _as(predictor)(np.zeros((2, 8, 8, 1), "f"))
    np.testing.assert_array_equal(after["entropy"], before["entropy"])


def test_random_predictions_of_another_mean_are_refused(
    monkeypatch, random_predictor
):
    def changed(found, images):
        found["entropy"] = found["entropy"] * 0.5

    assert "averages of entropy" in _refusal(
        monkeypatch, random_predictor, changed
    )


def test_random_probabilities_sum_to_1(monkeypatch, random_predictor):
    def changed(found, images):
        found["probabilities"] = found["probabilities"] * 0.9

    reason = _refusal(monkeypatch, random_predictor, changed)
    assert reason == "probabilities that do not sum to 1"


def test_without_onnxruntime_it_says_so(monkeypatch, predictor, caplog):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    export_check.check_export(predictor, "a.onnx", "onnx")
    assert "a.onnx is not checked: onnxruntime is missing" in caplog.text


@pytest.mark.parametrize(
    "facts",
    [
        {"input_scale": "0..255"},
        {"input_scale": "0..255", "mean": 0.5, "std": 0.25},
        {"input_scale": None, "mean": [130.0, 140.0], "std": 60.0},
    ],
)
def test_the_images_are_on_the_scale_of_the_predictor(monkeypatch, facts):
    _check(monkeypatch, networks.create(**facts).predictor())


@pytest.mark.parametrize(
    ("dtype", "close"),
    [("float32", 1e-3), ("float64", 1e-3), ("mixed_bfloat16", 5e-2)],
)
def test_only_low_precision_may_differ_more(dtype, close):
    network = keras.Sequential([keras.layers.Dense(2, dtype=dtype)])
    assert export_check._tolerance(network) == close
