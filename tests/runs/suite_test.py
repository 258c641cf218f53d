"""The suite's results for a network with known logits."""

import dataclasses
import json
import logging

import keras
import numpy as np
import pytest
import sklearn.metrics

from mimo_keras import data, evaluation
from mimo_keras.errors import AbsentError, InputError, expected
from mimo_keras.evaluation import Results
from mimo_keras.training import Predictor
from mimo_keras.training.distribute import make_strategy
from uncertainty_runs.common.config import DataConfig
from uncertainty_runs.evaluation import predict
from uncertainty_runs.evaluation.suite import CorruptionsCallback, Suite, save

MEMBERS, CLASSES = 2, 3
WEIGHTS = np.array([0.25, 0.75])


class Model:
    """Its logits are an image's first six pixels, 0 to 1, for two members."""

    def __init__(self):
        image = keras.Input((8, 8, 1))
        pixels = keras.layers.Flatten()(image)
        first = keras.layers.Dense(MEMBERS * CLASSES, use_bias=False)
        logits = keras.layers.Reshape((MEMBERS, CLASSES))(first(pixels))
        first.set_weights([np.eye(64)[:, : MEMBERS * CLASSES]])
        self.network = keras.Model(image, logits)
        self.trainable_weights = [*first.weights, keras.Variable([0.0])]

    def predictor(self):
        return Predictor(self.network, np.log(WEIGHTS).tolist())


def mixture(examples):
    """The NumPy twin: the ensemble's probabilities of each example."""
    pixels = examples.images.reshape(len(examples), 64) / 255
    logits = pixels[:, : MEMBERS * CLASSES].reshape(-1, MEMBERS, CLASSES)
    members = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    return np.einsum("e,bek->bk", WEIGHTS, members)


def measures(examples):
    p = mixture(examples)
    rows = np.arange(len(examples))
    return {
        "accuracy": np.mean(p.argmax(1) == examples.labels),
        "nll": -np.mean(np.log(p[rows, examples.labels])),
    }


def draw(seed, count=6, num_classes=CLASSES):
    generator = np.random.default_rng(seed)
    images = generator.integers(0, 256, (count, 8, 8, 1), dtype=np.uint8)
    labels = generator.integers(0, CLASSES, count)
    return data.Examples("drawn", images, labels, num_classes)


def absent():
    raise expected("the set", "none", "Get it.", AbsentError)


def corrupted_set(kind, severity, seed):
    return data.corruptions.Corrupted(
        kind, severity, lambda: draw([seed, severity])
    )


@pytest.fixture
def sets(monkeypatch):
    """Two types of corruption at two severities, and one foreign set."""
    corrupted = [
        corrupted_set(kind, severity, i)
        for i, kind in enumerate(["fog", "snow"])
        for severity in (1, 2)
    ]
    foreign = {"noise": lambda: draw(9, 11, None), "art": absent}
    monkeypatch.setattr(data, "corrupted", lambda *_, **__: iter(corrupted))
    monkeypatch.setattr(
        data, "out_of_distribution", lambda *_, **__: dict(foreign)
    )
    return corrupted


@pytest.fixture
def suite():
    config = DataConfig(dataset="digits")
    return Suite(draw(0, 13), make_strategy(), config)


def test_every_number_is_the_twins(suite, sets):
    results, arrays = suite.full(Model())
    results = results.flat()
    for name, value in measures(suite.test).items():
        np.testing.assert_allclose(results[f"test/{name}"], value, rtol=1e-5)
    found = [measures(part.examples) for part in sets]
    for name in ("accuracy", "nll"):
        np.testing.assert_allclose(
            results[f"corrupted/{name}"],
            np.mean([m[name] for m in found]),
            rtol=1e-5,
        )
        np.testing.assert_allclose(
            results[f"corrupted/snow_1/{name}"], found[2][name], rtol=1e-5
        )
    inside, outside = (
        1 - mixture(examples).max(1)
        for examples in (suite.test, draw(9, 11, None))
    )
    area = sklearn.metrics.roc_auc_score(
        np.repeat([0, 1], [13, 11]), np.append(inside, outside)
    )
    np.testing.assert_allclose(results["ood/noise/auroc"], area)
    np.testing.assert_allclose(arrays["ood_noise_in"], inside, rtol=1e-5)
    np.testing.assert_allclose(arrays["ood_noise_out"], outside, rtol=1e-5)


