"""Training data are recognized: whole, in part, as a copy or an object."""

import functools
import gc

import keras
import numpy as np
import pytest
import tensorflow as tf

from mimo_keras.errors import InputError
from mimo_keras.training.seen_examples import SeenExamples
from tests.training import networks

DRAW = np.random.default_rng(0)
IMAGES = DRAW.random((300, 4, 4, 1))
OTHERS = DRAW.random((300, 4, 4, 1))


def is_seen(seen, data):
    try:
        seen.check_held_out(data)
    except InputError as error:
        assert str(error).startswith("Expected held-out examples. Received: ")
        assert "\n" not in str(error)
        return True
    return False


def test_arrays_are_known_by_their_rows():
    seen = SeenExamples().also(IMAGES)
    known = [IMAGES, IMAGES[40:], IMAGES.copy(), IMAGES.astype("float32")]
    known += [IMAGES[::-3], IMAGES.tolist(), tf.constant(IMAGES)]
    assert all(is_seen(seen, data) for data in known)
    # Two duplicates, as real data sets have some, say nothing.
    mixed = np.concatenate((OTHERS, IMAGES[:2]))
    assert not any(is_seen(seen, data) for data in (OTHERS, mixed, OTHERS[:0]))
    half = np.concatenate((OTHERS[:100], IMAGES[:100]))
    assert is_seen(seen, half)


def test_what_fit_holds_out_is_not_trained_on():
    seen = SeenExamples().also(IMAGES, validation_split=0.2)
    assert is_seen(seen, IMAGES[:240]) and not is_seen(seen, IMAGES[240:])
    both = seen.also(IMAGES[240:])
    assert is_seen(both, IMAGES[240:])
    assert not is_seen(seen, IMAGES[240:])  # As of the model before.


def test_of_many_rows_some_are_enough():
    many = DRAW.random((9000, 3))
    seen = SeenExamples().also(many)
    assert is_seen(seen, many[5000:5400])
    assert not is_seen(seen, DRAW.random((400, 3)))


def test_rows_of_few_categories_say_nothing():
    coarse = DRAW.integers(0, 2, (300, 4))
    seen = SeenExamples().also(coarse)
    assert not is_seen(seen, DRAW.integers(0, 2, (300, 4)))
    assert is_seen(seen, coarse)


def test_data_sets_are_known_as_objects():
    first, second = (
        tf.data.Dataset.from_tensor_slices(IMAGES) for _ in range(2)
    )
    seen = SeenExamples().also(first)
    assert is_seen(seen, first) and not is_seen(seen, second)
    assert not is_seen(seen.also([[1.0], [2.0], [3.0]]), second)
    kept = seen.parts[0].source
    del first, seen
    gc.collect()
    assert kept() is None


def test_only_the_latest_calls_are_remembered():
    seen = SeenExamples()
    for part in np.split(DRAW.random((200, 3)), 20):
        seen = seen.also(part)
    assert len(seen.parts) == 16


def test_a_predictor_refuses_what_its_model_was_trained_on():
    images = networks.examples(260).images
    model = networks.create()
    before = model.predictor()
    likely = np.array(before(images)["probabilities"]).argmax(axis=1)
    labels = np.where(np.arange(260) % 3, likely, 0)
    model.compile(keras.optimizers.SGD(0.0))
    model.fit(images[:40], labels[:40], verbose=0)
    # Detectors are fitted to training images, by their authors, too.
    predictor = model.predictor().detector(images[:40], labels[:40])
    predictor = predictor.uncalibrated()
    fits = [
        predictor.calibrate,
        predictor.prediction_sets,
        functools.partial(predictor.threshold, coverage=0.5),
    ]
    for fit in fits:
        with pytest.raises(InputError, match="the model was trained on"):
            fit(images[:40], labels[:40])
        fit(images[40:], labels[40:])
    with pytest.warns(UserWarning, match="40 examples are few"):
        before.prediction_sets(images[:40], labels[:40])
