"""Metrics have their variables before a step, also Keras's own."""

import keras
import numpy as np
import pytest

from tests.training import networks

REGRESSION = {"num_classes": None, "output_dim": 2}


def metrics(model):
    """All metrics; Keras wraps those of `compile` in one metric."""
    return [m for one in model.metrics for m in getattr(one, "metrics", [one])]


def test_a_model_may_have_none():
    model = networks.create(**REGRESSION)
    model.compile("sgd")
    assert [m.name for m in metrics(model)] == ["loss", "mse"]


@pytest.mark.parametrize(
    ("metric", "options", "kind"),
    [
        ("accuracy", {}, keras.metrics.SparseCategoricalAccuracy),
        ("mse", REGRESSION, keras.metrics.MeanSquaredError),
    ],
)
def test_compiled_metrics_are_there_at_once(metric, options, kind):
    model = networks.create(**options)
    model.compile("sgd", metrics=[metric])
    found = [m for m in metrics(model) if type(m) is kind]
    assert len(found) == 1
    assert len(found[0].variables) == 2  # A sum and a count.


def test_a_metric_by_name_takes_labels_as_indices():
    """With shapes of another kind Keras would choose another accuracy."""
    model = networks.create()
    model.compile("sgd")
    (metric,) = [m for m in metrics(model) if "accuracy" in m.name]
    probabilities = np.eye(model.num_classes, dtype="float32")[[0, 1, 1, 0]]
    metric.update_state(np.array([0, 1, 0, 0]), probabilities)
    assert float(metric.result()) == 0.75
