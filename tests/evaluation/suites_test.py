"""Suites: a network over batches, and results by set."""

import numpy as np
import pytest

from mimo_keras.errors import InputError
from mimo_keras.evaluation import ood, suites
from mimo_keras.evaluation.classification import Classification

GENERATOR = np.random.default_rng(0)
IMAGES = GENERATOR.normal(size=(23, 4, 4, 1)).astype(np.float32)
LABELS = GENERATOR.integers(0, 3, 23)
KERNEL = GENERATOR.normal(size=(2, 3, 16))
WEIGHTS = np.log([0.5, 0.5])


def network(images):
    return np.einsum("ekf,bf->bek", KERNEL, images.reshape(len(images), -1))


def batches(size):
    for start in range(0, len(IMAGES), size):
        yield IMAGES[start : start + size], LABELS[start : start + size]


def result_of(value):
    names = suites.METRICS
    return {n: value + i / 100 for i, n in enumerate(names)} | {"kl": 9.0}


def test_every_example_counts_whatever_the_batches():
    expected = Classification(3, WEIGHTS)
    expected.update(network(IMAGES), LABELS)
    for size in (5, 8, 23, 30):
        metrics = suites.evaluate(network, batches(size), 3, WEIGHTS)
        assert metrics.count == 23
        assert metrics.result() == pytest.approx(expected.result(), rel=1e-12)


@pytest.mark.parametrize("size", [1, 5, 8, 23, 30])
def test_padded_sees_only_full_batches_and_loses_no_example(size):
    seen = []

    def compiled(images):
        seen.append(images)
        return network(images)

    result = suites.padded(compiled, size)(IMAGES)
    np.testing.assert_allclose(result, network(IMAGES))
    assert {len(images) for images in seen} == {size}
    assert len(seen) == -(-23 // size)
    filling = np.concatenate(seen)[23:]
    np.testing.assert_array_equal(
        filling, np.broadcast_to(IMAGES[-1], filling.shape)
    )


def test_padded_refuses_what_it_cannot_pad():
    with pytest.raises(InputError, match="batch_size=0"):
        suites.padded(network, 0)
    with pytest.raises(InputError, match="at least one image"):
        suites.padded(network, 4)(IMAGES[:0])


def test_corrupted_results_by_hand():
    found = suites.corrupted_results(
        [
            ("fog", 1, result_of(0.1)),
            ("fog", 2, result_of(0.2)),
            ("snow", 1, result_of(0.5)),
        ]
    )
    assert found.means["accuracy"] == pytest.approx(0.8 / 3)
    assert found.means["nll"] == pytest.approx(0.8 / 3 + 0.01)
    assert found.by_severity[1]["accuracy"] == pytest.approx(0.3)
    assert found.by_severity[2]["ece"] == pytest.approx(0.22)
    assert found.sets["fog", 2]["brier"] == pytest.approx(0.23)
    prefixes = ("", "severity_1/", "severity_2/", "fog_1/", "fog_2/", "snow_1/")
    assert set(suites.Results(corrupted=found).flat()) == {
        f"corrupted/{prefix}{metric}"
        for prefix in prefixes
        for metric in suites.METRICS
    }


def test_corrupted_results_want_each_set_once():
    with pytest.raises(InputError, match="fog_1 twice"):
        suites.corrupted_results([("fog", 1, result_of(0.1))] * 2)
    with pytest.raises(InputError, match="at least one corrupted set"):
        suites.corrupted_results([])


def test_shifted_results_by_hand():
    found = suites.shifted_results(
        [
            ("rotation", 1, result_of(0.1)),
            ("rotation", 2, result_of(0.3)),
            ("scale", 1, result_of(0.5)),
        ]
    )
    assert found.means["accuracy"] == pytest.approx(0.3)
    # Sample deviation over all three sets: √(0.08 / 3).
    assert found.deviations["accuracy"] == pytest.approx((0.08 / 3) ** 0.5)
    assert found.deviations["nll"] == pytest.approx((0.08 / 3) ** 0.5)
    assert found.sets["rotation", 2]["brier"] == pytest.approx(0.33)
    assert found.means["brier_per_class"] == pytest.approx(0.3 + 0.04)
    assert len(suites.Results(shifted=found).flat()) == (
        (2 + 3) * len(suites.METRICS)
    )
    with pytest.raises(InputError, match="at least one shifted set"):
        suites.shifted_results([])


def test_ood_results_name_each_score():
    inside = suites.ood_scores(network, batches(8), WEIGHTS)
    np.testing.assert_allclose(
        inside["entropy"], ood.scores(network(IMAGES), WEIGHTS)["entropy"]
    )
    foreign = suites.ood_scores(
        lambda images: network(images / 3), batches(5), WEIGHTS
    )
    by_set = suites.ood_results(inside, {"svhn": foreign, "same": inside})
    for metric in ("auroc", "aupr", "fpr95"):
        for score, suffix in (
            ("max_probability", ""),
            ("entropy", "_entropy"),
            ("mutual_information", "_mutual_information"),
        ):
            told = ood.detection(inside[score], foreign[score])[metric]
            assert by_set["svhn"].pop(f"{metric}{suffix}") == told
            assert f"{metric}{suffix}" in by_set["same"]
    assert by_set["same"]["auroc"] == 0.5
    assert (len(by_set["svhn"]), len(by_set["same"])) == (0, 9)


def test_no_batch_to_score_is_an_error():
    with pytest.raises(InputError, match="at least one batch"):
        suites.ood_scores(network, [], WEIGHTS)


def test_bad_labels_are_reported_in_one_line():
    with pytest.raises(InputError, match="labels=5 to 5"):
        suites.evaluate(network, [(IMAGES[:1], np.array([5]))], 3, WEIGHTS)


def test_the_means_alone_are_those_of_all_results():
    rows = [
        (kind, severity, dict.fromkeys(suites.METRICS, value))
        for kind, severity, value in (("fog", 1, 0.5), ("snow", 2, 0.25))
    ]
    means = suites.corrupted_means(rows)
    assert means["nll"] == 0.375
    assert means == suites.corrupted_results(rows).means


def test_clean_results_are_those_of_the_ensemble_and_of_each_member():
    metrics = Classification(3, WEIGHTS)
    metrics.update(network(IMAGES), LABELS)
    wanted = {f"test/{key}": value for key, value in metrics.result().items()}
    wanted["test/aurc"] = metrics.risk_coverage().area
    found = suites.clean_results(metrics)
    assert found.flat() == wanted
    # Each member alone is an ensemble of one.
    for member, values in found.members.items():
        alone = Classification(3, [0.0])
        alone.update(network(IMAGES)[:, member : member + 1], LABELS)
        ensemble = alone.ensemble()
        assert values == {
            name: pytest.approx(ensemble[name]) for name in ("nll", "accuracy")
        }
    assert list(found.members) == [0, 1]
