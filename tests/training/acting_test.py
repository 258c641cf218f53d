"""Predictors that are fitted to do more with their predictions."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

import mimo_keras
from mimo_keras.errors import InputError
from mimo_keras.prediction import calibrating, conformal, precise
from tests.training import networks, subprocesses

COUNT = 240
IMAGES = networks.examples(COUNT).images


def _shaken(model):
    draw = np.random.default_rng(0)
    model.set_weights(
        [w + draw.normal(0, 2.0, w.shape) for w in model.get_weights()]
    )
    return model.predictor()


@pytest.fixture(scope="module")
def predictor():
    return _shaken(networks.create(members=3, mean=0.5, std=0.25))


@pytest.fixture(scope="module")
def labels(predictor):
    """The predicted classes, but for a third."""
    draw = np.random.default_rng(1)
    likely = np.array(predictor(IMAGES)["probabilities"]).argmax(axis=1)
    other = draw.integers(0, networks.CLASSES, COUNT)
    return np.where(draw.random(COUNT) < 0.3, other, likely)


def predict(predictor, images=IMAGES):
    outputs = predictor(images)
    return {k: keras.ops.convert_to_numpy(v) for k, v in outputs.items()}


def nll(found, labels):
    return -np.log(found["probabilities"][np.arange(COUNT), labels]).mean()


def logits_of(predictor):
    return np.asarray(predictor.member_logits(IMAGES), "float64")


@pytest.mark.parametrize("method", calibrating.METHODS)
def test_calibration_is_of_the_predictors_own_logits(predictor, labels, method):
    before = predict(predictor)
    calibrated = predictor.calibrate(IMAGES, labels, method)
    found = predict(calibrated)
    assert nll(found, labels) < nll(before, labels) - 0.01
    wanted = calibrating.fit(
        *(method, logits_of(predictor), labels, predictor.log_weights, {})
    )
    [stage] = calibrated.stages
    np.testing.assert_allclose(
        found["probabilities"],
        keras.ops.convert_to_numpy(
            wanted(before, logits_of(predictor).astype("float32"))[
                "probabilities"
            ]
        ),
        atol=1e-4,
    )
    assert stage.fitted_on["examples"] == COUNT
    assert calibrated.network is predictor.network
    for name, value in predict(predictor).items():
        np.testing.assert_array_equal(value, before[name])


def test_every_source_gives_the_same(predictor, labels):
    wanted = predictor.calibrate(IMAGES, labels).stages[0].get_config()
    data = tf.data.Dataset.from_tensor_slices((IMAGES, labels)).batch(100)
    sources = [(data,), (IMAGES / 255.0, np.eye(3)[labels])]
    for source in sources:
        stage = predictor.calibrate(*source).stages[0]
        assert stage.temperature == pytest.approx(
            wanted["temperature"], rel=1e-5
        )


@pytest.mark.parametrize("randomized", [False, True])
@pytest.mark.parametrize("score", conformal.SCORES)
def test_sets_cover_as_often_as_asked_for(predictor, labels, score, randomized):
    covering = predictor.prediction_sets(
        *(IMAGES, labels, 0.8, score), randomized=randomized
    )
    found = predict(covering)
    inside = found["prediction_set"][np.arange(COUNT), labels]
    assert inside.mean() >= (0.74 if randomized else 0.8)
    assert found["set_size"].mean() < networks.CLASSES
    assert covering.stages[0].fitted_on["coverage"] == 0.8
    np.testing.assert_array_equal(
        found["probabilities"], predict(predictor)["probabilities"]
    )


def test_each_class_is_covered_as_often(predictor, labels):
    covering = predictor.prediction_sets(
        *(IMAGES, labels, 0.8, "lac"), by_class=True
    )
    found = predict(covering)["prediction_set"]
    for k in range(networks.CLASSES):
        own = found[labels == k, k]
        assert 0.8 <= own.mean() <= 0.8 + 2 / len(own) + 0.1
    few = np.where(labels == 2, 1, labels)
    few[:3] = 2
    with pytest.warns(UserWarning, match=r"Too few examples .* classes \[2"):
        always = predictor.prediction_sets(IMAGES, few, 0.8, by_class=True)
    assert predict(always)["prediction_set"][:, 2].all()


def test_a_threshold_says_what_its_answers_are_worth(predictor, labels):
    acting = predictor.threshold(IMAGES, labels, coverage=0.5)
    about = acting.stages[-1].fitted_on
    answered = ~predict(acting)["abstain"]
    assert answered.mean() == pytest.approx(about["coverage"], abs=2 / COUNT)
    wrong = predict(acting)["probabilities"].argmax(axis=1) != labels
    assert wrong[answered].mean() == pytest.approx(about["risk"], abs=0.02)
    assert about["risk"] < about["risk_bound"] < 0.5
    careful = predictor.threshold(IMAGES, labels, risk=0.4).stages[-1]
    assert careful.fitted_on["risk_bound"] <= 0.4
    with pytest.raises(InputError, match="240 examples, of which"):
        predictor.threshold(IMAGES, labels, risk=0.001)
    for both in ({}, {"risk": 0.1, "coverage": 0.5}):
        with pytest.raises(InputError, match="Expected risk or coverage"):
            predictor.threshold(IMAGES, labels, **both)


def test_known_images_are_below_the_threshold(predictor, labels):
    for score in ("energy", "entropy"):
        found = predict(predictor.detector(IMAGES, labels, score, known=0.9))
        assert found["is_foreign"].mean() == pytest.approx(0.1, abs=2 / COUNT)
        assert found["ood_score"].shape == (COUNT,)


@pytest.mark.parametrize("name", ["neighbors", "bank", "dimensions"])
@pytest.mark.parametrize("value", ["5", 0, 1.5])
def test_options_of_other_detectors_are_checked(predictor, labels, name, value):
    with pytest.raises(InputError, match=name):
        predictor.detector(IMAGES, labels, **{name: value})


@pytest.mark.parametrize("name", [["energy"], {}, np.arange(2)])
def test_names_that_are_no_names(predictor, labels, name):
    with pytest.raises(InputError, match="a method of calibration among"):
        predictor.calibrate(IMAGES, labels, method=name)
    for act in (predictor.prediction_sets, predictor.detector):
        with pytest.raises(InputError, match="a score among"):
            act(IMAGES, labels, score=name)


def test_a_detector_is_fitted_to_images_as_they_are():
    """Keras's augmentation layers act unless they are told not to."""

    def backbone(x):
        return networks.flatten(keras.layers.RandomTranslation(0.5, 0.5)(x))

    labels, scores = np.arange(COUNT) % networks.CLASSES, []
    for each in (backbone, networks.flatten):
        model = networks.create("deterministic", 1, backbone=each)
        acting = model.predictor().detector(IMAGES, labels, "mahalanobis")
        scores.append(predict(acting)["ood_score"])
    np.testing.assert_allclose(*scores, rtol=1e-3)


