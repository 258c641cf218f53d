"""Results of a predictor that was fitted to held-out examples."""

import keras
import numpy as np

from mimo_keras.evaluation import of_predictor, ood
from mimo_keras.evaluation.calibration import BINS


def drawn_arrays(metrics):
    """Returns the arrays behind a report's pictures of one set.

    Args:
        metrics: `Classification` of the set.
    """
    curve = metrics.risk_coverage()
    arrays = reliability_arrays("reliability", metrics)
    arrays |= {"risk_coverage": curve.coverage, "risk": curve.risk}
    if len(metrics.log_weights) > 1:
        diversity = metrics.diversity()
        arrays["disagreement_matrix"] = diversity.disagreement
        arrays["kl_matrix"] = diversity.kl
    return arrays


def reliability_arrays(prefix, metrics):
    """Returns a reliability diagram's arrays, by names with a prefix."""
    reliability = metrics.reliability()
    return {
        f"{prefix}_count": reliability.count,
        f"{prefix}_confidence": reliability.confidence,
        f"{prefix}_accuracy": reliability.accuracy,
    }


def about(predictor):
    """Returns what a predictor was fitted on, as numbers by name.

    Args:
        predictor: `training.Predictor`.
    """
    calibrates = any(stage.calibrates for stage in predictor.stages)
    found = {"calibrated": float(calibrates)}
    for stage in predictor.stages:
        kind = type(stage).__name__
        facts = dict(stage.fitted_on)
        if hasattr(stage, "temperature"):
            facts["temperature"] = stage.temperature
        found |= {
            f"{kind}_{name}": float(value)
            for name, value in facts.items()
            if isinstance(value, (int, float))
        }
    return found


def of_set(predictor, images, labels=None, batch_size=128, num_bins=BINS):
    """Returns the measures of a fitted predictor on one set, and its arrays.

    Args:
        predictor: `training.Predictor` of classes.
        images: Images, or batches of (images, labels).
        labels: Their classes.
        batch_size: Images of a batch, where `images` is an array.
        num_bins: Number of bins of the calibration errors.

    Returns:
        A flat dictionary, as `mimo_keras.evaluate` returns it, without that of
        single members; and arrays by name: "fitted_reliability_…",
        "set_sizes" and "set_sizes_covered" (K + 1,), the numbers of examples
        whose set has that many classes, and of those that it covers; and
        "ood_score" (n,), as far as the predictor has these.
    """
    answered = predictor.answered(images, labels, batch_size)
    return of_answers(predictor, *answered, num_bins)


def of_answers(predictor, logits, labels, answers, num_bins=BINS):
    """Returns what `of_set` does, of what `Predictor.answered` returned."""
    metrics, further, labels = of_predictor.of_classes(
        predictor, logits, labels, answers, num_bins
    )
    found = metrics.ensemble() | further.result()
    found |= of_predictor.of_stages(answers, labels)
    arrays = {}
    if any(stage.calibrates for stage in predictor.stages):
        arrays = reliability_arrays("fitted_reliability", metrics)
    if "prediction_set" in answers:
        inside = answers["prediction_set"][np.arange(len(labels)), labels]
        sizes = answers["set_size"]
        length = logits.shape[-1] + 1
        arrays["set_sizes"] = np.bincount(sizes, minlength=length)
        covered = np.bincount(sizes, weights=inside, minlength=length)
        arrays["set_sizes_covered"] = covered.astype(np.int64)
    if "ood_score" in answers:
        arrays["ood_score"] = answers["ood_score"]
    return found, arrays


def foreign_scores(predictor, images, batch_size=128):
    """Returns the "ood_score" of images without labels, (n,).

    Args:
        predictor: `training.Predictor` with a detector.
        images: Array of images, or batches of (images, labels).
        batch_size: Images of a batch, where `images` is an array.
    """
    if isinstance(images, (list, np.ndarray)):
        parts = range(0, len(images), batch_size)
        batches = (images[first : first + batch_size] for first in parts)
    else:
        batches = (batch[0] for batch in images)
    return np.concatenate(
        [
            keras.ops.convert_to_numpy(predictor(batch)["ood_score"])
            for batch in batches
        ]
    )


def with_foreign(predictor, found, drawn, foreign, batch_size=128):
    """Returns what `Results.fitted` holds, and the arrays of the pictures.

    Args:
        predictor: `training.Predictor`.
        found: Its measures of the test set, as `of_set` returns them.
        drawn: Likewise, the arrays.
        foreign: Dictionary from names to foreign images, arrays or batches.
        batch_size: Images of a batch, where images are an array.

    Returns:
        Dictionary from sets to dictionaries of numbers, and one of arrays.
    """
    arrays = dict(drawn)
    inside = arrays.pop("ood_score", None)
    results = {"test": found, "on": about(predictor)}
    if inside is None:
        return results, arrays
    arrays["fitted_ood_in"] = inside
    for name, images in foreign.items():
        scores = foreign_scores(predictor, images, batch_size)
        arrays[f"fitted_ood_out_{name}"] = scores
        results[f"ood_{name}"] = ood.detection(inside, scores)
    return results, arrays
