"""edward2's layers behave like Keras layers on Keras 3."""

import os
import subprocess
import sys

import keras
import numpy as np
import pytest

from mimo_keras import layers
from mimo_keras.errors import InputError
from mimo_keras.layers import batch_ensemble
from tests.methods import small

pytestmark = pytest.mark.tensorflow

RNG = np.random.default_rng(0)
IMAGES = RNG.normal(size=(6, 6, 5, 4)).astype("float32")
# By default edward2's random signs are all +1.
SIGNS = {"class_name": "RandomSign", "config": {"probs": 0.5}}
POINT = {
    name: {
        "class_name": "TrainableDeterministic",
        "config": {"loc_initializer": SIGNS},
    }
    for name in ("alpha_initializer", "gamma_initializer")
}
NO_KL = {"alpha_regularizer": None, "gamma_regularizer": None}
OPTIONS = {
    "Conv2DBatchEnsemble": {
        "kernel_size": 3,
        "strides": 2,
        "padding": "same",
        "rank": 1,
        "alpha_initializer": SIGNS,
        "gamma_initializer": keras.initializers.RandomNormal(1.0, 0.5),
        "bias_initializer": "ones",
        "kernel_regularizer": keras.regularizers.L2(0.1),
        "activation": "relu",
        "fast_weight_lr_multiplier": 0.5,
    },
    "Conv1DBatchEnsemble": {"kernel_size": 3, "padding": "causal"},
    "DepthwiseConv2DBatchEnsemble": {
        "padding": "same",
        "depth_multiplier": 2,
        "bias_initializer": "ones",
        "activation": "relu",
    },
    "DenseBatchEnsemble": {
        "rank": 2,
        "use_bias": False,
        "alpha_initializer": keras.initializers.RandomNormal(1.0, 0.5),
        "kernel_constraint": keras.constraints.NonNeg(),
        "activation": "tanh",
    },
    "Conv2DRank1": {
        **POINT,
        **NO_KL,
        "kernel_size": 3,
        "min_perturbation_value": -0.5,
        "use_additive_perturbation": True,
        "seed": 3,
    },
    "Conv1DRank1": {
        **POINT,
        **NO_KL,
        "kernel_size": 2,
        "padding": "same",
    },
    "DenseRank1": {**POINT, **NO_KL, "max_perturbation_value": 0.5},
}


def make(layer, **options):
    cls = getattr(layers, layer)
    return cls(7, ensemble_size=3, **{**OPTIONS[layer], **options})


def inputs_of(name, images=IMAGES):
    if "Dense" in name:
        return images[:, 0, 0]
    return images[:, 0] if "1D" in name else images


@pytest.fixture(params=OPTIONS)
def name(request):
    return request.param


def test_every_layer_is_edward2s_own(name):
    edward2 = batch_ensemble.edward2()
    assert isinstance(make(name), getattr(edward2.layers, name))
    assert type(make(name)) is getattr(layers, name)


def test_config_comes_back_whole(name):
    layer = make(name)
    config = layer.get_config()
    twin = type(layer).from_config(config)
    assert twin.get_config() == config
    inputs = inputs_of(name)
    layer(inputs), twin(inputs)
    twin.set_weights(layer.get_weights())
    np.testing.assert_array_equal(twin(inputs), layer(inputs))


def test_lora_is_refused_in_one_line(name):
    layer = make(name, name="mid")
    layer(inputs_of(name))
    with pytest.raises(InputError, match=f"layer mid of type {name}, rank=2"):
        layer.enable_lora(2)


def test_options_reach_the_copy():
    layer = make("Conv2DBatchEnsemble")
    twin = type(layer).from_config(layer.get_config())
    twin.build((None, 6, 5, 4))
    assert twin.rank == 1
    assert twin.fast_weight_lr_multiplier == 0.5
    assert set(np.unique(twin.alpha)) == {-1.0, 1.0}
    assert 0.2 < np.std(twin.gamma) < 1.0
    np.testing.assert_array_equal(twin.ensemble_bias, np.ones((3, 7)))
    outputs = np.asarray(twin(IMAGES))
    assert outputs.min() == 0 < outputs.max()
    assert float(twin.losses[0]) == pytest.approx(
        0.1 * np.sum(np.square(twin.kernel)), rel=1e-4
    )


def test_shape_is_known_before_the_call(name):
    inputs = inputs_of(name)
    outputs = make(name)(keras.Input(inputs.shape[1:]))
    assert outputs.shape == (None, *make(name)(inputs).shape[1:])