def test_a_fitted_predictor_is_measured_by_severity(suite, sets):
    held_out = draw(5, 200)
    predictor = (
        Model()
        .predictor()
        .prediction_sets(
            held_out.images, held_out.labels, coverage=0.6, score="lac"
        )
    )
    predictor = predictor.detector(held_out.images, held_out.labels)
    results, arrays = suite.fitted(predictor)
    found = results.fitted
    for severity in (1, 2):
        inside = [
            np.array(predictor(part.examples.images)["prediction_set"])[
                np.arange(6), part.examples.labels
            ]
            for part in sets
            if part.severity == severity
        ]
        assert found[f"severity_{severity}"]["coverage"] == pytest.approx(
            np.mean(inside)
        )
    assert arrays["set_sizes"].sum() == 13
    assert "ood_noise" in found and "ood_art" not in found
    results, _ = suite.fitted(predictor, only={"test"})
    assert {*results.fitted} == {"test", "on"}


def test_the_arrays_are_those_behind_the_numbers(suite, sets):
    results, arrays = suite.full(Model())
    assert arrays["reliability_count"].sum() == 13
    assert arrays["risk"][-1] == pytest.approx(1 - results.test["accuracy"])
    assert arrays["risk_coverage"].tolist()[::50] == [0.0, 0.5, 1.0]
    # Pooled over the four corrupted sets.
    assert arrays["corrupted_reliability_count"].sum() == 4 * 6
    off = ~np.eye(MEMBERS, dtype=bool)
    for name, key in (("disagreement", "disagreement"), ("kl", "kl")):
        np.testing.assert_allclose(
            arrays[f"{name}_matrix"][off].mean(), results.test[key]
        )
    # As trained, including parameters that the predictor lacks.
    assert results.cost["params"] == 64 * MEMBERS * CLASSES + 1
    assert results.cost["flops"] == 2 * 64 * MEMBERS * CLASSES


def test_some_of_the_corrupted_images(sets, tmp_path):
    config = DataConfig(dataset="digits", corrupted_examples=4)
    test = draw(0, 13)
    some = Suite(test, make_strategy(), config, tmp_path)
    results, _ = some.full(Model())
    assert results.evaluation["corrupted_examples"] == 4
    found = results.corrupted.sets["snow", 2]["nll"]
    examples = sets[3].examples
    first = data.stratified.order(examples.labels, 0)[:4]
    wanted = measures(examples.subset(first))["nll"]
    np.testing.assert_allclose(found, wanted, rtol=1e-5)
    # What was kept of some images does not pass for all of them.
    every = dataclasses.replace(config, corrupted_examples=0)
    results, _ = Suite(test, make_strategy(), every, tmp_path).full(Model())
    assert results.evaluation["corrupted_examples"] == 0
    found = results.corrupted.sets["snow", 2]["nll"]
    np.testing.assert_allclose(found, measures(examples)["nll"], rtol=1e-5)


def test_photographs_on_disk_are_evaluated_whole():
    with pytest.raises(InputError, match="dataset=imagenet2012. Leave it out"):
        DataConfig(dataset="imagenet2012", corrupted_examples=4)


def test_without_corrupted_images_none_are_reported(suite, sets):
    results, arrays = suite.full(Model(), corrupted=False)
    found = dataclasses.replace(results, skipped={}).flat()
    assert not [key for key in [*found, *arrays] if "corrupted" in key]


def test_absent_sets_are_left_out_with_a_warning(
    suite, sets, monkeypatch, caplog
):
    def broken_off(*_, **__):
        yield sets[0]
        absent()

    monkeypatch.setattr(data, "corrupted", broken_off)
    with caplog.at_level(logging.WARNING):
        results, arrays = suite.full(Model())
    assert [record.getMessage() for record in caplog.records] == [
        "corrupted is left out. Expected the set. Received: none. Get it.",
        "ood/art is left out. Expected the set. Received: none. Get it.",
    ]
    # A mean over some types would pass for the mean over all.
    found = dataclasses.replace(results, skipped={}).flat()
    assert not [key for key in [*found, *arrays] if "corrupted" in key]
    assert results.ood.keys() == {"noise"}