@pytest.mark.parametrize(
    ("score", "name"),
    [("mahalanobis", "saved_model"), ("knn", "it.tflite"), ("vim", "it.onnx")],
)
def test_features_are_scored_inside_files(
    predictor, labels, tmp_path, score, name
):
    if score == "vim":
        pytest.importorskip("onnx")
        pytest.importorskip("tf2onnx")
        pytest.importorskip("onnxruntime")
    acting = predictor.detector(
        *(IMAGES, labels, score), neighbors=3, dimensions=2
    )
    found = predict(acting)
    wanted = predict(predictor)
    np.testing.assert_array_equal(found["entropy"], wanted["entropy"])
    assert found["is_foreign"].mean() < 0.15
    noise = np.random.default_rng(0).integers(0, 256, IMAGES.shape)
    foreign = predict(acting, noise.astype("uint8"))["ood_score"]
    assert np.median(foreign) > np.median(found["ood_score"])
    acting.save(tmp_path / "it.keras")
    loaded = keras.saving.load_model(tmp_path / "it.keras")
    assert loaded.stages[0].fitted_on == acting.stages[0].fitted_on
    np.testing.assert_array_equal(
        predict(loaded)["ood_score"], found["ood_score"]
    )
    form = {"tflite": "litert", "onnx": "onnx"}.get(name.split(".")[-1])
    mimo_keras.export_saved_model(
        acting, tmp_path / name, form or "tf_saved_model"
    )
    with pytest.warns(UserWarning, match="earlier detector is replaced"):
        again = acting.detector(IMAGES, labels, "energy")
    assert [type(s).__name__ for s in again.stages] == ["LogitDetector"]


