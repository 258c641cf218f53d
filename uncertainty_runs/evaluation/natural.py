"""Results on natural test sets: each by the labels that it has."""

from mimo_keras import data, evaluation
from mimo_keras.evaluation import class_groups, video

DISTANCES = (0, 10)
"""k of pm-k accuracy: frames within which a video's must all be right."""


def results(name, load, done):
    """Evaluates a natural test set.

    Args:
        name: Its name in results.
        load: Function that returns it, see `data.natural`.
        done: `cache.Evaluated`.

    Returns:
        Flat names and numbers.

    Raises:
        AbsentError: It is not there.
    """
    test_set = load()
    if isinstance(test_set, data.VideoFrames):
        predicted = done.predicted(name, test_set.frames, test_set.groups)
        sets = {k: test_set.within(k) for k in DISTANCES}
        return video.pm_results(name, predicted, test_set.right, sets)
    if test_set.groups is None:
        metrics = done.metrics(name, lambda: test_set.photographs).result()
        names = evaluation.METRICS
        return {f"{name}/{metric}": metrics[metric] for metric in names}
    evaluations = done.grouped(name, test_set)
    return class_groups.results(name, evaluations)