def network(name, **options):
    inputs = keras.Input(inputs_of(name).shape[1:])
    x = layers.FoldMembers(3)(inputs)
    x = make(name, **options)(x)
    x = keras.layers.Dense(2)(keras.layers.Flatten()(x))
    return keras.Model(inputs, layers.UnfoldMembers(3)(x))


def side_by_side():
    """One network with all layers, so that it is traced once."""
    inputs = keras.Input(IMAGES.shape[1:])
    found = [network(name)(inputs_of(name, inputs)) for name in OPTIONS]
    return keras.Model(inputs, keras.layers.Concatenate()(found))


def compiled(model, learning_rate=0.01, **options):
    optimizer = keras.optimizers.SGD(learning_rate, momentum=0.9)
    model.compile(optimizer, "mse", **options)
    return model


def targets(model):
    rng = np.random.default_rng(1)
    return rng.normal(size=(6, *model.output_shape[1:])).astype("float32")


def test_small_steps_lower_the_loss(name):
    """Down the slope of all rows at once; a constraint moves the first step."""
    model = network(name)
    model.compile(keras.optimizers.SGD(1e-3), "mse", **small.step_by_step())
    rows = inputs_of(name), targets(model)
    losses = model.fit(*rows, epochs=6, verbose=0).history["loss"]
    assert np.diff(losses[1:]).max() < 0


@pytest.mark.parametrize("name", ["Conv2DRank1", "DenseRank1"])
def test_fit_trains_posteriors(name):
    options = dict.fromkeys(POINT, "trainable_normal")
    model = compiled(network(name, **options), **small.step_by_step())
    layer = model.layers[2]
    before = layer.get_weights()
    model.fit(inputs_of(name), targets(model), epochs=2, verbose=0)
    for old, new in zip(before, layer.get_weights(), strict=True):
        assert np.abs(old - new).max() > 0


def test_a_new_process_loads_the_model_with_our_package_alone(tmp_path):
    inputs = keras.Input(IMAGES.shape[1:])
    x = layers.FoldMembers(3)(inputs)
    for name in sorted(OPTIONS, key=lambda name: -inputs_of(name).ndim):
        if inputs_of(name).ndim < len(x.shape):
            flat = (-1, x.shape[-1]) if "1D" in name else (-1,)
            x = keras.layers.Reshape(flat)(x)
        x = make(name, name=name.lower())(x)
    model = keras.Model(inputs, layers.UnfoldMembers(3)(x))
    model.set_weights([RNG.normal(size=w.shape) for w in model.weights])
    model.save(tmp_path / "model.keras")
    np.save(tmp_path / "images.npy", IMAGES)
    code = (
        "import random, sys, numpy, keras, mimo_keras\n"
        f"assert set({list(OPTIONS)}) <= {{*dir(mimo_keras.layers)}}\n"
        "assert 'edward2' not in sys.modules\n"
        # The import itself draws, which nothing seeded may notice.
        "state = random.getstate()\n"
        "mimo_keras.layers.batch_ensemble.edward2()\n"
        "assert random.getstate() == state\n"
        "model = keras.saving.load_model('model.keras')\n"
        "outputs = model(numpy.load('images.npy'))\n"
        "numpy.save('outputs.npy', outputs)\n"
        "import edward2\n"
        "cls = edward2.layers.Conv2DBatchEnsemble\n"
        "assert any(isinstance(layer, cls) for layer in model.layers)\n"
    )
    _run(code, tmp_path)
    np.testing.assert_allclose(
        np.load(tmp_path / "outputs.npy"), model(IMAGES), rtol=1e-5, atol=1e-5
    )


def _run(code, folder, **environment):
    path = os.pathsep.join(filter(None, sys.path))
    environment = {**os.environ, "PYTHONPATH": path, **environment}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_saved_model_serves_what_the_layers_compute(tmp_path):
    import tensorflow as tf

    model = side_by_side()
    model.export(tmp_path / "saved_model", verbose=False)
    served = tf.saved_model.load(tmp_path / "saved_model")
    for rows in (1, 5):
        wanted = model(IMAGES[:rows])
        np.testing.assert_allclose(
            served.serve(IMAGES[:rows]), wanted, rtol=1e-5, atol=1e-5
        )


def test_low_precision_keeps_its_weights_and_its_kl_in_float32(name):
    keras.config.set_dtype_policy("mixed_bfloat16")
    layer = make(name, activation=None)
    outputs = layer(inputs_of(name))
    assert keras.backend.standardize_dtype(outputs.dtype) == "bfloat16"
    assert {w.dtype for w in layer.weights} == {"float32"}
    keras.config.set_dtype_policy("float32")
    exact = make(name, activation=None)
    exact(inputs_of(name))
    exact.set_weights(layer.get_weights())
    expected = exact(inputs_of(name))
    scale = np.abs(expected).max()
    difference = keras.ops.cast(outputs, "float32") - expected
    assert np.abs(difference).max() < 0.03 * scale