def _all(predictor, labels, method="isotonic", **options):
    acting = predictor.calibrate(IMAGES, labels, method)
    acting = acting.prediction_sets(IMAGES, labels, 0.8, "raps", **options)
    acting = acting.threshold(IMAGES, labels, coverage=0.5)
    return acting.detector(IMAGES, labels)


def test_stages_follow_the_calibration(predictor, labels):
    acting = _all(predictor, labels, "temperature")
    found = predict(acting)
    inside = found["prediction_set"][np.arange(COUNT), labels]
    assert 0.8 <= inside.mean() <= 0.9
    # Fitted to calibrated probabilities, in both.
    confidence = found["probabilities"].max(axis=1)
    limit = acting.stages[2].confidence
    np.testing.assert_array_equal(found["abstain"], ~(confidence >= limit))
    with pytest.warns(UserWarning, match="earlier sets are replaced") as told:
        again = acting.prediction_sets(IMAGES, labels, 0.9, "lac")
    assert told[0].filename == __file__
    with pytest.warns(UserWarning, match="earlier threshold is replaced"):
        again = again.threshold(IMAGES, labels, coverage=0.6)
    kinds = [type(stage).__name__ for stage in again.stages]
    assert sorted(kinds) == sorted({*kinds}) and len(kinds) == 4
    with pytest.raises(InputError, match="one with PredictionSets, Abst"):
        acting.calibrate(IMAGES, labels)
    assert not acting.uncalibrated().stages


def test_a_second_calibration_replaces_the_first(predictor, labels):
    once = predictor.calibrate(IMAGES, labels)
    with pytest.warns(UserWarning, match="earlier calibration is replaced"):
        twice = once.calibrate(IMAGES, labels)
    assert twice.stages[0].get_config()["temperature"] == pytest.approx(
        once.stages[0].temperature, rel=1e-12
    )


def test_an_image_that_is_not_finite_is_in_every_class(predictor, labels):
    acting = _all(predictor, labels)
    images = np.full((2, *networks.IMAGE), 0.5, "float32")
    images[1, 0, 0, 0] = np.nan
    graph = tf.function(acting)(tf.constant(images))
    found = {name: value.numpy() for name, value in graph.items()}
    assert found["prediction_set"][1].all() and found["abstain"][1]
    assert found["set_size"].tolist()[1] == networks.CLASSES
    assert found["is_foreign"][1]
    for name in ("probabilities", "entropy", "ood_score", "member_ood_scores"):
        assert np.isnan(found[name][1]).all()
        assert np.isfinite(found[name][0]).all()


def test_a_file_holds_all_of_it(predictor, labels, tmp_path):
    acting = _all(predictor, labels, randomized=True)
    wanted = acting.predict(IMAGES, verbose=0)
    acting.save(tmp_path / "it.keras")
    loaded = keras.saving.load_model(tmp_path / "it.keras")
    assert [s.fitted_on for s in loaded.stages] == [
        stage.fitted_on for stage in acting.stages
    ]
    found = loaded.predict(IMAGES, verbose=0)
    assert found.keys() == wanted.keys()
    for name, value in wanted.items():
        np.testing.assert_array_equal(found[name], value)


ALONE = """
import json, sys
import numpy as np
import onnxruntime

session = onnxruntime.InferenceSession(sys.argv[1])
[image] = session.get_inputs()
names = [output.name for output in session.get_outputs()]
found = session.run(None, {image.name: np.load(sys.argv[2])})
about = session.get_modelmeta().custom_metadata_map["mimo_keras_fitted_on"]
others = {"mimo_keras", "keras", "tensorflow", "onnx"} & {*sys.modules}
print(json.dumps({
    "outputs": {n: f.tolist() for n, f in zip(names, found)},
    "about": json.loads(about)["stages"],
    "others": sorted(others),
}))
"""


