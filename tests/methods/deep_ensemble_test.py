"""Deep ensembles: networks that only share the model they are in."""

import keras
import numpy as np
import pytest

from mimo_keras import backbones, keras_internals, methods
from mimo_keras.errors import InputError
from mimo_keras.evaluation import costs
from tests.methods import baselines


def singles_of(ensemble, backbone="small_cnn"):
    """A deterministic model for each member, with its weights."""
    models = []
    for member in range(ensemble.sampling.members):
        single = baselines.create("deterministic", backbone)
        network = ensemble.network.get_layer(f"member{member}")
        single.network.set_weights(network.get_weights())
        models.append(single)
    return models


@pytest.mark.parametrize("backbone", baselines.BACKBONES)
def test_members_are_deterministic_networks_trained_alone(backbone):
    ensemble = baselines.create("deep_ensemble", backbone, ensemble_size=2)
    singles = singles_of(ensemble, backbone)
    baselines.trained(ensemble)
    images, _ = baselines.examples(5, seed=1)
    found = baselines.logits(ensemble, images)
    for member, single in enumerate(singles):
        baselines.trained(single)
        # Their rows are in different orders, so sums round differently.
        np.testing.assert_allclose(
            found[:, [member]],
            baselines.logits(single, images),
            rtol=1e-3,
            atol=1e-4,
        )
        baselines.assert_same_weights(
            ensemble.network.get_layer(f"member{member}"),
            single.network,
            rtol=1e-3,
            atol=1e-5,
        )


def test_members_start_apart_and_see_orders_of_their_own():
    ensemble = baselines.create("deep_ensemble", ensemble_size=3, seed=1)
    kernels = [
        ensemble.network.get_layer(f"member{m}").get_weights()[0]
        for m in range(3)
    ]
    assert all(np.any(kernels[m] != kernels[m - 1]) for m in range(3))
    images, _ = baselines.examples(16)
    rows = baselines.array(ensemble(images, training=True)["rows"])
    assert rows.shape == (16, 3)
    for member in range(3):
        assert sorted(rows[:, member]) == list(range(16))
        assert np.any(rows[:, member] != rows[:, member - 1])


def test_the_predictor_reads_one_image_and_averages_its_networks():
    ensemble = baselines.create("deep_ensemble", ensemble_size=3)
    baselines.trained(ensemble)
    images, _ = baselines.examples(5, seed=1)
    folded, tiled = ensemble.predictor(), ensemble.predictor(fold=False)
    assert folded.folded and not tiled.folded
    kinds = {type(layer).__name__ for layer in folded.network.layers}
    assert kinds.isdisjoint({"RepeatMembers", "SelectMember"})
    by_single = [
        baselines.array(single.predictor()(images)["probabilities"])
        for single in singles_of(ensemble)
    ]
    for predictor in (folded, tiled):
        found = baselines.array(predictor(images)["probabilities"])
        np.testing.assert_allclose(found, np.mean(by_single, 0), atol=1e-6)


def test_cost_is_that_of_the_networks():
    ensemble = baselines.create("deep_ensemble", ensemble_size=3)
    single = baselines.create("deterministic")
    for count in (costs.multiply_adds, costs.trainable_parameters):
        found = count(ensemble.predictor().network)
        assert found == 3 * count(single.predictor().network)


@pytest.mark.tensorflow  # Counting is the same on every backend.
def test_four_wide_resnets_28_10_have_146_million_parameters():
    backbone = backbones.get("wide_resnet_28_10")
    task = methods.Task(backbone, (32, 32, 3), 10, ensemble_size=4)
    with keras_internals.without_values():
        network = methods.build("deep_ensemble", task, {}).network
    assert costs.trainable_parameters(network) == 4 * 36_479_194 == 145_916_776


def test_ones_own_backbone_may_name_its_layers():
    def backbone(x):
        x = keras.layers.Flatten(name="flat")(x)
        return keras.layers.Dense(3, name="mine")(x)

    ensemble = baselines.create("deep_ensemble", backbone, ensemble_size=2)
    count = costs.trainable_parameters(ensemble)
    assert count == 2 * (64 * 3 + 3 + 3 * 4 + 4)


def test_members_must_not_share_layers():
    network = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(3)])
    with pytest.raises(InputError) as caught:
        baselines.create("deep_ensemble", network, ensemble_size=2)
    assert str(caught.value) == (
        "Expected members with weights of their own. Received: a backbone "
        "that returns the same layers for all members. Pass a function that "
        "makes new layers at each call."
    )


def test_regression_averages_means():
    ensemble = baselines.create(
        "deep_ensemble",
        ensemble_size=3,
        num_classes=None,
        output_dim=2,
    )
    images, _ = baselines.examples(5)
    members = baselines.logits(ensemble, images)
    found = baselines.array(ensemble.predictor()(images)["mean"])
    assert members.shape == (5, 3, 2)
    np.testing.assert_allclose(found, members.mean(axis=1), rtol=1e-5)
