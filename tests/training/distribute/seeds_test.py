"""Seeds that differ between replicas and belong to the model's state."""

import keras
import numpy as np
import tensorflow as tf

from mimo_keras.training.distribute.seeds import ReplicaSeed
from tests.training import networks


def _mirrored(two_cpus):
    return tf.distribute.MirroredStrategy(
        two_cpus, tf.distribute.ReductionToOneDevice()
    )


def _on_replicas(strategy, function):
    """Returns what the function gives on each replica, (replicas, …)."""
    results = strategy.run(tf.function(function))
    return np.stack(strategy.experimental_local_results(results))


def test_on_one_device_the_draws_are_those_of_keras():
    ours, theirs = ReplicaSeed(4), keras.random.SeedGenerator(4)
    for _ in range(3):
        np.testing.assert_array_equal(ours.next(), theirs.next())
    np.testing.assert_array_equal(
        keras.random.normal((5,), seed=ours),
        keras.random.normal((5,), seed=theirs),
    )


def test_every_draw_advances_the_state():
    seed = ReplicaSeed(4)
    drawn = [tuple(np.array(seed.next())) for _ in range(3)]
    assert drawn == [(4, 0), (4, 1), (4, 2)]
    np.testing.assert_array_equal(seed.state, [4, 3])


def test_replicas_draw_different_numbers(two_cpus):
    strategy = _mirrored(two_cpus)
    with strategy.scope():
        ours, theirs = ReplicaSeed(4), keras.random.SeedGenerator(4)
    first, second = (
        _on_replicas(strategy, lambda: keras.random.uniform((6,), seed=ours))
        for _ in range(2)
    )
    assert len(np.unique([*first, *second])) == 24
    # The first replica equals a run without others; Keras's replicas are alike.
    keras_draws = _on_replicas(
        strategy, lambda: keras.random.uniform((6,), seed=theirs)
    )
    np.testing.assert_array_equal(keras_draws, [first[0], first[0]])
    np.testing.assert_array_equal(ours.state, [4, 2])


def test_replicas_form_different_rows(two_cpus):
    strategy = _mirrored(two_cpus)
    images = networks.examples(16).images
    with strategy.scope():
        model = networks.create()
    rows = _on_replicas(strategy, lambda: model(images, training=True)["rows"])
    assert (rows[0] != rows[1]).any()
    alone = networks.rows_of(networks.create(), images)
    np.testing.assert_array_equal(rows[0], alone)


def test_the_state_is_among_the_models_variables():
    model = networks.create()
    networks.rows_of(model, networks.examples(4).images)
    state = model.row_seed.state
    assert any(variable is state for variable in model.variables)
    np.testing.assert_array_equal(state, [11, 1])


def test_a_copy_from_the_config_starts_where_the_first_one_did():
    seed = ReplicaSeed(4)
    config = keras.saving.serialize_keras_object(seed)
    drawn = np.array(seed.next())
    copy = keras.saving.deserialize_keras_object(config)
    np.testing.assert_array_equal(copy.next(), drawn)