def test_replicas_train_as_one(two_cpus):
    import tensorflow as tf

    strategy = tf.distribute.MirroredStrategy(
        two_cpus, tf.distribute.ReductionToOneDevice()
    )
    one = compiled(side_by_side(), 0.07, **small.step_by_step())
    with strategy.scope():
        two = compiled(side_by_side(), 0.07)
    start = one.get_weights()
    two.set_weights(start)
    for model in (one, two):
        model.fit(IMAGES, targets(one), batch_size=6, epochs=2, verbose=0)
    trained = zip(one.weights, two.weights, start, strict=True)
    for theirs, ours, before in trained:
        assert np.abs(theirs - before).max() > 1e-4, theirs.path
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


def test_rows_that_members_cannot_share_are_refused(name):
    layer = make(name)
    with pytest.raises(InputError, match=r"rows=5.*FoldMembers"):
        layer(inputs_of(name)[:5])


def test_they_are_refused_where_only_the_call_knows_them():
    import tensorflow as tf

    any_rows = tf.TensorSpec((None, 4), "float32")
    layer = make("DenseBatchEnsemble")
    call = tf.function(layer, input_signature=[any_rows])
    with pytest.raises(tf.errors.InvalidArgumentError, match="FoldMembers"):
        call(inputs_of("Dense")[:5])


@pytest.mark.parametrize("name", ["Conv2DBatchEnsemble", "DenseBatchEnsemble"])
def test_fast_weights_are_set_apart(name):
    layer = make(name, fast_weight_lr_multiplier=0.25)
    layer(inputs_of(name))
    undecayed = layer.undecayed_weights
    assert undecayed[0] is layer.alpha and undecayed[1] is layer.gamma
    pairs = layer.learning_rate_multipliers
    assert [factor for _, factor in pairs] == [0.25, 0.25]
    assert all(a is b for (a, _), b in zip(pairs, undecayed, strict=True))


def rank1(seed=0, **options):
    layer = layers.DenseRank1(7, ensemble_size=3, seed=seed, **options)
    layer(inputs_of("Dense"))
    return layer


def test_kl_is_that_of_two_normals():
    edward2 = batch_ensemble.edward2()
    prior = edward2.regularizers.NormalKLDivergence(mean=1.0, stddev=0.5)
    layer = rank1(
        alpha_regularizer=prior,
        gamma_initializer="ones",
        gamma_regularizer=None,
    )
    posterior = layer.alpha_initializer
    mean, width = (np.asarray(w) for w in (posterior.mean, posterior.stddev))
    std = np.log1p(np.exp(width)) + 1e-7
    kl = np.log(0.5 / std) + (std**2 + (mean - 1) ** 2) / (2 * 0.5**2) - 0.5
    layer(inputs_of("Dense"))
    [loss] = layer.losses
    assert float(loss) == pytest.approx(kl.sum(), rel=1e-4)


def test_every_row_and_call_has_its_own_seeded_draws():
    ones = np.ones((6, 4), "float32")
    first, twin, other = rank1(), rank1(), rank1(seed=1)
    for layer in (twin, other):
        layer.set_weights(first.get_weights())
    drawn = np.asarray(first(ones))
    assert len(np.unique(drawn, axis=0)) == 6
    np.testing.assert_array_equal(twin(ones), drawn)
    assert np.abs(other(ones) - drawn).min() > 0
    assert np.abs(first(ones) - drawn).min() > 0


def test_draws_have_the_posteriors_mean_and_width():
    layer = layers.DenseRank1(
        1,
        ensemble_size=2,
        use_bias=False,
        kernel_initializer="ones",
        gamma_initializer="ones",
        gamma_regularizer=None,
        seed=0,
    )
    inputs = np.ones((8000, 1), "float32")
    layer(inputs)
    layer.alpha_initializer.mean.assign([[1.0], [3.0]])
    layer.alpha_initializer.stddev.assign([[0.0], [-2.0]])
    widths = np.log1p(np.exp([0.0, -2.0]))
    drawn = np.reshape(layer(inputs), (2, -1))
    np.testing.assert_allclose(drawn.mean(axis=1), [1, 3], atol=0.05)
    np.testing.assert_allclose(drawn.std(axis=1), widths, rtol=0.05)


def test_a_missing_edward2_is_named_with_its_pip_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "edward2", None)
    batch_ensemble.edward2.cache_clear()
    with pytest.raises(InputError, match="pip install edward2"):
        batch_ensemble.edward2()
    batch_ensemble.edward2.cache_clear()
