"""Rank-1 layers in keras.ops compute what edward2's do, and NumPy."""

import keras
import numpy as np
import pytest

from mimo_keras import layers
from mimo_keras.errors import InputError
from tests.layers import portable_layers

INPUTS = np.random.default_rng(0).normal(size=(6, 6, 5, 4)).astype("float32")
PRIOR = {
    "class_name": "NormalKLDivergence",
    "config": {"mean": 1.0, "stddev": 0.3, "scale_factor": 0.5},
}
FIXED = {"alpha_initializer": "ones", "alpha_regularizer": None}
CASES = {
    "DenseRank1": ({"units": 7, "activation": "tanh"}, 0),
    "Conv1DRank1": (
        {"filters": 7, "kernel_size": 2, "alpha_regularizer": PRIOR},
        1,
    ),
    "Conv2DRank1": (
        {
            **{"filters": 7, "kernel_size": 3, "strides": 2},
            "use_additive_perturbation": True,
            "max_perturbation_value": 0.5,
            "use_bias": False,
            "gamma_initializer": "trainable_normal",
        },
        2,
    ),
    "DenseRank1-fixed": ({"units": 3, **FIXED}, 0),
    "DenseRank1-point": (
        {
            "units": 3,
            "alpha_initializer": {"class_name": "TrainableDeterministic"},
            "gamma_initializer": {"class_name": "TrainableDeterministic"},
            **dict.fromkeys(("alpha_regularizer", "gamma_regularizer")),
        },
        0,
    ),
}
every_layer = pytest.mark.parametrize("name", CASES)


def portable(name, **changes):
    kind = portable_layers.portable(name.partition("-")[0])
    options = {"seed": 3, **CASES[name][0], **changes}
    return kind(ensemble_size=3, **options)


def inputs_of(name):
    return INPUTS[(slice(None), 0, 0)[: 3 - CASES[name][1]]]


def filled(layer, inputs):
    """Builds a layer; its weights are drawn anew."""
    layer.build(inputs.shape)
    rng = np.random.default_rng(1)
    layer.set_weights(
        [rng.normal(0.5, 0.5, size=w.shape) for w in layer.weights]
    )
    return layer


def array(tensor):
    return keras.ops.convert_to_numpy(tensor)


def both(name):
    """The same layer in keras.ops and of edward2, with equal weights."""
    theirs = getattr(layers, name.partition("-")[0])
    theirs = theirs(ensemble_size=3, seed=3, **CASES[name][0])
    return [filled(x, inputs_of(name)) for x in (portable(name), theirs)]


@every_layer
@pytest.mark.tensorflow
def test_draws_gradients_and_divergence_are_edward2s(name):
    import tensorflow as tf

    found = []
    for layer in both(name):
        with tf.GradientTape() as tape:
            outputs = layer(inputs_of(name))
            divergence = tf.cast(layer.kl_divergence(), "float32")
            loss = tf.reduce_sum(outputs**2) + divergence
        names = [w.name.removeprefix("ensemble_") for w in layer.weights]
        gradients = tape.gradient(loss, layer.trainable_weights)
        found.append((names, [outputs, divergence, *gradients]))
    (names, ours), (others, theirs) = found
    assert names == others
    for one, other in zip(ours, theirs, strict=True):
        scale = np.abs(other).max()
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-6 * scale)


