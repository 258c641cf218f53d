import keras
import numpy as np
import pytest

from mimo_keras.errors import InputError
from mimo_keras.layers import MemberBatchNormalization

MEMBERS, CHANNELS = 3, 5
OPTIONS = {"momentum": 0.9, "epsilon": 1e-3}


def rows(seed=0, space=(4, 2), dtype="float32"):
    """Rows whose members differ in mean and in spread."""
    rng = np.random.default_rng(seed)
    parts = [
        rng.normal(member, 1 + member, (6, *space, CHANNELS))
        for member in range(MEMBERS)
    ]
    return np.concatenate(parts).astype(dtype)


def randomize(layer, seed=1):
    rng = np.random.default_rng(seed)
    layer.set_weights([rng.uniform(0.5, 2, w.shape) for w in layer.weights])


def separate(layer, inputs):
    """M batch norms of Keras with the layer's weights."""
    shape = (MEMBERS, CHANNELS)
    norms = []
    for member in range(MEMBERS):
        norm = keras.layers.BatchNormalization(**OPTIONS)
        norm.build(inputs.shape)
        norm.set_weights([np.reshape(w, shape)[member] for w in layer.weights])
        norms.append(norm)
    return norms


@pytest.mark.parametrize(
    ("space", "masked"), [((), False), ((4, 2), False), ((4,), True)]
)
@pytest.mark.parametrize("training", [True, False])
def test_it_is_one_batch_norm_for_each_member(space, masked, training):
    layer = MemberBatchNormalization(MEMBERS, **OPTIONS)
    layer.build((None, *space, CHANNELS))
    randomize(layer)
    norms = separate(layer, rows(space=space))
    for step in range(3):
        inputs = rows(step, space)
        mask = None
        masks = [None] * MEMBERS
        if masked:
            mask = np.random.default_rng(step).random(inputs.shape[:-1]) > 0.5
            masks = np.split(mask, MEMBERS)
        parts = np.split(inputs, MEMBERS)
        expected = np.concatenate(
            [
                norm(part, training=training, mask=its)
                for norm, part, its in zip(norms, parts, masks, strict=True)
            ]
        )
        found = layer(inputs, training=training, mask=mask)
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    for index, weight in enumerate(layer.weights):
        theirs = [norm.weights[index] for norm in norms]
        np.testing.assert_allclose(weight, np.ravel(theirs), rtol=1e-5)


def test_twin_in_numpy():
    layer = MemberBatchNormalization(MEMBERS, epsilon=0.1)
    layer.build((None, 4, 2, CHANNELS))
    randomize(layer)
    inputs = rows(dtype="float64")
    by_member = inputs.reshape(MEMBERS, -1, CHANNELS)
    gamma, beta = (
        np.reshape(w, (MEMBERS, 1, CHANNELS)) for w in layer.weights[:2]
    )
    centred = by_member - by_member.mean(axis=1, keepdims=True)
    scaled = centred / np.sqrt(by_member.var(axis=1, keepdims=True) + 0.1)
    np.testing.assert_allclose(
        layer(inputs, training=True),
        (gamma * scaled + beta).reshape(inputs.shape),
        rtol=1e-4,
        atol=1e-5,
    )


def test_a_frozen_layer_uses_its_moving_averages_and_keeps_them():
    layer = MemberBatchNormalization(MEMBERS)
    layer.build((None, CHANNELS))
    randomize(layer)
    layer.trainable = False
    before = [np.array(w) for w in layer.weights]
    inputs = rows(space=())
    np.testing.assert_array_equal(
        layer(inputs, training=True), layer(inputs, training=False)
    )
    for old, new in zip(before, layer.weights, strict=True):
        np.testing.assert_array_equal(old, new)


def test_statistics_of_low_precision_are_computed_in_float32():
    layer = MemberBatchNormalization(MEMBERS, dtype="mixed_bfloat16")
    inputs = keras.ops.cast(rows() * 0.01 + 10, "bfloat16")
    outputs = layer(inputs, training=True)
    assert keras.backend.standardize_dtype(outputs.dtype) == "bfloat16"
    exact = MemberBatchNormalization(MEMBERS)
    expected = exact(keras.ops.cast(inputs, "float32"), training=True)
    np.testing.assert_allclose(
        keras.ops.cast(outputs, "float32"), expected, rtol=1e-2, atol=1e-2
    )
    np.testing.assert_allclose(layer.moving_mean, exact.moving_mean)


