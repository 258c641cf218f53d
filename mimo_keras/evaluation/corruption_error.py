"""ImageNet-C's mean corruption error: errors relative to AlexNet's."""

import statistics

from mimo_keras.errors import expected

# Mean top-1 error over the five severities.
ALEXNET = {
    "gaussian_noise": 0.886428,
    "shot_noise": 0.894468,
    "impulse_noise": 0.922640,
    "defocus_blur": 0.819880,
    "glass_blur": 0.826268,
    "motion_blur": 0.785948,
    "zoom_blur": 0.798360,
    "snow": 0.866816,
    "frost": 0.826572,
    "fog": 0.819324,
    "brightness": 0.564592,
    "contrast": 0.853204,
    "elastic_transform": 0.646056,
    "pixelate": 0.717840,
    "jpeg_compression": 0.606500,
}
ALEXNET_CLEAN = 0.435
"""Its error on clean images, with the three digits of their table 1."""


def corruption_errors(results, clean_accuracy):
    """Returns mCE and relative mCE, in per cent.

    CE of a type is the sum of errors over severities divided by AlexNet's; for
    the relative CE the clean error is subtracted from each error first. mCE and
    relative mCE are their means over the 15 types.

    Args:
        results: Triples of a corruption's type, its severity and the results of
            `Classification` on that set; other types are ignored.
        clean_accuracy: The accuracy on the clean test set.

    Returns:
        {"mce": ..., "relative_mce": ...}.

    Raises:
        InputError: A type or a severity is missing.

    Example:

    ```python
    from mimo_keras.data.corruptions import BENCHMARK

    results = [(name, severity, {"accuracy": 0.5})
               for name in BENCHMARK for severity in (1, 2, 3, 4, 5)]
    errors = mimo_keras.evaluation.corruption_errors(
        results, clean_accuracy=0.8)
    sorted(errors)  # ['mce', 'relative_mce']
    ```

    Reference:
        Hendrycks and Dietterich, Benchmarking neural network robustness to
        common corruptions and perturbations, ICLR 2019, section 4.1.
    """
    errors = {kind: {} for kind in ALEXNET}
    for kind, severity, result in results:
        if kind in errors:
            errors[kind][severity] = 1 - result["accuracy"]
    missing = [
        kind for kind, by_severity in errors.items() if len(by_severity) != 5
    ]
    if missing:
        raise expected(
            "15 types of corruption at 5 severities for mCE",
            f"{missing[0]} at {len(errors[missing[0]])}",
            "Evaluate on all of ImageNet-C.",
        )
    means = {
        k: statistics.fmean(by_severity.values())
        for k, by_severity in errors.items()
    }
    clean = 1 - clean_accuracy
    absolute = [means[kind] / alexnet for kind, alexnet in ALEXNET.items()]
    relative = [
        (means[kind] - clean) / (alexnet - ALEXNET_CLEAN)
        for kind, alexnet in ALEXNET.items()
    ]
    return {
        "mce": 100 * statistics.fmean(absolute),
        "relative_mce": 100 * statistics.fmean(relative),
    }