@every_layer
@pytest.mark.tensorflow
def test_configs_are_read_by_the_other(name):
    ours, theirs = both(name)
    for kind, source in ((type(ours), theirs), (type(theirs), ours)):
        twin = kind.from_config(source.get_config())
        twin.build(inputs_of(name).shape)
        twin.set_weights(source.get_weights())
        outputs = [array(x(inputs_of(name))) for x in (twin, source)]
        np.testing.assert_allclose(*outputs, rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(
            twin.kl_divergence(), source.kl_divergence(), rtol=1e-5
        )


@every_layer
def test_narrow_posteriors_are_plain_layers_with_factors(name):
    """With W, α and γ of each member; the divergence is that of normals."""
    layer, inputs = filled(portable(name), inputs_of(name)), inputs_of(name)
    options, moments = {**CASES[name][0]}, {}
    for part in ("alpha", "gamma"):
        posterior = getattr(layer, f"{part}_initializer")
        moments[part] = getattr(layer, part)
        if moments[part] is None:
            if hasattr(posterior, "stddev"):
                posterior.stddev.assign(np.full(posterior.stddev.shape, -20.0))
            moments[part] = getattr(posterior, "mean", None)
            if moments[part] is None:
                moments[part] = posterior.loc
    alpha, gamma = (array(moments[part]) for part in ("alpha", "gamma"))
    bias = (
        np.zeros((3, 1))
        if layer.ensemble_bias is None
        else array(layer.ensemble_bias)
    )
    additive = options.pop("use_additive_perturbation", False)
    limit = options.pop("max_perturbation_value", 10)
    activation = keras.activations.get(options.pop("activation", None))
    known = ("units", "filters", "kernel_size", "strides")
    plain = getattr(keras.layers, name.partition("Rank1")[0])(
        use_bias=False, **{k: options[k] for k in known if k in options}
    )
    plain.build(inputs.shape)
    plain.set_weights([array(layer.kernel)])
    for m, rows in enumerate(np.split(inputs, 3)):
        one, other = (np.minimum(x[m], limit) for x in (alpha, gamma))
        if additive:
            wanted = plain(rows + one) + other
        else:
            wanted = plain(rows * one) * other
        found = layer(inputs)[2 * m : 2 * m + 2]
        np.testing.assert_allclose(
            array(found),
            array(activation(wanted + bias[m])),
            rtol=1e-3,
            atol=1e-3,
        )


def test_each_row_and_call_draws_anew_from_a_seed():
    ones = np.ones((6, 4), "float32")
    layer, twin = (filled(portable("DenseRank1"), ones) for _ in range(2))
    drawn = array(layer(ones))
    assert len(np.unique(drawn, axis=0)) == 6
    np.testing.assert_array_equal(array(twin(ones)), drawn)
    assert np.abs(array(layer(ones)) - drawn).min() > 0


def test_the_divergence_is_that_of_two_normals():
    layer = filled(portable("Conv1DRank1"), inputs_of("Conv1DRank1"))
    wanted = 0.0
    for part, mean, std, factor in (
        ("alpha", 1.0, 0.3, 0.5),
        ("gamma", 0.0, 1.0, 1.0),
    ):
        posterior = getattr(layer, f"{part}_initializer")
        own = np.log1p(np.exp(array(posterior.stddev))) + 1e-7
        gap = array(posterior.mean) - mean
        kl = np.log(std / own) + (own**2 + gap**2) / (2 * std**2) - 0.5
        wanted += factor * kl.sum()
    layer(inputs_of("Conv1DRank1"))
    [loss] = layer.losses
    np.testing.assert_allclose(float(loss), wanted, rtol=1e-5)


def test_posteriors_are_float32_and_not_decayed_under_a_policy():
    layer = portable("DenseRank1", dtype="bfloat16")
    outputs = layer(inputs_of("DenseRank1"))
    assert keras.backend.standardize_dtype(outputs.dtype) == "bfloat16"
    posterior = layer.alpha_initializer
    assert {w.dtype for w in posterior.weights} == {"float32"}
    assert len(posterior.undecayed_weights) == 2
    assert layer.undecayed_weights == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"alpha_initializer": "trainable_cauchy"}, "KERAS_BACKEND=tensorflow"),
        (
            {"gamma_regularizer": {"class_name": "CauchyKLDivergence"}},
            "KERAS_BACKEND=tensorflow",
        ),
        ({"alpha_initializer": "ones"}, "alpha_regularizer=None"),
        ({"gamma_regularizer": "l2"}, "gamma_regularizer=None"),
    ],
)
def test_what_only_edward2_has_is_named(options, said):
    with pytest.raises(InputError, match=said):
        portable("DenseRank1", **options).build((6, 4))