def test_the_corrupted_means_alone(suite, sets):
    found = suite.corrupted(Model())
    assert set(found) == {f"corrupted/{name}" for name in evaluation.METRICS}
    nll = np.mean([measures(part.examples)["nll"] for part in sets])
    np.testing.assert_allclose(found["corrupted/nll"], nll, rtol=1e-5)


@pytest.mark.parametrize(
    ("interval", "epochs"), [(0, []), (-1, []), (1, [0, 1, 2, 3]), (2, [1, 3])]
)
def test_corruptions_join_the_logs_of_some_epochs(interval, epochs):
    class Fixed:
        def corrupted(self, model):
            return {"corrupted/nll": model}

    callback = CorruptionsCallback(Fixed(), interval)
    callback.set_model("the model")
    logs = [{"loss": 1.0} for _ in range(4)]
    for epoch, log in enumerate(logs):
        callback.on_epoch_end(epoch, log)
    with_means = {"loss": 1.0, "corrupted/nll": "the model"}
    assert logs == [
        with_means if epoch in epochs else {"loss": 1.0} for epoch in range(4)
    ]


def test_save_writes_what_the_report_reads(tmp_path):
    save(tmp_path, Results(test={"nll": 0.5}), {"kl_matrix": np.eye(2)})
    assert json.loads((tmp_path / "results.json").read_text()) == {
        "test/nll": 0.5
    }
    with np.load(tmp_path / "arrays.npz", allow_pickle=False) as arrays:
        np.testing.assert_array_equal(arrays["kl_matrix"], np.eye(2))
    assert len(list(tmp_path.iterdir())) == 2


def test_a_damaged_set_stops_and_a_required_one_too(suite, sets, monkeypatch):
    def damaged():
        raise expected("whole records", "half of one", "Get it again.")

    broken = [data.corruptions.Corrupted("fog", 1, damaged)]
    monkeypatch.setattr(data, "corrupted", lambda *_, **__: iter(broken))
    with pytest.raises(InputError, match="half of one"):
        suite.full(Model())
    suite.require = True
    with pytest.raises(AbsentError, match="Get it"):
        suite.full(Model(), only=["ood"])


def test_the_network_is_built_once_for_all_sets(suite, sets):
    made = []

    class Counted(Model):
        def predictor(self):
            made.append(self)
            return super().predictor()

    suite.full(Counted())
    assert len(made) == 1


def test_the_time_is_that_of_passes_made_anyway(suite, sets, monkeypatch):
    passes = []

    def counted(*args):
        network = predict.prepared(*args)

        def logits(images):
            passes.append(len(images))
            return network.logits(images)

        return dataclasses.replace(network, logits=logits)

    monkeypatch.setattr("uncertainty_runs.evaluation.suite.prepared", counted)
    suite.full(Model())
    # The clean set once, for its metrics and for OOD detection.
    assert passes == [13, 6, 6, 6, 6, 11]
    passes.clear()
    # The first pass compiles: three more are timed.
    results, _ = suite.full(Model(), only=["test"])
    assert passes == [13] * 4
    assert results.cost["ms_per_example"] > 0
    passes.clear()
    results, _ = suite.full(Model(), only=["ood"])
    assert passes == [13, 11]
    assert not results.cost


def test_what_was_evaluated_is_not_evaluated_again(sets, tmp_path):
    config = DataConfig(dataset="digits")
    suite = Suite(draw(0, 13), make_strategy(), config, tmp_path / "kept")
    model = Model()
    first, drawn = suite.full(model)
    for part in sets:
        part.__dict__["examples"] = None  # Evaluating it again would fail.
    again, redrawn = suite.full(model)
    time = Results(cost={"ms_per_example": 0})
    assert again | time == first | time
    for name, array in drawn.items():
        np.testing.assert_array_equal(redrawn[name], array)
    foreign = [tmp_path / "kept" / name for name in ("mine.npz", ".a.tmp")]
    for path in foreign:
        path.write_bytes(b"mine")
    suite.forget()
    assert sorted((tmp_path / "kept").iterdir()) == sorted(foreign)
    for path in foreign:
        path.unlink()
    suite.forget()
    assert not (tmp_path / "kept").exists()
