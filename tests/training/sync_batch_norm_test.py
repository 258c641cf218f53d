"""Batch norm over all replicas: two devices train as one with all rows."""

import dataclasses
import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

from mimo_keras import backbones, data, keras_internals
from mimo_keras.errors import InputError
from mimo_keras.layers import MemberBatchNormalization
from mimo_keras.training.distribute import distribution
from tests.methods import small
from tests.training import networks

IMAGE = (4, 4, 2)
WHOLE = backbones.get("wide_resnet_10_1")
# One residual group has every kind of layer that the network has.
ONE_GROUP = dataclasses.replace(WHOLE, stages=WHOLE.stages[:1])


def nested(x):
    """A user-defined backbone whose layers are in a nested model."""
    layers = keras.layers
    parts = [layers.Conv2D(4, 3), layers.BatchNormalization(), layers.ReLU()]
    model = keras.Sequential([keras.Input(x.shape[1:]), *parts])
    return layers.GlobalAveragePooling2D()(model(x))


CASES = {
    "backbone": ("deterministic", {"backbone": ONE_GROUP}),
    "user's own": ("naive_multihead", {"backbone": nested, "members": 2}),
    "by member": (
        "mixture_ensemble",
        {"backbone": ONE_GROUP, "members": 2},
    ),
    # With one member the rows are the images in another order.
    "in a member": ("deep_ensemble", {"backbone": nested}),
}


@functools.cache
def examples():
    draw = np.random.default_rng(0)
    images = draw.integers(0, 256, (16, *IMAGE), dtype=np.uint8)
    # The halves of a batch differ, and so do their means.
    images[::2] //= 4
    labels = draw.integers(0, networks.CLASSES, 16)
    return data.Examples("drawn", images, labels, networks.CLASSES)


def create(case, **options):
    method, known = CASES[case]
    members = known.get("members", 1)
    return networks.create(
        method, **(known | {"members": members, "input_shape": IMAGE} | options)
    )


def norms(network):
    kinds = (keras.layers.BatchNormalization, MemberBatchNormalization)
    return [
        x
        for x in keras_internals.layers_within(network)
        if isinstance(x, kinds)
    ]


def trained(strategy, case, sync, **options):
    with strategy.scope():
        model = create(case, sync_batch_norm=sync)
        model.compile(keras.optimizers.SGD(0.1, momentum=0.9), **options)
    model.fit(
        data.training_batches(examples(), 8, seed=1, epochs=2),
        epochs=2,
        steps_per_epoch=2,
        shuffle=False,
        verbose=0,
    )
    return model


@functools.cache
def alone(case):
    """The result of one device with all rows."""
    options = small.step_by_step()
    return trained(distribution.make_strategy(), case, sync=False, **options)


@pytest.fixture
def two(two_cpus):
    strategy = distribution.make_strategy(num_cores=len(two_cpus))
    assert strategy.num_replicas_in_sync == 2
    return strategy


@pytest.mark.parametrize(
    "case",
    [
        "backbone",
        "user's own",
        "by member",
        pytest.param("in a member", marks=pytest.mark.large),
    ],
)
def test_two_synchronized_replicas_train_as_one_device(two, case):
    together = trained(two, case, sync=True)
    networks.assert_same_weights(together, alone(case), rtol=1e-3, atol=1e-4)


def test_two_replicas_train_otherwise_if_not_synchronized(two):
    apart = trained(two, "user's own", sync=False)
    with pytest.raises(AssertionError):
        networks.assert_same_weights(
            apart, alone("user's own"), rtol=1e-2, atol=1e-2
        )


@pytest.mark.parametrize("case", CASES)
def test_every_norm_is_synchronized_and_stays_so_in_a_file(tmp_path, case):
    model = create(case, sync_batch_norm=True)
    model.save(tmp_path / "model.keras")
    copy = keras.saving.load_model(tmp_path / "model.keras")
    for each in (model, copy):
        assert norms(each.network)
        assert all(norm.synchronized for norm in norms(each.network))
    images = np.zeros((3, *IMAGE), np.uint8)
    wanted = model.predictor()(images)["probabilities"]
    np.testing.assert_allclose(
        copy.predictor()(images)["probabilities"], wanted, rtol=1e-6
    )
    assert not any(n.synchronized for n in norms(create(case).network))


def test_a_member_taken_out_is_synchronized_too():
    member = create("by member", sync_batch_norm=True).member(1)
    assert all(norm.synchronized for norm in norms(member.network))


def test_another_backend_has_no_replicas(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(InputError) as caught:
        create("user's own", sync_batch_norm=True)
    assert str(caught.value) == (
        "Expected sync_batch_norm=False under this backend. Received: "
        "sync_batch_norm=True, backend=jax. Only TensorFlow has replicas: set "
        "KERAS_BACKEND=tensorflow."
    )


def test_a_synchronized_model_runs_without_a_strategy():
    model = create("user's own", sync_batch_norm=True)
    model.compile("sgd")
    model.fit(examples().images, examples().labels, batch_size=8, verbose=0)
    assert not tf.distribute.has_strategy()
    assert all(np.isfinite(weight).all() for weight in model.get_weights())
