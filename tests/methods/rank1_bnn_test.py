import keras
import numpy as np
import pytest

import mimo_keras
from mimo_keras import keras_internals
from mimo_keras.errors import InputError
from mimo_keras.training import losses
from mimo_keras.training.checkpoints import Checkpoints
from mimo_keras.training.distribute.seeds import states
from tests.training import twins

on_tensorflow = pytest.mark.tensorflow

RNG = np.random.default_rng(0)
SHAPE = (8, 8, 3)
IMAGES = RNG.random((8, *SHAPE), "float32")
LABELS = RNG.integers(0, 5, 8)


def create(backbone="mlp_6", members=3, **options):
    options = {"train_examples": 8, "kl_annealing_epochs": 4, **options}
    return mimo_keras.create_model(
        "rank1_bnn",
        backbone=backbone,
        input_shape=SHAPE,
        num_classes=5,
        ensemble_size=members,
        seed=0,
        **options,
    )


def posteriors(model):
    """The TrainableNormal of α and γ of each layer."""
    return [
        posterior
        for layer in model.network.layers
        if hasattr(layer, "alpha_initializer")
        for posterior in (layer.alpha_initializer, layer.gamma_initializer)
    ]


def kl(model, prior_mean=1.0, prior_stddev=0.1):
    """Σ KL(N(μ, σ²) ‖ N(prior)) over all factors of all members."""
    total = 0.0
    for posterior in posteriors(model):
        mean = np.asarray(posterior.mean, "float64")
        std = np.log1p(np.exp(np.asarray(posterior.stddev, "float64"))) + 1e-7
        moments = std**2 + (mean - prior_mean) ** 2
        total += np.sum(
            np.log(prior_stddev / std) + moments / (2 * prior_stddev**2) - 0.5
        )
    return total


def cross_entropy(model):
    """That of training mode, with almost deterministic posteriors."""
    logits = model.network(IMAGES, training=True)
    return twins.tiled_cross_entropy(LABELS, np.asarray(logits))


def narrow(model):
    """Makes the posteriors so narrow that all draws are the mean."""
    for posterior in posteriors(model):
        posterior.stddev.assign(np.full(posterior.stddev.shape, -20.0))


@pytest.mark.parametrize(
    ("options", "data", "divergence"),
    [
        # As in Uncertainty-Baselines: a mean over M·B rows, l2 · Σ w² of all
        # but the posteriors, Σ KL / N.
        ({}, 1, 1),
        pytest.param(
            {"member_reduction": "sum", "kl_weight": 2.0},
            *(3, 2),
            marks=on_tensorflow,
        ),
    ],
)
def test_the_loss_is_cross_entropy_and_a_kl_term_that_grows(
    options, data, divergence
):
    model = create(prior_mean=0.5, prior_stddev=0.7, **options)
    narrow(model)
    model.compile(keras.optimizers.SGD(0.0), l2=0.01, run_eagerly=True)
    kl_term = divergence * kl(model, 0.5, 0.7) / 8
    expected = data * cross_entropy(model) + 0.01 * sum(
        np.sum(np.square(weight, dtype="float64"))
        for weight in model.trainable_weights
        if weight.name not in ("mean", "stddev")
    )
    found = [model.train_on_batch(IMAGES, LABELS)[0] for _ in range(5)]
    shares = np.array([0.25, 0.5, 0.75, 1.0, 1.0])
    np.testing.assert_allclose(found, expected + kl_term * shares, rtol=1e-3)


@pytest.mark.parametrize(
    "backbone",
    [
        pytest.param("wide_resnet_10_1", marks=on_tensorflow),
        pytest.param("small_cnn", marks=on_tensorflow),
        "mlp_6",
    ],
)
def test_every_layer_draws_and_pays(backbone):
    model = create(backbone, ensemble_batch_norm=True)
    first, second = model(IMAGES), model(IMAGES)
    assert first.shape == (8, 3, 5)
    assert np.abs(first - second).max() > 0
    assert model.losses == []
    divergences = [
        float(layer.kl_divergence())
        for layer in keras_internals.layers_within(model)
        if hasattr(layer, "kl_divergence")
    ]
    assert 2 * len(divergences) == len(posteriors(model)) > 2
    assert sum(divergences) == pytest.approx(kl(model), rel=1e-3)


@on_tensorflow
def test_posteriors_start_as_asked():
    model = create("mlp_60", dropout_rate=0.2, random_sign_init=-0.3)
    mean, stddev = (
        np.concatenate([np.ravel(getattr(p, name)) for p in posteriors(model)])
        for name in ("mean", "stddev")
    )
    assert np.mean(mean) == pytest.approx(1.0, abs=0.05)
    assert np.std(mean) == pytest.approx(0.3, abs=0.05)
    # √(p / (1 - p)) = 1/2, up to the initializer's 0.1.
    assert np.median(np.log1p(np.exp(stddev))) == pytest.approx(0.5, abs=0.05)


def test_narrow_posteriors_of_one_are_the_deterministic_network():
    model = create()
    narrow(model)
    for posterior in posteriors(model):
        posterior.mean.assign(np.ones(posterior.mean.shape))
    plain = mimo_keras.create_model(
        "deterministic", backbone="mlp_6", input_shape=SHAPE, num_classes=5
    )
    for name in ("dense0", "heads"):
        kernel, bias = plain.network.get_layer(name).weights
        kernel.assign(model.network.get_layer(name).kernel)
        bias.assign(np.zeros(bias.shape))
    np.testing.assert_allclose(
        model(IMAGES),
        np.repeat(plain(IMAGES), 3, axis=1),
        rtol=1e-4,
        atol=1e-4,
    )


