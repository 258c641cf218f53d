"""Results on natural test sets: each by the labels that it has."""

from mimo_keras import data, evaluation
from mimo_keras.evaluation import class_groups, video

DISTANCES = (0, 10)
"""k of pm-k accuracy: frames within which a video's must all be right."""


def results(name, load, done):
    """Evaluates a natural test set.

    Args:
        name: The set's.
        load: Function that returns it, see `data.natural`.
        done: `cache.Evaluated`.

    Returns:
        `evaluation.Results` of the set alone.

    Raises:
        AbsentError: It is not there.
    """
    return evaluation.Results(natural=_by_name(name, load(), done))


def _by_name(name, test_set, done):
    """Returns the metrics by name: of the set, or of each way of scoring."""
    kept = f"natural/{name}"
    if isinstance(test_set, data.VideoFrames):
        predicted = done.predicted(kept, test_set.frames, test_set.groups)
        sets = {k: test_set.within(k) for k in DISTANCES}
        return {name: video.pm_results(predicted, test_set.right, sets)}
    if test_set.groups is None:
        metrics = done.evaluate(kept, lambda: test_set.photographs).result()
        return {name: {m: metrics[m] for m in evaluation.METRICS}}
    by_way = class_groups.results(done.grouped(kept, test_set))
    return {f"{name}/{way}": metrics for way, metrics in by_way.items()}