def _alone(path):
    """Returns what a process says that has only ONNX Runtime."""
    images = path.with_name("images.npy")
    np.save(images, IMAGES[:9] / np.float32(255))
    return json.loads(subprocesses.python(ALONE, path, images))


@pytest.mark.parametrize(
    ("name", "method", "options"),
    [
        ("saved_model", "vector", {"randomized": True}),
        pytest.param("it.tflite", "isotonic", {}, marks=pytest.mark.large),
        ("it.tflite", "member_temperatures", {"randomized": True}),
        ("it.onnx", "isotonic", {}),
        pytest.param(
            *("it.onnx", "temperature", {"randomized": True}),
            marks=pytest.mark.large,
        ),
    ],
)
def test_an_export_does_all_of_it(
    predictor, labels, tmp_path, name, method, options
):
    """What is written is run and compared: see `export_check`."""
    form = {"tflite": "litert", "onnx": "onnx"}.get(name.split(".")[-1])
    if form == "onnx":
        pytest.importorskip("onnx")
        pytest.importorskip("tf2onnx")
        pytest.importorskip("onnxruntime")
    acting = _all(predictor, labels, method, **options)
    mimo_keras.export_saved_model(
        acting, tmp_path / name, form or "tf_saved_model"
    )
    acting.save(tmp_path / "it.keras")
    about = mimo_keras.fitted_on(tmp_path / name)
    assert about == mimo_keras.fitted_on(tmp_path / "it.keras")
    assert [facts["stage"] for facts in about] == [
        type(stage).__name__ for stage in acting.stages
    ]
    assert about[1].items() >= acting.stages[1].fitted_on.items()
    assert about[1]["coverage"] == 0.8 and about[0]["method"] == method
    if form == "onnx":
        found = _alone(tmp_path / name)
        assert found["about"] == about and found["others"] == []
        wanted = predict(acting, IMAGES[:9] / np.float32(255))
        assert found["outputs"].keys() == wanted.keys()
        for output in ("probabilities", "abstain", "ood_score", "is_foreign"):
            np.testing.assert_allclose(
                found["outputs"][output], wanted[output], rtol=1e-4, atol=1e-5
            )
    if form is None:
        signature = tf.saved_model.load(tmp_path / name).signatures
        found = signature["serving_uint8"](images=tf.constant(IMAGES))
        assert found.keys() == predict(acting).keys()
        np.testing.assert_array_equal(
            found["abstain"], predict(acting)["abstain"]
        )


@pytest.mark.parametrize("score", ["residual", "normalized"])
def test_intervals_cover_targets(score):
    predictor = _shaken(
        networks.create(members=3, num_classes=None, output_dim=2)
    )
    draw = np.random.default_rng(2)
    mean = np.array(predictor(IMAGES)["mean"])
    targets = mean + draw.normal(size=mean.shape) * [1.0, 3.0]
    found = predict(predictor.prediction_sets(IMAGES, targets, 0.8, score))
    inside = (found["lower"] <= targets) & (targets <= found["upper"])
    np.testing.assert_allclose(inside.mean(axis=0), 0.8, atol=0.01)
    width = (found["upper"] - found["lower"]).mean(axis=0)
    assert width[1] > 2 * width[0]
    with pytest.raises(InputError, match="a score among residual, normal"):
        predictor.prediction_sets(IMAGES, targets, score="aps")
    with pytest.raises(InputError, match="a predictor of classes"):
        predictor.calibrate(IMAGES, targets)


def test_what_draws_is_fitted_to_the_same_draws(labels):
    predictor = networks.create("mc_dropout", 1, backbone="mlp_8").predictor()
    logits = logits_of(predictor)
    assert np.abs(logits_of(predictor) - logits).max() > 0
    likely = precise.log_softmax(logits.mean(axis=1)).argmax(axis=1)
    own = np.where(np.arange(COUNT) % 4, likely, labels)
    first, second = (
        predictor.calibrate(IMAGES, own).stages[0] for _ in range(2)
    )
    assert first.fitted_on == second.fitted_on
