"""Batch norm over groups of images: a step is as of small batches."""

import dataclasses

import keras
import numpy as np
import pytest

from mimo_keras import backbones, keras_internals
from mimo_keras.errors import InputError
from mimo_keras.layers import (
    FusedBatchNormalization,
    MemberBatchNormalization,
)
from tests.methods import small, tables

IMAGES, GROUP = 6, 3
WHOLE = backbones.get("wide_resnet_10_1")
# Its parts have every kind of layer that the whole network has.
SHORT = dataclasses.replace(WHOLE, stages=WHOLE.stages[:1])


def create(method, **options):
    return small.create(
        method,
        SHORT,
        shape=(4, 4, 2),
        **(tables.SETTINGS.get(method, {"members": 2}) | options),
    )


def inputs(model):
    rows = IMAGES * model.sampling.batch_repetitions
    shape = (rows, *model.network.input_shape[1:])
    drawn = np.random.default_rng(0).normal(size=shape)
    return (drawn * np.arange(rows).reshape(-1, *[1] * len(shape[1:]))).astype(
        "float32"
    )


def outputs(model, x):
    found = model.training_network(x, training=True)
    return small.numpy(keras.tree.flatten(found)[0])


def norms(model):
    kinds = (FusedBatchNormalization, MemberBatchNormalization)
    within = keras_internals.layers_within(model.network)
    return [x for x in within if isinstance(x, kinds)]


# Rows of several images; and networks in networks, folded members, norms of
# members, which JAX takes long to run: row_groups_test.py is for both backends.
OFTEN = {"batch_ensemble", "deep_ensemble", "mimo", "mixmo", "mixture_ensemble"}


@pytest.mark.parametrize(
    "method",
    [
        pytest.param(
            name,
            marks=tables.matrix_if(name not in OFTEN)
            + [pytest.mark.tensorflow] * (name != "mimo"),
        )
        for name in tables.METHODS
        if name not in tables.NEED_MAPS
    ],
)
def test_groups_of_a_batch_are_batches_of_their_own(method):
    plain, grouped = create(method), create(method, norm_group=GROUP)
    x = inputs(plain)
    start = plain.training_network.get_weights()
    halves, averages = [], []
    for half in np.split(x, 2):
        plain.training_network.set_weights(start)
        halves.append(outputs(plain, half))
        averages.append([norm.get_weights()[2:] for norm in norms(plain)])
    np.testing.assert_allclose(
        outputs(grouped, x), np.concatenate(halves), rtol=1e-3, atol=1e-3
    )
    for index, norm in enumerate(norms(grouped)):
        for part, found in enumerate(norm.get_weights()[2:]):
            wanted = np.mean([half[index][part] for half in averages], axis=0)
            np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=1e-4)


def test_members_and_files_keep_the_groups(tmp_path):
    model = create("mixture_ensemble", norm_group=GROUP)
    model.save(tmp_path / "model.keras")
    copy = keras.saving.load_model(tmp_path / "model.keras")
    x = inputs(model)
    small.assert_close(outputs(copy, x), outputs(model, x))
    member = copy.member(1)
    assert {(n.group_size, n.ensemble_size) for n in norms(member)} == {(3, 1)}
    assert outputs(member, x[:5]).shape == (5, 1, 4)


def own_norm(x):
    return keras.layers.BatchNormalization(name="mine")(x)


@pytest.mark.parametrize(
    ("backbone", "group", "message"),
    [
        (
            lambda x: own_norm(keras.layers.Flatten()(x)),
            4,
            "Expected norm_group=0 for a backbone with Keras's batch norms. "
            "Received: norm_group=4, layer mine. Build it of "
            "mimo_keras.layers.FusedBatchNormalization, or use 0.",
        ),
        (
            "mlp",
            4,
            "Expected norm_group=0 for a network without batch norms. "
            "Received: norm_group=4. Use 0.",
        ),
        (
            SHORT,
            -1,
            "Expected norm_group to be a whole number of at least 0, without "
            "sync_batch_norm. Received: norm_group=-1, sync_batch_norm=False. "
            "Use 0 for batch norms that see all images of a device.",
        ),
    ],
)
def test_networks_without_such_groups(backbone, group, message):
    with pytest.raises(InputError) as caught:
        small.create(
            "deterministic", backbone, shape=(4, 4, 2), norm_group=group
        )
    assert str(caught.value) == message
