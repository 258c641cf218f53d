"""Robustness to what changes from one video frame to the next."""

import numpy as np

from mimo_keras.errors import expected


def pm_accuracy(correct, sets):
    """Returns the share of sets of frames without any wrong prediction.

    Of an anchor's frames at most k away from it, all must be right: pm-k
    accuracy. With the anchors alone it is the usual accuracy, pm-0.

    Args:
        correct: Whether the prediction is right, (n,) bool.
        sets: For each anchor the numbers of its frames, itself included.

    Raises:
        InputError: There is no set, one is empty, or names no frame.

    Reference:
        Shankar et al., Do image classifiers generalize across time?, ICCV
        2021, section 2.
    """
    sizes = np.array([len(frames) for frames in sets])
    if not sizes.size or not sizes.all():
        raise expected(
            "at least one anchor, each with its own frame",
            f"sizes of sets={sizes.tolist()[:8]}",
            "Pass the numbers of each anchor's frames.",
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


def pm_results(name, predicted, right, sets):
    """Names the accuracies of a set of video frames.

    Args:
        name: Of the set.
        predicted: The predicted class of each frame, (n,) in 0..G-1.
        right: Whether a class is right for a frame, (n, G) bool.
        sets: For each distance k the sets of `pm_accuracy`.

    Returns:
        "<name>/accuracy_pm_<k>" for each k.

    Raises:
        InputError: As `pm_accuracy`, or if there is not one prediction for
            each frame.
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
        f"{name}/accuracy_pm_{k}": pm_accuracy(correct, frames)
        for k, frames in sets.items()
    }
