"""The report of any model on any arrays, on one page."""

import numpy as np

from mimo_keras.analysis import regression_page
from mimo_keras.analysis.report import write_page
from mimo_keras.errors import expected
from mimo_keras.evaluation import (
    Classification,
    Results,
    clean_results,
    fitted_results,
    ood_results,
    scores,
)
from mimo_keras.evaluation.calibration import BINS
from mimo_keras.evaluation.of_predictor import of_numbers, of_stages
from mimo_keras.paths import as_path
from mimo_keras.prediction import held_out
from mimo_keras.training.given_predictor import predictor_of
from mimo_keras.training.likelihoods.means import OfNumbers


def report_of_model(
    model,
    images,
    labels=None,
    path="report.html",
    *,
    foreign=None,
    title=None,
    batch_size=128,
    num_bins=BINS,
):
    """Writes a page about a model, like that of a run.

    Of classes it has the measures, members and diversity, reliability and
    risk against coverage; of a predictor that was fitted to held-out images
    also the reliability after calibration, coverage and sizes of its prediction
    sets, and its detector's scores. Of a regression it has the measures,
    intervals, members and diversity, and of predicted distributions the PIT
    histogram, calibration curve and sharpness.

    Args:
        model: `EnsembleModel` or its `Predictor`, fitted or not.
        images: (n, …, C); or batches of (images, labels): a tf.data.Dataset,
            PyDataset or any iterable.
        labels: Class indices (n,), one-hot labels (n, K), or targets.
        path: The page's path, which ends in .html.
        foreign: Dictionary from a name to images that are unlike the training
            images, (m, …, C), whose scores are compared with those of `images`;
            or None.
        title: Of the page; the model's name by default.
        batch_size: Images of a batch, where `images` is an array.
        num_bins: Number of bins of the calibration errors.

    Returns:
        The page's path, as a string.

    Raises:
        InputError: The data do not fit the model, or its outputs are several
            labels.

    Example:

    ```python
    predictor = model.predictor().calibrate(held_out_images, held_out_labels)
    mimo_keras.report(predictor, test_images, test_labels, "report.html")
    ```
    """
    model = _checked_predictor(model, path)
    foreign = _checked(foreign, model)
    title = title or f"Report of {model.name}"
    if isinstance(model.likelihood, OfNumbers):
        _check_none(foreign)
        found = _of_numbers(model, *model.answered(images, labels, batch_size))
        regression_page.write(as_path(str(path)), *found, title)
        return str(path)
    results, arrays = _measured(
        model, images, labels, foreign, batch_size, num_bins
    )
    write_page(as_path(str(path)), results, arrays, title)
    return str(path)


def _check_none(foreign):
    if foreign:
        raise expected(
            "no foreign images for a regression",
            f"foreign={[*foreign]}",
            "Leave them out: their scores are those of classes.",
        )


def _of_numbers(model, outputs, targets, answers):
    """Returns a regression's measures and the arrays behind its figures."""
    metrics = of_numbers(model.likelihood, model.log_weights, outputs, targets)
    arrays = {}
    if hasattr(metrics, "calibration"):
        arrays |= metrics.calibration()._asdict()
    if hasattr(metrics, "pit_histogram"):
        arrays |= {"pit": metrics.pit_histogram(), "std": answers["std"]}
    return metrics.result() | of_stages(answers, targets), arrays


def _checked_predictor(model, path):
    model = predictor_of(model, "Create one with create_model.")
    if not isinstance(model.likelihood, OfNumbers):
        model.likelihood.check_classes()
    if not str(path).endswith(".html"):
        raise expected(
            "a path that ends in .html", f"path={str(path)!r}", "Rename it."
        )
    return model


def _measured(model, images, labels, foreign, batch_size, num_bins):
    """Returns `Results` and the arrays behind the figures."""
    answered = model.answered(images, labels, batch_size)
    logits, labels = held_out.checked(*answered[:2], few=False)
    metrics = Classification(logits.shape[-1], model.log_weights, num_bins)
    metrics.update(logits, labels)
    results = clean_results(metrics)
    arrays = fitted_results.drawn_arrays(metrics)
    outside = _scores(model, foreign, batch_size)
    inside = scores(logits, model.log_weights)
    results |= Results(ood=ood_results(inside, outside))
    for name, found in outside.items():
        arrays[f"ood_{name}_in"] = inside["max_probability"]
        arrays[f"ood_{name}_out"] = found["max_probability"]
    if model.stages:
        found, drawn = fitted_results.of_answers(model, *answered, num_bins)
        more, others = fitted_results.with_foreign(
            model, found, drawn, foreign, batch_size
        )
        results |= Results(fitted=more)
        arrays |= others
    return results, arrays


def _checked(foreign, model):
    if foreign is None:
        return {}
    if not isinstance(foreign, dict):
        raise expected(
            "foreign as a dictionary from names to images",
            f"foreign of type {type(foreign).__name__}",
            'Pass {"noise": images}.',
        )
    return {
        str(name): np.asarray(model.joined(some))
        for name, some in foreign.items()
    }


def _scores(model, foreign, batch_size):
    """Returns the scores of each foreign set from the logits."""
    found = {}
    for name, images in foreign.items():
        unknown = np.zeros(len(images), np.int64)
        logits, _ = model.collected(images, unknown, batch_size)
        found[name] = scores(logits, model.log_weights)
    return found
