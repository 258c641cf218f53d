"""The learning rate, step by step."""

import json
import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from mimo_keras.errors import InputError
from mimo_keras.training import WarmUpStepDecay, cyclic_cosine


def _rates(schedule, steps):
    return [float(schedule(step)) for step in steps]


def test_steps_multiply_from_the_boundary_on():
    schedule = WarmUpStepDecay(0.5, [3, 5], decay=0.1)
    np.testing.assert_allclose(
        _rates(schedule, range(7)),
        [0.5, 0.5, 0.5, 0.05, 0.05, 0.005, 0.005],
        rtol=1e-6,
    )


def test_the_warm_up_rises_from_zero():
    schedule = WarmUpStepDecay(0.8, [6], decay=0.2, warm_up_steps=4)
    np.testing.assert_allclose(
        _rates(schedule, range(8)),
        [0.0, 0.2, 0.4, 0.6, 0.8, 0.8, 0.16, 0.16],
        rtol=1e-6,
    )


def test_a_boundary_within_the_warm_up_counts():
    schedule = WarmUpStepDecay(1.0, [1, 1], decay=0.5, warm_up_steps=4)
    np.testing.assert_allclose(
        _rates(schedule, [0, 1, 2, 4]), [0.0, 0.0625, 0.125, 0.25], rtol=1e-6
    )


def test_without_boundaries_the_rate_is_constant():
    assert _rates(WarmUpStepDecay(0.5, []), [0, 10**6]) == [0.5, 0.5]


def test_config_round_trip():
    schedule = WarmUpStepDecay(0.8, [6, 9], decay=0.2, warm_up_steps=4)
    config = keras.saving.serialize_keras_object(schedule)
    copy = keras.saving.deserialize_keras_object(json.loads(json.dumps(config)))
    assert copy.get_config() == {
        "base_rate": 0.8,
        "boundaries": [6, 9],
        "decay": 0.2,
        "warm_up_steps": 4,
    }
    assert _rates(copy, range(12)) == _rates(schedule, range(12))


def test_an_optimizer_follows_it_in_a_traced_step():
    """With a gradient of 1, each step subtracts its learning rate."""
    optimizer = keras.optimizers.SGD(
        WarmUpStepDecay(0.8, [3], decay=0.5, warm_up_steps=2)
    )
    weight = keras.Variable(0.0)
    optimizer.build([weight])
    step = tf.function(lambda: optimizer.apply([tf.ones(())], [weight]))
    seen = []
    for _ in range(5):
        step()
        seen.append(float(weight))
    np.testing.assert_allclose(seen, [0, -0.4, -1.2, -1.6, -2.0], rtol=1e-6)


def test_boundaries_must_rise():
    with pytest.raises(InputError, match=r"boundaries=\[5, 3\]"):
        WarmUpStepDecay(0.1, [5, 3])


def test_cycles_are_those_of_snapshot_ensembles():
    """Huang et al., equation 2, with t counted from 1."""
    steps, cycles = 11, 3
    length = math.ceil(steps / cycles)
    wanted = [
        0.2 / 2 * (math.cos(math.pi * ((t - 1) % length) / length) + 1)
        for t in range(1, steps + 1)
    ]
    schedule = cyclic_cosine(0.2, steps, cycles)
    np.testing.assert_allclose(
        _rates(schedule, range(steps)), wanted, rtol=1e-5
    )
    for given in ({"steps": 0, "cycles": 1}, {"steps": 5, "cycles": 0}):
        with pytest.raises(InputError, match="of at least 1"):
            cyclic_cosine(0.2, **given)
