"""Data are checked before Keras's own `fit` and `evaluate` begin."""

import types

import keras
import numpy as np
import pytest

from mimo_keras.errors import InputError
from mimo_keras.layers import StandardizeImages
from mimo_keras.training.checked_fit import CheckedFit
from mimo_keras.training.likelihoods import Categorical, Mean

IMAGES = np.zeros((4, 5), "float32")
GOOD, BAD = np.array([0, 1, 2, 0]), np.array([0, 1, 3, 0])


class Recorded:
    """Replaces keras.Model: returns its arguments."""

    def fit(self, *args, **kwargs):
        return args, kwargs

    def evaluate(self, *args, **kwargs):
        return args, kwargs


class Model(CheckedFit, Recorded, keras.Model):
    split = None
    image_shape = (5,)
    likelihood = Categorical(3)
    standardize = StandardizeImages()
    distribute_strategy = None


def test_good_data_go_on_to_keras_as_they_came():
    pair = (IMAGES, GOOD)
    args, kwargs = Model().fit(IMAGES, GOOD, 2, 7, validation_data=pair)
    assert (args[0] is IMAGES, args[1] is GOOD) == (True, True)
    assert (kwargs["batch_size"], kwargs["epochs"]) == (2, 7)
    assert [*map(id, kwargs["validation_data"])] == [*map(id, pair)]
    args, kwargs = Model().evaluate(IMAGES, GOOD, 2, verbose=0, steps=1)
    assert (args[0] is IMAGES, args[1] is GOOD) == (True, True)
    assert (kwargs["batch_size"], kwargs["verbose"], kwargs["steps"]) == (
        *(2, 0, 1),
    )


@pytest.mark.parametrize("method", ["fit", "evaluate"])
def test_data_that_do_not_fit_are_refused(method):
    with pytest.raises(InputError, match="label=3 at index 2"):
        getattr(Model(), method)(IMAGES, BAD)


@pytest.mark.parametrize("kind", [tuple, list])
def test_validation_data_are_checked(kind):
    with pytest.raises(InputError, match="label=3 at index 2"):
        Model().fit(IMAGES, GOOD, validation_data=kind([IMAGES, BAD]))


def test_the_likelihood_says_what_fits():
    model = Model()
    model.likelihood = Mean(1)
    model.fit(IMAGES, BAD)
    with pytest.raises(InputError, match="NaN or infinity in 1 targets"):
        model.fit(IMAGES, np.array([0.0, np.nan, 1.0, 1.0]))


def test_each_device_needs_a_row():
    model = Model()
    model.distribute_strategy = types.SimpleNamespace(num_replicas_in_sync=4)
    model.fit(IMAGES, GOOD, 4)
    with pytest.raises(InputError, match="batch_size=3"):
        model.fit(IMAGES, GOOD, 3)
