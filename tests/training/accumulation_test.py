"""Gradients of several passes that make one step, by Keras's own option."""

import keras
import numpy as np
import pytest

from mimo_keras.training.schedules import ScheduleOfUpdates, WarmUpStepDecay
from tests.training import networks

PASSES = 2


def trained(method, passes, **options):
    model = networks.create(method, **options)
    schedule = WarmUpStepDecay(0.1, [3], warm_up_steps=2)
    accumulated = {}
    if passes > 1:
        schedule = ScheduleOfUpdates(schedule, passes)
        accumulated = {"gradient_accumulation_steps": passes}
    optimizer = keras.optimizers.SGD(schedule, momentum=0.9, **accumulated)
    model.compile(optimizer, l2=1e-2, steps_per_execution=passes)
    rng = np.random.default_rng(0)
    images = rng.random((32, *model.image_shape)).astype("float32")
    labels = rng.integers(0, networks.CLASSES, 32)
    model.fit(
        images,
        labels,
        batch_size=8 // passes,
        epochs=1,
        shuffle=False,
        verbose=0,
    )
    return model


@pytest.mark.parametrize(
    ("method", "members"), [("deterministic", 1), ("batch_ensemble", 2)]
)
def test_two_passes_are_a_step_on_all_their_rows(method, members):
    options = {"members": members, "backbone": "mlp_8", "input_shape": (6,)}
    one, several = (trained(method, n, **options) for n in (1, PASSES))
    networks.assert_same_weights(one, several, rtol=1e-4, atol=1e-6)
    moved = networks.create(method, **options)
    with pytest.raises(AssertionError):
        networks.assert_same_weights(one, moved, rtol=1e-3, atol=1e-3)


def test_the_schedule_is_saved():
    schedule = ScheduleOfUpdates(WarmUpStepDecay(0.5, [3], 0.1, 2), 4)
    saved = keras.saving.serialize_keras_object(schedule)
    copy = keras.saving.deserialize_keras_object(saved)
    rates = [float(copy(step)) for step in (0, 3, 4, 7, 8, 11, 12)]
    np.testing.assert_allclose(rates, [0, 0, 0.25, 0.25, 0.5, 0.5, 0.05])
