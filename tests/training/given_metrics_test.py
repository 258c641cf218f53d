"""Metrics given to compile are checked."""

import keras
import pytest

from mimo_keras.errors import InputError
from mimo_keras.training.given_metrics import checked, of_numbers


def own(targets, predictions):
    return predictions[:, 0]


def test_good_ones_are_flat():
    top = keras.metrics.TopKCategoricalAccuracy(2)
    names = ["accuracy", "acc", "mse"]
    assert checked(None, "metrics") is None
    assert checked([], "metrics") == []
    assert checked([[*names, top]], "metrics") == [*names, top]
    assert checked((own, top), "metrics") == [own, top]


@pytest.mark.parametrize(
    ("metrics", "received"),
    [
        ("accuracy", "'accuracy'"),
        ({"logits": ["accuracy"]}, "{'logits': ['accuracy']}"),
        (["acuracy"], "'acuracy'"),
        (["crossentropy"], "'crossentropy'"),
        ([3], "3"),
        ([None], "None"),
        (
            [keras.metrics.AUC],
            "<class 'keras.src.metrics.confusion_metrics.AUC'>",
        ),
    ],
)
def test_what_is_no_list_of_metrics_is_refused(metrics, received):
    with pytest.raises(InputError) as caught:
        checked(metrics, "weighted_metrics")
    assert str(caught.value) == (
        "Expected weighted_metrics to be a list of names of Keras metrics, "
        "functions and keras.metrics.Metric objects. Received: "
        f"{received}. The model has one output: name them in one list."
    )


def test_metrics_of_logits_are_refused():
    metric = keras.metrics.CategoricalCrossentropy(from_logits=True)
    with pytest.raises(InputError) as caught:
        checked([metric], "metrics")
    assert str(caught.value) == (
        "Expected metrics of probabilities, which is what they are given. "
        "Received: metrics with categorical_crossentropy(from_logits=True). "
        "Leave out from_logits."
    )


def test_metrics_that_need_one_hot_labels_are_known():
    iou = keras.metrics.MeanIoU(3, sparse_y_true=True, sparse_y_pred=False)
    of_indices = ["accuracy", "sparse_top_k_categorical_accuracy", own, iou]
    wrapped = keras.metrics.MeanMetricWrapper(own)
    assert of_numbers(None) == of_numbers([*of_indices, wrapped]) == []
    others = ["mse", "AUC", keras.metrics.Precision(), keras.metrics.poisson]
    assert of_numbers([*of_indices, *others]) == [
        *("MeanSquaredError", "AUC", "Precision", "poisson"),
    ]
