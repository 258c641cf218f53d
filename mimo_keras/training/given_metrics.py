"""The metrics that `compile` is given, checked."""

import inspect

import keras

from mimo_keras.errors import expected

# Names that Keras completes when it has seen targets and predictions.
_BY_SHAPE = ("accuracy", "acc", "crossentropy", "ce")


def checked(metrics, name):
    """Returns the metrics as a flat list, or None.

    Args:
        metrics: As in Keras, for a model with one output: names, functions and
            keras.metrics.Metric, in a list or in a list of one list.
        name: The argument's name.

    Raises:
        InputError: They are for several outputs, a name is unknown, or a metric
            would read the predicted probabilities as logits.
    """
    if metrics is None:
        return None
    if isinstance(metrics, dict) or not isinstance(metrics, (list, tuple)):
        raise _misfit(name, metrics)
    flat = keras.tree.flatten([*metrics])
    for metric in flat:
        _check(metric, name)
    return flat


def _check(metric, name):
    if isinstance(metric, str) and metric.lower() in _BY_SHAPE:
        return
    try:
        found = keras.metrics.get(metric)
    except (TypeError, ValueError) as error:
        raise _misfit(name, metric) from error
    if found is None or inspect.isclass(found) or not callable(found):
        raise _misfit(name, metric)
    is_metric = isinstance(found, keras.metrics.Metric)
    if is_metric and found.get_config().get("from_logits"):
        raise expected(
            "metrics of probabilities, which is what they are given",
            f"{name} with {found.name}(from_logits=True)",
            "Leave out from_logits.",
        )


def _misfit(name, received):
    return expected(
        f"{name} to be a list of names of Keras metrics, functions and "
        "keras.metrics.Metric objects",
        f"{received!r}",
        "The model has one output: name them in one list.",
    )
