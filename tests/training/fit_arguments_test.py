"""Arguments of fit of a wrong kind are refused in one line."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from mimo_keras.errors import InputError
from mimo_keras.training import fit_arguments
from mimo_keras.training.likelihoods import (
    Binary,
    Categorical,
    Mean,
    Multilabel,
)
from tests.training import networks

EXAMPLES = networks.examples(6)
PAIR = (EXAMPLES.images, EXAMPLES.labels)


def _dataset():
    return tf.data.Dataset.from_tensor_slices(PAIR).batch(3)


@pytest.fixture(scope="module")
def model():
    model = networks.create()
    model.compile("sgd", run_eagerly=True)
    return model


@pytest.mark.parametrize(
    ("options", "received"),
    [
        ({"validation_split": 2}, "validation_split=2"),
        ({"validation_split": 1.0}, "validation_split=1.0"),
        ({"validation_split": -0.1}, "validation_split=-0.1"),
        ({"validation_split": "0.1"}, "validation_split='0.1'"),
        ({"validation_split": 0.9}, "validation_split=0.9, 6 examples"),
        ({"validation_data": ()}, "0 parts"),
        ({"validation_data": (*PAIR, *PAIR)}, "4 parts"),
        ({"validation_steps": -1}, "validation_steps=-1"),
        ({"validation_batch_size": 1.5}, "validation_batch_size=1.5"),
        ({"validation_freq": 0}, "validation_freq=0"),
        ({"batch_size": True}, "batch_size=True"),
        ({"epochs": 2.0}, "epochs=2.0"),
        ({"initial_epoch": "1"}, "initial_epoch='1'"),
        ({"callbacks": ["stop"]}, "callbacks=['stop']"),
        ({"class_weight": {5: 1.0}}, "class 5"),
        ({"class_weight": {"0": 1.0}}, "class '0'"),
        ({"class_weight": {0: True}}, "class_weight={0: True}"),
        (
            {"class_weight": {0: 2.0}, "sample_weight": np.ones(6)},
            "both",
        ),
    ],
)
def test_bad_ones_are_refused(model, options, received):
    with pytest.raises(InputError) as caught:
        model.fit(*PAIR, verbose=0, **options)
    assert f"Received: {received}. " in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({"y": EXAMPLES.labels}, "y"),
        ({"sample_weight": np.ones(6)}, "sample_weight"),
        ({"validation_split": 0.5}, "validation_split"),
    ],
)
def test_what_goes_with_arrays_only_is_refused(model, options, names):
    with pytest.raises(InputError, match=f"Dataset and {names}. Leave it out"):
        model.fit(_dataset(), verbose=0, **options)


def test_good_ones_pass(model):
    model.fit(
        *PAIR,
        batch_size=3,
        validation_split=0.5,
        validation_freq=[1],
        validation_steps=1,
        callbacks=keras.callbacks.TerminateOnNaN(),
        verbose=0,
    )


def test_classes_that_are_left_out_have_weight_one(model):
    """Keras fails on a data set whose labels exceed the keys."""
    assert fit_arguments.class_weights(None, Categorical(3)) is None
    found = fit_arguments.class_weights({0: 2}, Categorical(3))
    assert found == {0: 2, 1: 1.0, 2: 1.0}
    assert fit_arguments.class_weights({1: 2}, Binary()) == {0: 1.0, 1: 2}
    model.fit(_dataset(), class_weight={0: 2.0}, verbose=0)
    with pytest.raises(InputError, match="Received: class 0. "):
        fit_arguments.class_weights({0: 2.0}, Mean(1))
    with pytest.raises(InputError, match="for examples of one class"):
        fit_arguments.class_weights({0: 2.0}, Multilabel(2))
