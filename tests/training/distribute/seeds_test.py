"""Seeds that differ between replicas and belong to the model's state."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from mimo_keras.training.distribute.seeds import (
    ReplicaSeed,
    beginning,
    repeatable,
    states,
)
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


def _noisy(**options):
    """A model that draws in prediction, with two layers that do."""
    return networks.create(
        "mc_dropout", members=1, backbone="mlp_4_4", dropout_rate=0.5, **options
    )


def test_states_are_those_of_all_generators_in_order():
    model = _noisy()
    drawn = np.random.default_rng(0).integers(0, 9, (3, 2))
    generators = [
        model.row_seed,
        *(
            layer.seed_generator
            for layer in model.network.layers
            if hasattr(layer, "seed_generator")
        ),
    ]
    for generator, value in zip(generators, drawn, strict=True):
        generator.state.assign(value)
    np.testing.assert_array_equal([np.array(s) for s in states(model)], drawn)


def _of_random_weights():
    return networks.create("rank1_bnn", backbone="mlp_4", train_examples=8)


@pytest.mark.parametrize("create", [_noisy, _of_random_weights])
def test_draws_begin_anew_with_each_text(create):
    model, images = create(), networks.examples(4).images
    begin, found = beginning(model), {}
    for text in ("a", "b", "a", "b"):
        begin(text)
        drawn = [np.array(model(images)) for _ in range(2)]
        assert np.any(drawn[0] != drawn[1])
        np.testing.assert_array_equal(drawn, found.setdefault(text, drawn))
    assert np.any(found["a"][0] != found["b"][0])
    # Layers with different seeds keep drawing differently.
    seeds = [int(np.array(state)[0]) for state in states(model)]
    assert len({*seeds}) == len(seeds) >= 3


def test_a_block_repeats_and_leaves_no_trace():
    model, images = _noisy(), networks.examples(4).images
    model(images)
    before = [np.array(state) for state in states(model)]
    drawn = []
    for _ in range(2):
        with repeatable(model):
            drawn.append(np.array(model(images)))
    np.testing.assert_array_equal(*drawn)
    np.testing.assert_array_equal([np.array(s) for s in states(model)], before)


def test_an_evaluation_is_the_same_each_time_and_leaves_training_alone():
    examples = networks.examples(8)
    data = examples.images, examples.labels

    def trained(**options):
        model = _noisy()
        model.compile("sgd", run_eagerly=True)
        model.fit(*data, batch_size=4, epochs=2, verbose=0, **options)
        return model

    keras.utils.set_random_seed(0)
    model = trained()
    first = model.evaluate(*data, batch_size=4, verbose=0)
    assert model.evaluate(*data, batch_size=4, verbose=0) == first
    predicted = [model.predict(data[0], verbose=0) for _ in range(2)]
    np.testing.assert_array_equal(*predicted)
    predictor = model.predictor()
    predicted = [predictor.predict(data[0], verbose=0) for _ in range(2)]
    keras.tree.map_structure(np.testing.assert_array_equal, *predicted)
    # A plain call samples anew.
    called = [predictor(data[0])["probabilities"] for _ in range(2)]
    assert np.any(np.array(called[0]) != np.array(called[1]))
    keras.utils.set_random_seed(0)
    networks.assert_same_weights(trained(validation_data=data), model)
