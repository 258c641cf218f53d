"""The straight line between two members, on networks made by hand."""

import dataclasses

import keras
import numpy as np
import pytest

import mimo_keras
from mimo_keras import analysis, backbones
from mimo_keras.analysis.line import line_accuracy
from mimo_keras.errors import InputError

WHOLE = backbones.get("wide_resnet_10_1")
# One residual group: layers of one shape, to mix, and batch norms.
ONE_GROUP = dataclasses.replace(WHOLE, stages=WHOLE.stages[:1])


def linear(kernel):
    """A network of two classes: logits x W, as one member."""
    inputs = keras.Input((2,))
    dense = keras.layers.Dense(2, use_bias=False)
    network = keras.Model(inputs, dense(inputs)[:, np.newaxis])
    dense.kernel.assign(kernel)
    return network


def create(method, **options):
    return mimo_keras.create_model(
        method,
        backbone=ONE_GROUP,
        input_shape=(8, 8, 1),
        num_classes=3,
        seed=0,
        **{"ensemble_size": 2, **options},
    )


@pytest.fixture
def examples():
    draw = np.random.default_rng(0)
    return draw.normal(size=(12, 8, 8, 1)).astype("float32"), np.arange(12) % 3


def test_two_linear_networks():
    """Class 1 where x1 > c x0, and the weight c goes from 0 to 4."""
    x = np.array([[1, 0.5], [1, 1.5], [1, 2.5], [1, 3.5]], "float32")
    first, second = (linear([[c, 0], [0, 1]]) for c in (0.0, 4.0))
    found = line_accuracy(first, second, x, np.ones(4), 5, 3)
    np.testing.assert_allclose(found, [1, 0.75, 0.5, 0.25, 0])


def test_between_a_network_and_itself_nothing_changes(examples):
    network = create("deterministic", ensemble_size=1).network
    before = network.get_weights()
    found = line_accuracy(network, network, *examples, 4)
    assert found.shape == (4,)
    assert np.ptp(found) == 0
    for weight, old in zip(network.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, old)


def test_batch_norms_take_the_statistics_of_the_images(examples):
    """Moving averages of any value change nothing."""
    network = create("deterministic", ensemble_size=1).network
    images, labels = examples
    in_training = network(images, training=True)
    logits = keras.ops.convert_to_numpy(in_training)[:, 0]
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.moving_mean.assign(layer.moving_mean + 100.0)
    found = line_accuracy(network, network, images, labels, 2)
    assert found[0] == np.mean(logits.argmax(axis=-1) == labels)


def test_networks_of_other_shapes():
    wider = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])
    with pytest.raises(InputError, match="same layers"):
        line_accuracy(linear(np.eye(2)), wider, np.zeros((1, 2)), np.zeros(1))


@pytest.mark.parametrize("method", ["mixture_ensemble", "deep_ensemble"])
def test_lines_between_all_members(method, examples):
    images, labels = examples
    model = create(method, ensemble_size=3)
    found = analysis.member_lines(model, images, labels, points=3)
    np.testing.assert_array_equal(found["pairs"], [[0, 1], [0, 2], [1, 2]])
    np.testing.assert_array_equal(found["t"], [0, 0.5, 1])
    networks = [model.member(member).network for member in range(3)]
    x = keras.ops.convert_to_numpy(model.standardize(images))
    np.testing.assert_array_equal(
        found["accuracy"][2],
        line_accuracy(networks[1], networks[2], x, labels, 3),
    )


@pytest.mark.parametrize(
    ("method", "members", "message"),
    [("deterministic", 1, "two members"), ("mimo", 2, "share one pass")],
)
def test_members_between_which_there_is_no_line(
    method, members, message, examples
):
    model = create(method, ensemble_size=members)
    with pytest.raises(InputError, match=message):
        analysis.member_lines(model, *examples)


def test_a_line_for_each_pair_is_drawn():
    found = {
        "t": np.array([0, 0.5, 1]),
        "pairs": np.array([[0, 1], [0, 2]]),
        "accuracy": np.array([[0.9, 0.1, 0.8], [0.9, 0.2, 0.7]]),
    }
    [axes] = analysis.line_plot(found, "MixtureEnsembles").axes
    for drawn, values in zip(axes.lines, found["accuracy"], strict=True):
        np.testing.assert_array_equal(drawn.get_ydata(), values)
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert labels == ["Members 0 and 1", "Members 0 and 2"]
    assert axes.get_title("left") == "MixtureEnsembles"
