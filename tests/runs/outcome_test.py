"""The numbers of a run are right: each is recomputed in another way."""

import functools

import numpy as np
import pytest
import sklearn.metrics

from mimo_keras import data
from mimo_keras.data import sample_images

METRICS = ("accuracy", "nll", "ece", "brier", "brier_per_class")


@pytest.fixture(scope="module")
def serve(folder):
    """The exported predictor: images -> dictionary of NumPy arrays."""
    import tensorflow as tf

    loaded = tf.saved_model.load(str(folder / "saved_model"))

    def predict(images):
        served = loaded.serve(images)
        return {name: value.numpy() for name, value in served.items()}

    return predict


def test_results_json_has_every_number_and_no_other(results):
    scores = ("", "_entropy", "_mutual_information")
    conditions = [
        *(f"severity_{s}" for s in range(1, 6)),
        *(
            f"{t}_{s}"
            for t in data.get("digits").corruptions.types
            for s in range(1, 6)
        ),
    ]
    assert set(results) == {
        *(
            f"sharing/{part}{measure}"
            for part in ("encoders", "heads")
            for measure in ("", "_overlap")
        ),
        *(f"test/{m}" for m in (*METRICS, "aurc", "disagreement", "kl")),
        *(f"test/{m}_member_{e}" for m in METRICS[:2] for e in range(3)),
        *(f"test/{m}_member_mean" for m in METRICS[:2]),
        "weights/kept",
        "weights/fingerprint",
        "evaluation/averaged_logits",
        "evaluation/corrupted_examples",
        "evaluation/num_bins",
        "training/epoch",
        "training/epochs",
        *(f"corrupted/{m}" for m in METRICS),
        *(f"corrupted/{c}/{m}" for c in conditions for m in METRICS),
        *(
            f"ood/sample_images/{m}{s}"
            for m in ("auroc", "aupr", "fpr95")
            for s in scores
        ),
        *(
            f"cost/{m}"
            for m in ("params", "multiply_adds", "flops", "ms_per_example")
        ),
    }
    assert all(np.isfinite(value) for value in results.values())


def _measures(served, labels):
    """Accuracy, NLL and Brier score, straight from probabilities."""
    p = served["probabilities"].astype(np.float64)
    one_hot = np.eye(10)[labels]
    return {
        "accuracy": np.mean(p.argmax(1) == labels),
        "nll": -np.mean(np.log((p * one_hot).sum(1))),
        "brier": np.mean(((p - one_hot) ** 2).sum(1)),
        "brier_per_class": np.mean((p - one_hot) ** 2),
    }


def test_the_test_results_are_those_of_the_saved_model(serve, results):
    test = data.load("digits", "test")
    served = serve(test.images)
    assert len(test) == 599
    for name, value in _measures(served, test.labels).items():
        np.testing.assert_allclose(
            results[f"test/{name}"], value, rtol=1e-5, err_msg=name
        )
    for member in range(3):
        alone = {"probabilities": served["member_probabilities"][:, member]}
        for name in ("accuracy", "nll"):
            np.testing.assert_allclose(
                results[f"test/{name}_member_{member}"],
                _measures(alone, test.labels)[name],
                rtol=1e-5,
            )


def test_the_corrupted_results_are_means_over_types(serve, results):
    found = {
        (part.type, part.severity): _measures(
            serve(part.examples.images), part.examples.labels
        )
        for part in data.corrupted("digits")
    }
    assert len(found) == 11 * 5
    for name in ("accuracy", "nll", "brier", "brier_per_class"):
        close = functools.partial(np.testing.assert_allclose, rtol=1e-5)
        close(
            results[f"corrupted/{name}"],
            np.mean([measures[name] for measures in found.values()]),
        )
        worst = [m[name] for (_, s), m in found.items() if s == 5]
        close(results[f"corrupted/severity_5/{name}"], np.mean(worst))
        close(
            results[f"corrupted/contrast_4/{name}"], found["contrast", 4][name]
        )


def test_foreign_images_are_detected_by_the_saved_models_entropy(
    serve, results
):
    inside = serve(data.load("digits", "test").images)
    outside = serve(sample_images.load().images)
    for score, suffix in (
        ("entropy", "_entropy"),
        ("mutual_information", "_mutual_information"),
    ):
        area = sklearn.metrics.roc_auc_score(
            np.repeat([0, 1], 599), np.append(inside[score], outside[score])
        )
        # The SavedModel's scores are float32.
        np.testing.assert_allclose(
            results[f"ood/sample_images/auroc{suffix}"], area, atol=2e-4
        )


def test_the_cost_is_of_the_trained_and_the_folded_network(results):
    """Worked by hand: SmallCNN of width 1 on 8x8x1, three heads of 10."""
    convolutions = [(9 * 1, 16, 64), (9 * 16, 32, 16), (9 * 32, 32, 4)]
    head = 32 * 30
    params = sum(i * o + o for i, o, _ in convolutions) + head + 30
    trained = params + 2 * 9 * 16  # The channels of three members in the stem.
    adds = sum(i * o * pixels for i, o, pixels in convolutions) + head
    assert (params, adds) == (15038, 120768)
    assert results["cost/params"] == trained
    assert results["cost/multiply_adds"] == adds
    assert results["cost/flops"] == 2 * adds
    assert results["cost/ms_per_example"] > 0


def test_the_report_holds_the_results_and_the_pictures(folder, results):
    page = (folder / "report.html").read_text("utf-8")
    # Two reliability diagrams; corruptions, members, their agreement,
    # risk against coverage, foreign images, training.
    assert page.count("data:image/svg+xml;base64,") == 8
    for key in ("test/nll", "corrupted/accuracy", "test/disagreement"):
        assert f"{results[key]:.4f}" in page
    assert "MIMO trained on digits" in page and "--ensemble_size=3" in page
