"""Detectors are fitted to each group of members, and say what is missing."""

import keras
import numpy as np
import pytest

from mimo_keras.errors import InputError
from mimo_keras.prediction import feature_scores, fitting_detectors

DRAW = np.random.default_rng(0)
LABELS = np.arange(200) % 3
FEATURES = DRAW.normal(size=(200, 2, 6))
FEATURES[..., :3] += 3 * np.eye(3)[LABELS][:, np.newaxis]
FOREIGN = 3 * DRAW.normal(size=(9, 2, 6)).astype("float32")
WEIGHTS = np.log([0.1, 0.2, 0.3, 0.4])
KERNEL, BIAS = DRAW.normal(size=(4, 6, 3)), DRAW.normal(size=(4, 3))
OWN = [0, 0, 1, 1]  # The group of each member.


def head(features):
    """Four members, of which two read the same features."""
    seen = keras.ops.convert_to_numpy(features)[:, OWN]
    return np.einsum("bef,efk->bek", seen, KERNEL) + BIAS


def fit(score, features=FEATURES, labels=LABELS, known=0.9, **options):
    examples = fitting_detectors.Examples(
        features, head(features), labels, WEIGHTS, head
    )
    options = fitting_detectors.Options(**{"neighbors": 5} | options)
    return fitting_detectors.fit(score, examples, options, known, {})


def scored(stage, features):
    logits = head(features).astype("float32")
    found = stage({"entropy": np.zeros(1)}, logits, features.astype("float32"))
    return {k: keras.ops.convert_to_numpy(v) for k, v in found.items()}


def wanted(score):
    if score == "mahalanobis":
        parts = [
            feature_scores.Mahalanobis(FEATURES[:, g], LABELS) for g in OWN
        ]
    elif score == "knn":
        parts = [feature_scores.Neighbors(FEATURES[:, g], 5) for g in OWN]
    else:
        logits = head(FEATURES)
        parts = [
            feature_scores.VirtualLogit(
                FEATURES[:, g], logits[:, e], KERNEL[e], BIAS[e], 3
            )
            for e, g in enumerate(OWN)
        ]
    logits = head(FOREIGN)
    return np.stack(
        [
            p.score(FOREIGN[:, g], logits[:, e])
            for e, (p, g) in enumerate(zip(parts, OWN, strict=True))
        ],
        axis=1,
    )


@pytest.mark.parametrize("score", fitting_detectors.SCORES)
def test_a_fitted_stage_computes_the_scores_of_numpy(score):
    stage = fit(score)
    found = scored(stage, FOREIGN)
    np.testing.assert_allclose(
        found["member_ood_scores"], wanted(score), rtol=2e-4, atol=1e-5
    )
    np.testing.assert_allclose(
        found["ood_score"],
        found["member_ood_scores"] @ np.exp(WEIGHTS),
        rtol=1e-5,
    )
    assert found["is_foreign"].mean() > 0.7 and found["entropy"] == 0
    # The threshold allows for examples that the fit has not seen.
    assert 0.02 < 1 - scored(stage, FEATURES)["is_foreign"].mean() - 0.9 < 0.1
    again = type(stage).from_config(stage.get_config())
    again.set_weights(stage.get_weights())
    for name, value in scored(again, FOREIGN).items():
        np.testing.assert_array_equal(value, found[name])
    assert stage.fitted_on == {"score": score, "known": 0.9}


def test_a_bank_is_drawn_from_the_examples():
    stage = fit("knn", bank=20)
    bank = keras.ops.convert_to_numpy(stage.fitted["bank"])
    assert bank.shape == (2, 20, 6)
    known = feature_scores.unit(FEATURES[:, 0])
    gaps = np.abs(bank[0][:, np.newaxis] - known).max(axis=-1)
    assert (gaps.min(axis=1) < 1e-6).all()
    assert len(np.unique(gaps.argmin(axis=1))) == 20


@pytest.mark.parametrize(
    ("score", "options", "message"),
    [
        ("knn", {"neighbors": 161}, "neighbors from 1 to 160"),
        ("knn", {"neighbors": 0}, "neighbors=0"),
        ("knn", {"bank": 4}, "neighbors from 1 to 4"),
        ("knn", {"neighbors": 2.5}, "neighbors to be a whole number"),
        ("knn", {"bank": None}, "bank to be a whole number"),
        ("vim", {"dimensions": "a"}, "dimensions to be a whole number"),
        ("vim", {"dimensions": 6}, "dimensions from 1 to 5"),
    ],
)
def test_what_cannot_be_fitted_is_one_line(score, options, message):
    with pytest.raises(InputError, match=message) as caught:
        fit(score, **options)
    assert "\n" not in str(caught.value)


def test_examples_must_show_every_class_and_be_finite():
    few = np.where(np.arange(200) == 0, 2, np.arange(200) % 2)
    with pytest.raises(InputError, match="1 of class 2. Pass more examples"):
        fit("mahalanobis", labels=few)
    assert fit("knn", labels=few) and fit("vim", labels=few)
    bad = FEATURES.copy()
    bad[3, 0, 0] = np.nan
    with pytest.raises(InputError, match="finite features"):
        fit("knn", bad)


def _drawing(features):
    return head(features) + DRAW.normal()


@pytest.mark.parametrize("known", [None, _drawing])
def test_weights_that_cannot_be_read_are_those_that_fit_the_logits(known):
    examples = fitting_detectors.Examples(
        FEATURES, head(FEATURES), LABELS, WEIGHTS, known
    )
    stage = fitting_detectors.fit(
        "vim", examples, fitting_detectors.Options(), 0.9, {}
    )
    # Here, the logits say exactly what the weights are.
    np.testing.assert_allclose(
        scored(stage, FOREIGN)["member_ood_scores"],
        wanted("vim"),
        rtol=2e-4,
    )


def test_zeros_beyond_a_groups_width_change_nothing():
    """Exits have features of other widths, which are padded."""
    padded = FEATURES.copy()
    padded[:, 1, 4:] = 0

    def narrow(features):
        kept = np.array(features)
        kept[:, 1, 4:] = 0
        return head(kept)

    examples = fitting_detectors.Examples(
        padded, narrow(padded), LABELS, WEIGHTS, narrow
    )
    stage = fitting_detectors.fit(
        "vim", examples, fitting_detectors.Options(), 0.9, {}
    )
    logits = narrow(FOREIGN)
    foreign = FOREIGN.copy()
    foreign[:, 1, 4:] = 0
    found = stage({}, logits.astype("float32"), foreign)["member_ood_scores"]
    wide, slim = (
        feature_scores.VirtualLogit(
            *(padded[:, g, :n], narrow(padded)[:, e]),
            *(KERNEL[e, :n], BIAS[e], n // 2),
        ).score(FOREIGN[:, g, :n], logits[:, e])
        for e, g, n in ((0, 0, 6), (3, 1, 4))
    )
    found = keras.ops.convert_to_numpy(found)
    np.testing.assert_allclose(found[:, 0], wide, rtol=2e-4)
    np.testing.assert_allclose(found[:, 3], slim, rtol=2e-4)
    with pytest.raises(InputError, match="vary in more than 4 dimensions"):
        fitting_detectors.fit(
            "vim", examples, fitting_detectors.Options(dimensions=4), 0.9, {}
        )
