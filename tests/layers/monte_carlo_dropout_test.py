"""Dropout that is always on: its draws and their seeds."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mimo_keras.errors import InputError
from mimo_keras.layers import MonteCarloDropout
from mimo_keras.training.distribute.seeds import ReplicaSeed


def ones(rows=500):
    return np.ones((rows, 40), "float32")


def drawn(layer, inputs=None, **kwargs):
    inputs = ones() if inputs is None else inputs
    return keras.ops.convert_to_numpy(layer(inputs, **kwargs))


@settings(max_examples=10, deadline=None)
@given(rate=st.floats(0.05, 0.9), seed=st.integers(0, 2**31))
def test_zeros_come_at_the_rate_and_the_rest_makes_up_for_them(rate, seed):
    outputs = drawn(MonteCarloDropout(rate, seed=seed))
    zeros = outputs == 0
    np.testing.assert_allclose(outputs[~zeros], 1 / (1 - rate), rtol=1e-6)
    # Six standard deviations of a frequency over independent draws.
    spread = 6 * np.sqrt(rate * (1 - rate) / outputs.size)
    assert abs(zeros.mean() - rate) < spread
    by_column = 6 * np.sqrt(rate * (1 - rate) / len(outputs))
    assert np.all(abs(zeros.mean(axis=0) - rate) < by_column)


def test_it_is_as_active_in_prediction_as_in_training():
    for training in (True, False):
        layer = MonteCarloDropout(0.5, seed=1)
        outputs = [drawn(layer, training=training) for _ in range(2)]
        assert 0.4 < (outputs[0] == 0).mean() < 0.6
        assert np.any(outputs[0] != outputs[1])
    model = keras.Sequential([keras.Input((40,)), MonteCarloDropout(0.5)])
    assert 0.4 < (model.predict(ones(), verbose=0) == 0).mean() < 0.6


def test_the_seed_decides_the_draws():
    first, same, other = (MonteCarloDropout(0.5, seed=s) for s in (1, 1, 2))
    for _ in range(2):
        expected = drawn(first)
        np.testing.assert_array_equal(drawn(same), expected)
        assert np.any(drawn(other) != expected)


def test_at_rate_0_it_is_the_identity():
    inputs = np.random.default_rng(0).normal(size=(3, 4)).astype("float32")
    outputs = drawn(MonteCarloDropout(0.0), inputs)
    np.testing.assert_array_equal(outputs, inputs)


@pytest.mark.parametrize("rate", [-0.1, 1.0])
def test_rates_lie_in_0_to_1(rate):
    with pytest.raises(InputError, match=r"rate in \[0, 1\). Received: rate="):
        MonteCarloDropout(rate)


@pytest.mark.parametrize(
    "make_seed",
    [
        lambda: None,
        lambda: 7,
        lambda: keras.random.SeedGenerator(3),
        lambda: ReplicaSeed(3),
    ],
    ids=["None", "integer", "SeedGenerator", "ReplicaSeed"],
)
def test_a_copy_draws_the_same_numbers_from_the_start(make_seed):
    layer = MonteCarloDropout(0.5, seed=make_seed())
    config = layer.get_config()
    copies = [MonteCarloDropout.from_config(config) for _ in range(2)]
    assert [copy.get_config() for copy in copies] == [config, config]
    kind = type(layer.seed_generator)
    assert all(type(copy.seed_generator) is kind for copy in copies)
    expected = drawn(copies[0])
    np.testing.assert_array_equal(drawn(copies[1]), expected)
    np.testing.assert_array_equal(drawn(layer), expected)


def test_the_state_of_the_seed_is_a_variable_and_moves_on():
    layer = MonteCarloDropout(0.5, seed=5)
    (state,) = layer.variables
    before = np.array(keras.ops.convert_to_numpy(state.value))
    expected = drawn(layer)
    assert np.any(keras.ops.convert_to_numpy(state.value) != before)
    assert np.any(drawn(layer) != expected)
    state.assign(before)
    np.testing.assert_array_equal(drawn(layer), expected)


def test_replicas_drop_other_values(two_cpus):
    import tensorflow as tf

    strategy = tf.distribute.MirroredStrategy(
        two_cpus, tf.distribute.ReductionToOneDevice()
    )
    with strategy.scope():
        layer = MonteCarloDropout(0.5, seed=ReplicaSeed(1))
        layer.build((None, 40))
    step = tf.function(lambda: layer(tf.ones((500, 40))))
    for _ in range(2):
        result = strategy.run(step)
        first, second = strategy.experimental_local_results(result)
        agree = np.mean((first.numpy() == 0) == (second.numpy() == 0))
        assert 0.45 < agree < 0.55
