"""BatchEnsemble in keras.ops computes what edward2 does, and NumPy."""

import keras
import numpy as np
import pytest

from mimo_keras import layers
from tests.layers import portable_layers

RNG = np.random.default_rng(0)
IMAGES = RNG.normal(size=(6, 6, 5, 4)).astype("float32")
CASES = {
    "DenseBatchEnsemble": ({"units": 7, "rank": 2, "activation": "tanh"}, 0),
    "Conv1DBatchEnsemble": (
        {"filters": 7, "kernel_size": 2, "padding": "causal"},
        1,
    ),
    "Conv2DBatchEnsemble": (
        {
            "filters": 7,
            "kernel_size": 3,
            "strides": 2,
            "rank": 2,
            "use_bias": False,
        },
        2,
    ),
    "DepthwiseConv2DBatchEnsemble": (
        {"kernel_size": 3, "depth_multiplier": 2, "activation": "relu"},
        2,
    ),
}
# Only compared with edward2.
MORE = {
    "DenseBatchEnsemble-bias": ({"units": 5}, 0),
    "Conv1DBatchEnsemble-strided": (
        {"filters": 5, "kernel_size": 3, "strides": 2, "activation": "tanh"},
        1,
    ),
    "Conv2DBatchEnsemble-bias": (
        {"filters": 5, "kernel_size": 3, "padding": "same"},
        2,
    ),
    "DepthwiseConv2DBatchEnsemble-strided": (
        {"kernel_size": 3, "strides": 2, "padding": "same"},
        2,
    ),
}
every_layer = pytest.mark.parametrize("name", CASES)


def portable(name, **changes):
    options = {**options_of(name), "ensemble_size": 3, **changes}
    return portable_layers.portable(kind_of(name))(**options)


def kind_of(name):
    return name.partition("-")[0]


def options_of(name):
    return (CASES | MORE)[name][0]


def inputs_of(name):
    return IMAGES[(slice(None), 0, 0)[: 3 - (CASES | MORE)[name][1]]]


def both(name):
    """The same layer in keras.ops and of edward2, with equal weights."""
    theirs = getattr(layers, kind_of(name))
    theirs = theirs(ensemble_size=3, **options_of(name))
    return [filled(x, inputs_of(name)) for x in (portable(name), theirs)]


def filled(layer, inputs):
    """Builds a layer; its weights are drawn anew."""
    layer(inputs)
    rng = np.random.default_rng(1)
    layer.set_weights([rng.normal(size=w.shape) for w in layer.weights])
    return layer


def array(tensor):
    return keras.ops.convert_to_numpy(tensor)


@pytest.mark.parametrize("name", [*CASES, *MORE])
@pytest.mark.tensorflow
def test_outputs_and_gradients_are_edward2s(name):
    import tensorflow as tf

    found = []
    for layer in both(name):
        inputs = tf.constant(inputs_of(name))
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = layer(inputs)
            loss = tf.reduce_sum(outputs * tf.cos(outputs))
        names = [w.name for w in layer.weights]
        weights = layer.trainable_weights
        assert len(weights) == len(names)
        gradients = tape.gradient(loss, [inputs, *weights])
        found.append((names, [outputs, *gradients]))
    (names, ours), (others, theirs) = found
    assert names == others
    for what, one, other in zip(
        ["outputs", "inputs", *names], ours, theirs, strict=True
    ):
        scale = np.abs(other).max()
        assert scale > 1e-3, what
        np.testing.assert_allclose(
            one, other, rtol=0, atol=1e-6 * scale, err_msg=what
        )


@every_layer
@pytest.mark.tensorflow
def test_a_file_of_one_backend_is_read_by_the_other(name):
    ours, theirs = both(name)
    inputs = inputs_of(name)
    for kind, source in ((type(ours), theirs), (type(theirs), ours)):
        twin = kind.from_config(source.get_config())
        twin(inputs)
        twin.set_weights(source.get_weights())
        np.testing.assert_allclose(
            array(twin(inputs)), array(source(inputs)), rtol=1e-5, atol=1e-4
        )


@every_layer
def test_each_members_rows_are_those_of_a_plain_layer(name):
    """A plain layer on x ∘ α_m, times γ_m, plus b_m."""
    inputs = inputs_of(name)
    layer = filled(
        portable(name, rank=1) if "rank" in CASES[name][0] else portable(name),
        inputs,
    )
    options = {**CASES[name][0], "use_bias": False}
    options.pop("rank", None)
    activation = keras.activations.get(options.pop("activation", None))
    plain = getattr(keras.layers, name.removesuffix("BatchEnsemble"))(**options)
    plain(inputs)
    kernel, alpha, gamma, *bias = layer.get_weights()
    [bias] = bias or [np.zeros((3, 1))]
    plain.set_weights([kernel])
    wanted = [
        activation(
            plain(inputs[2 * m : 2 * m + 2] * alpha[m]) * gamma[m] + bias[m]
        )
        for m in range(3)
    ]
    np.testing.assert_allclose(
        array(layer(inputs)),
        np.concatenate([array(rows) for rows in wanted]),
        rtol=1e-4,
        atol=1e-4,
    )


@every_layer
def test_config_comes_back_whole(name):
    layer = portable(name, bias_initializer="ones")
    twin = type(layer).from_config(layer.get_config())
    assert twin.get_config() == layer.get_config()


@every_layer
def test_shapes_are_known_before_the_call(name):
    inputs = inputs_of(name)
    symbolic = portable(name)(keras.Input(inputs.shape[1:]))
    assert symbolic.shape == (None, *portable(name)(inputs).shape[1:])