def test_weights_are_vectors_so_that_none_is_taken_for_a_kernel():
    layer = MemberBatchNormalization(MEMBERS)
    layer.build((None, CHANNELS))
    assert {w.shape for w in layer.weights} == {(MEMBERS * CHANNELS,)}


def test_rows_that_members_cannot_share_are_refused():
    layer = MemberBatchNormalization(MEMBERS)
    with pytest.raises(InputError, match="rows=7"):
        layer(np.zeros((7, CHANNELS), "float32"))


def test_one_member_taken_out_is_synchronized_if_all_are():
    for synchronized in (False, _tensorflow()):
        layer = MemberBatchNormalization(MEMBERS, synchronized=synchronized)
        layer.build((None, CHANNELS))
        assert layer.get_config()["synchronized"] == synchronized
        assert layer.member(0).layer.synchronized == synchronized


def test_another_backend_synchronizes_nothing(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(InputError) as caught:
        MemberBatchNormalization(MEMBERS, synchronized=True)
    assert str(caught.value) == (
        "Expected synchronized=False under this backend. Received: "
        "synchronized=True, backend=jax. Only TensorFlow has replicas: set "
        "KERAS_BACKEND=tensorflow."
    )


def _tensorflow():
    return keras.backend.backend() == "tensorflow"


@pytest.mark.parametrize("space", [(), (4, 2)])
def test_synchronized_replicas_are_one_device_with_all_rows(two_cpus, space):
    import tensorflow as tf

    strategy = tf.distribute.MirroredStrategy(
        two_cpus, tf.distribute.ReductionToOneDevice()
    )
    whole = rows(space=space).reshape(MEMBERS, 6, *space, CHANNELS)
    halves = [
        part.reshape(-1, *space, CHANNELS) for part in np.split(whole, 2, 1)
    ]
    with strategy.scope():
        layer = MemberBatchNormalization(MEMBERS, **OPTIONS, synchronized=True)
        layer.build((None, *space, CHANNELS))
    values = strategy.experimental_distribute_values_from_function(
        lambda context: tf.constant(halves[context.replica_id_in_sync_group])
    )
    outputs = strategy.run(
        tf.function(lambda x: layer(x, training=True)), args=(values,)
    )
    found = [
        np.reshape(part, (MEMBERS, 3, *space, CHANNELS))
        for part in strategy.experimental_local_results(outputs)
    ]
    alone = MemberBatchNormalization(MEMBERS, **OPTIONS)
    expected = alone(rows(space=space), training=True)
    np.testing.assert_allclose(
        np.concatenate(found, axis=1).reshape(expected.shape),
        expected,
        rtol=1e-4,
        atol=1e-5,
    )
    for one, other in zip(layer.weights, alone.weights, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5)


def test_replicas_agree_on_the_mean_of_their_statistics(two_cpus):
    import tensorflow as tf

    strategy = tf.distribute.MirroredStrategy(
        two_cpus, tf.distribute.ReductionToOneDevice()
    )
    with strategy.scope():
        layer = MemberBatchNormalization(MEMBERS, momentum=0.9)
        layer.build((None, CHANNELS))
    parts = [rows(seed, space=()) for seed in range(2)]
    values = strategy.experimental_distribute_values_from_function(
        lambda context: tf.constant(parts[context.replica_id_in_sync_group])
    )

    @tf.function
    def step():
        return strategy.run(lambda x: layer(x, training=True), args=(values,))

    step()
    means = [
        part.reshape(MEMBERS, -1, CHANNELS).mean(axis=1).ravel()
        for part in parts
    ]
    for replica in strategy.experimental_local_results(layer.moving_mean.value):
        np.testing.assert_allclose(replica, 0.1 * np.mean(means, axis=0), 1e-4)