def test_posteriors_and_prior_are_not_decayed():
    model = create()
    decayed = losses.decayed_variables(model.network, "all")
    assert [w.name for w in decayed] == ["kernel", "ensemble_bias"] * 2


@on_tensorflow
def test_samples_are_components():
    model = create(samples=4)
    logits = np.asarray(model(IMAGES))
    assert logits.shape == (8, 12, 5)
    assert len(np.unique(logits[0, :, 0])) == 12
    assert model.predictor()(IMAGES)["member_probabilities"].shape[1] == 12


@on_tensorflow
def test_resumed_training_is_the_same_bit_for_bit(tmp_path):
    def trained(model, epochs):
        model.fit(
            IMAGES,
            LABELS,
            batch_size=4,
            epochs=epochs,
            shuffle=False,
            verbose=0,
        )

    def compiled():
        model = create(kl_annealing_epochs=3)
        optimizer = keras.optimizers.SGD(0.01, momentum=0.9)
        model.compile(optimizer, run_eagerly=True)
        return model

    whole = compiled()
    trained(whole, 1)
    Checkpoints(tmp_path).save(whole, 1, {})
    trained(whole, 1)
    resumed = compiled()
    Checkpoints(tmp_path).restore(resumed)
    trained(resumed, 1)
    for ours, theirs in zip(resumed.variables, whole.variables, strict=True):
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy())


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"train_examples": 0}, "train_examples=0"),
        ({"kl_annealing_epochs": -1}, "kl_annealing_epochs=-1"),
        ({"dropout_rate": 0.0}, "dropout_rate=0.0"),
        ({"prior_stddev": 0.0}, "prior_stddev=0.0"),
        ({"kl_weight": -1.0}, "kl_weight=-1.0"),
    ],
)
def test_bad_options_are_named(options, told):
    with pytest.raises(InputError, match=told):
        create(**options)


def fitted(model, learning_rate=0.01, epochs=2, run_eagerly=True):
    """The model after some epochs with narrow posteriors; and its losses.

    Eagerly: a few steps take less time than tracing one.
    """
    narrow(model)
    optimizer = keras.optimizers.SGD(learning_rate, momentum=0.9)
    model.compile(optimizer, l2=1e-3, run_eagerly=run_eagerly)
    history = model.fit(
        IMAGES,
        LABELS,
        batch_size=8,
        epochs=epochs,
        shuffle=False,
        verbose=0,
    )
    narrow(model)
    return model, history.history["loss"]


@pytest.mark.parametrize(
    "backbone", ["mlp_6", pytest.param("small_cnn", marks=on_tensorflow)]
)
def test_keras_files_have_the_model_and_its_training(backbone, tmp_path):
    """The conformance test loads one in a fresh process."""
    model, _ = fitted(create(backbone, random_sign_init=-0.1))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    for one, other in zip(states(loaded), states(model), strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_allclose(loaded(IMAGES), model(IMAGES), atol=1e-4)
    assert loaded.kl_term == model.kl_term
    assert loaded.get_compile_config() == model.get_compile_config()


@on_tensorflow
def test_saved_model_serves_the_mixture_of_all_samples(tmp_path):
    import tensorflow as tf

    model = create(samples=2, random_sign_init=-0.1)
    narrow(model)
    path = mimo_keras.export_saved_model(model, tmp_path / "saved_model")
    served = tf.saved_model.load(path)
    for rows in (1, 5):
        wanted = model.predictor()(IMAGES[:rows])
        found = served.serve(IMAGES[:rows])
        assert found["member_probabilities"].shape == (rows, 6, 5)
        for name, value in wanted.items():
            np.testing.assert_allclose(found[name], value, atol=1e-4)


@pytest.mark.large  # Its layers have replicas in batch_ensemble_test.py.
def test_two_replicas_train_as_one(two_cpus):
    import tensorflow as tf

    strategy = tf.distribute.MirroredStrategy(
        two_cpus, tf.distribute.ReductionToOneDevice()
    )
    # Norms per member synchronize the replicas.
    alone = create("mlp_6", random_sign_init=-0.1, kl_annealing_epochs=2)
    with strategy.scope():
        both = create("mlp_6", random_sign_init=-0.1, kl_annealing_epochs=2)
        both.set_weights(alone.get_weights())
        both, found = fitted(both, run_eagerly=False)
    alone, wanted = fitted(alone)
    assert found == pytest.approx(wanted, rel=1e-3)
    for ours, theirs in zip(
        both.trainable_weights, alone.trainable_weights, strict=True
    ):
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-4)


@on_tensorflow
def test_low_precision_keeps_posteriors_in_float32():
    keras.config.set_dtype_policy("mixed_bfloat16")
    model = create("small_cnn", random_sign_init=-0.1, kl_weight=0.0)
    model, losses = fitted(
        model, learning_rate=0.01, epochs=12, run_eagerly=False
    )
    # 0.33 to 0.65 of it over 20 seeds, with a deviation of 0.08.
    assert losses[-1] < losses[0]
    assert {w.dtype for w in model.trainable_weights} == {"float32"}
    assert keras.backend.standardize_dtype(model(IMAGES).dtype) == "float32"


@on_tensorflow
@pytest.mark.large
def test_resnet50_takes_part():
    model = create("resnet50", members=2)
    outputs = np.asarray(model(IMAGES[:2]))
    assert outputs.shape == (2, 2, 5) and np.isfinite(outputs).all()
