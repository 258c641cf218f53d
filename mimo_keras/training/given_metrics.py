"""The metrics that `compile` is given, checked."""

import inspect

import keras

from mimo_keras.errors import expected

# Names that Keras completes when it has seen targets and predictions.
_BY_SHAPE = ("accuracy", "acc")
# Metrics of Keras that read whatever they are given.
_OF_ANY = ("Mean", "MeanMetricWrapper", "Sum")


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
    if found is None or inspect.isclass(metric) or not callable(found):
        raise _misfit(name, metric)
    is_metric = isinstance(found, keras.metrics.Metric)
    if is_metric and found.get_config().get("from_logits"):
        raise expected(
            "metrics of probabilities, which is what they are given",
            f"{name} with {found.name}(from_logits=True)",
            "Leave out from_logits.",
        )


def of_numbers(metrics):
    """Returns the names of Keras's metrics that compare number by number.

    With class indices, labels (B,) and predictions (B, K) would be broadcast.

    Args:
        metrics: As `checked` returns them.
    """
    found = [
        keras.metrics.get(metric)
        for metric in metrics or []
        if not isinstance(metric, str) or metric.lower() not in _BY_SHAPE
    ]
    kinds = [
        (x, type(x) if isinstance(x, keras.metrics.Metric) else x)
        for x in found
    ]
    return [
        kind.__name__
        for x, kind in kinds
        if kind.__module__.startswith("keras.")
        and kind.__name__ not in _OF_ANY
        and not kind.__name__.lower().startswith("sparse")
        and not getattr(x, "sparse_y_true", False)
    ]


def _misfit(name, received):
    return expected(
        f"{name} to be a list of names of Keras metrics, functions and "
        "keras.metrics.Metric objects",
        f"{received!r}",
        "The model has one output: name them in one list.",
    )
