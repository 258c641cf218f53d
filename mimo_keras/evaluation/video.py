"""Robustness to the changes between nearby video frames."""

import numpy as np

from mimo_keras.errors import expected


def pm_accuracy(correct, sets):
    """Returns the fraction of frame sets without any wrong prediction.

    All frames at most k away from an anchor must be predicted correctly: pm-k
    accuracy. With the anchors alone it is the usual accuracy, pm-0.

    Args:
        correct: Whether the prediction is correct, (n,) bool.
        sets: For each anchor the indices of its frames, itself included.

    Raises:
        InputError: There are no sets, one is empty, or an index is invalid.

    Reference:
        Shankar et al., Do image classifiers generalize across time?, ICCV
        2021, section 2.
    """
    sizes = np.array([len(frames) for frames in sets])
    if not sizes.size or not sizes.all():
        raise expected(
            "at least one anchor, each with its own frame",
            f"sizes of sets={sizes.tolist()[:8]}",
            "Pass the indices of each anchor's frames.",
        )
    frames = np.concatenate(sets)
    if frames.min() < 0 or frames.max() >= len(correct):
        raise expected(
            f"frames from 0 to {len(correct) - 1}",
            f"frames={frames.min()} to {frames.max()}",
            "Predict every frame of the set.",
        )
    starts = np.cumsum(sizes) - sizes
    whole = np.logical_and.reduceat(np.asarray(correct)[frames], starts)
    return float(whole.mean())


def pm_results(predicted, right, sets):
    """Returns the accuracies on a set of video frames.

    Args:
        predicted: The predicted class of each frame, (n,) in 0..G-1; -1 for a
            frame that could not be read. It is left out of its sets, and an
            anchor (the first frame of its sets) with its sets.
        right: Whether a class is correct for a frame, (n, G) bool.
        sets: For each distance k, the sets for `pm_accuracy`.

    Returns:
        "accuracy_pm_<k>" for each k.

    Raises:
        InputError: As for `pm_accuracy`, or if there is not one prediction per
            frame.
    """
    predicted, right = np.asarray(predicted), np.asarray(right)
    if predicted.shape != right.shape[:1]:
        raise expected(
            f"one prediction for each of {len(right)} frames",
            f"predicted.shape={predicted.shape}",
            "Predict every frame of the set.",
        )
    correct = right[np.arange(len(right)), predicted]
    return {
        f"accuracy_pm_{k}": pm_accuracy(correct, _readable(predicted, frames))
        for k, frames in sets.items()
    }


def _readable(predicted, sets):
    """Returns the sets without the frames that have no prediction."""
    if (predicted >= 0).all():
        return sets
    kept = (np.asarray(frames) for frames in sets)
    return [
        frames[predicted[frames] >= 0]
        for frames in kept
        if predicted[frames[0]] >= 0
    ]
