"""Results of a fitted predictor are those of its outputs, by hand."""

import numpy as np
import pytest
import sklearn.metrics

import mimo_keras
from mimo_keras.evaluation import Classification, fitted_results
from tests.training import networks

IMAGES = networks.examples(240).images
LABELS = np.arange(240) % networks.CLASSES
NOISE = np.random.default_rng(0).integers(0, 256, IMAGES[:50].shape, "uint8")


@pytest.fixture(scope="module")
def predictor():
    plain = networks.create(members=2).predictor()
    found = plain.calibrate(IMAGES, LABELS, "isotonic")
    found = found.prediction_sets(IMAGES, LABELS, 0.8)
    return found.detector(IMAGES, LABELS, "max_logit", known=0.9)


def test_measures_and_arrays(predictor):
    found, arrays = fitted_results.of_set(predictor, IMAGES, LABELS)
    whole = mimo_keras.evaluate(predictor, IMAGES, LABELS)
    assert found.items() <= whole.items() and "coverage" in found
    outputs = predictor(IMAGES)
    sizes = np.array(outputs["set_size"])
    inside = np.array(outputs["prediction_set"])[np.arange(240), LABELS]
    for k in range(networks.CLASSES + 1):
        assert arrays["set_sizes"][k] == (sizes == k).sum()
        assert arrays["set_sizes_covered"][k] == inside[sizes == k].sum()
    np.testing.assert_array_equal(arrays["ood_score"], outputs["ood_score"])
    assert arrays["fitted_reliability_count"].sum() == 240


def test_foreign_images_are_told_apart(predictor):
    found, arrays = fitted_results.of_set(predictor, IMAGES, LABELS)
    batches = [(NOISE[:30], None), (NOISE[30:], None)]
    results, drawn = fitted_results.with_foreign(
        predictor, found, arrays, {"noise": NOISE, "again": iter(batches)}
    )
    outside = np.array(predictor(NOISE)["ood_score"])
    np.testing.assert_allclose(drawn["fitted_ood_out_noise"], outside)
    area = sklearn.metrics.roc_auc_score(
        np.repeat([0, 1], [240, 50]),
        np.concatenate((arrays["ood_score"], outside)),
    )
    assert results["ood_noise"]["auroc"] == pytest.approx(area)
    assert results["ood_again"] == results["ood_noise"]
    assert results["test"] is found and "ood_score" not in drawn
    about = results["on"]
    assert about["calibrated"] == 1 and about["LogitDetector_known"] == 0.9
    assert about["PredictionSets_coverage"] == 0.8
    assert about["Isotonic_examples"] == 240


def test_without_a_calibration_there_is_nothing_to_compare():
    plain = networks.create(members=2).predictor()
    sets = plain.prediction_sets(IMAGES, LABELS, 0.8)
    found, arrays = fitted_results.of_set(sets, IMAGES, LABELS)
    results, drawn = fitted_results.with_foreign(
        sets, found, arrays, {"noise": NOISE}
    )
    assert results["on"]["calibrated"] == 0 and "ood_noise" not in results
    assert {*drawn} == {"set_sizes", "set_sizes_covered"}


def test_a_temperature_is_told_and_members_have_pictures():
    plain = networks.create(members=2).predictor()
    found, arrays = fitted_results.of_set(
        plain.calibrate(IMAGES, LABELS), IMAGES, LABELS
    )
    assert {*arrays} == {
        f"fitted_reliability_{part}"
        for part in ("count", "confidence", "accuracy")
    }
    (stage,) = plain.calibrate(IMAGES, LABELS).stages
    about = fitted_results.about(plain.calibrate(IMAGES, LABELS))
    assert about["Temperature_temperature"] == stage.temperature > 0
    logits = np.log([[[0.7, 0.3], [0.2, 0.8]], [[0.6, 0.4], [0.9, 0.1]]])
    for members in (1, 2):
        metrics = Classification(2, np.log(np.full(members, 1 / members)))
        metrics.update(logits[:, :members], np.array([0, 0]))
        drawn = fitted_results.drawn_arrays(metrics)
        assert drawn["reliability_count"].sum() == 2
        assert ("disagreement_matrix" in drawn) is (members == 2)
    np.testing.assert_allclose(drawn["disagreement_matrix"][0, 1], 0.5)
