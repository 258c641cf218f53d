"""Models trained side by side equal models trained alone."""

import keras
import numpy as np
import pytest

import mimo_keras
from mimo_keras.data import toy
from mimo_keras.errors import InputError
from mimo_keras.training.side_by_side import SideBySide

SETS, ROWS = 3, 16


def create(seed, method="mimo", members=3, compiled=True, **options):
    keras.utils.set_random_seed(seed)
    model = mimo_keras.create_model(
        method,
        backbone="mlp_32_128",
        input_shape=(1,),
        num_classes=None,
        output_dim=1,
        ensemble_size=members,
        seed=seed,
        **options,
    )
    if compiled:
        model.compile(keras.optimizers.Adam(0.01), l2=1e-3)
    return model


def training_sets(sets, steps):
    """Inputs and targets (steps · ROWS, S, 1)."""
    found = [toy.regression(steps * ROWS, seed) for seed in range(sets)]
    x = np.stack([one.images for one in found], axis=1)
    return x, np.stack([one.labels for one in found], axis=1)


def fit(model, x, y):
    options = {"batch_size": ROWS, "shuffle": False, "verbose": 0}
    return model.fit(x, y, **options).history["loss"]


@pytest.mark.parametrize(
    ("method", "options", "sets"),
    [
        pytest.param("mimo", {}, 1, marks=pytest.mark.large),
        # R and ρ: rows that differ in number and in kind.
        (
            "mimo",
            {"batch_repetitions": 2, "input_repetition_probability": 0.5},
            SETS,
        ),
        pytest.param("naive_multihead", {}, SETS, marks=pytest.mark.large),
    ],
)
def test_each_trains_as_alone(method, options, sets):
    """Same examples, first weights and draws: same weights after Adam."""
    x, y = training_sets(sets, steps=20)
    models = [create(seed, method, **options) for seed in range(sets)]
    side_by_side = SideBySide(models)
    side_by_side.compile(keras.optimizers.Adam(0.01))
    fit(side_by_side, x, y)
    alone, copy = (create(sets - 1, method, **options) for _ in range(2))
    first = alone.get_weights()
    # The given models are unchanged.
    for one, other in zip(models[-1].get_weights(), first, strict=True):
        np.testing.assert_array_equal(one, other)
    fit(alone, x[:, -1], y[:, -1])
    assert abs(alone.get_weights()[0] - first[0]).mean() > 0.01
    side_by_side.copy_to(copy, sets - 1)
    for one, other in zip(alone.weights, copy.weights, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(
        alone(x[:5, -1]), side_by_side(x[:5])[:, -1], atol=1e-4
    )


def test_the_loss_is_the_sum_over_models():
    x, y = training_sets(SETS, steps=1)
    models = [create(seed) for seed in range(SETS)]
    stack = SideBySide(models)
    total = stack.compute_loss(None, y, stack(x, training=True))
    losses = [
        float(model.compute_loss(None, y[:, s], model(x[:, s], training=True)))
        for s, model in enumerate(models)
    ]
    np.testing.assert_allclose(float(total), sum(losses), rtol=1e-5)
    assert np.ptp(losses) > 0.01


@pytest.mark.parametrize(
    "models",
    [
        lambda: [],
        lambda: [create(0), create(1, members=2)],
        lambda: [create(0), create(1, compiled=False)],
    ],
)
def test_models_that_are_not_of_one_make(models):
    with pytest.raises(InputError, match="compiled models of one method"):
        SideBySide(models())


@pytest.mark.tensorflow
def test_a_number_of_images_that_was_not_found_is_asked_for():
    """Only an `EnsembleModel`'s own fit finds it."""
    models = [create(seed, "rank1_bnn") for seed in (0, 1)]
    with pytest.raises(InputError, match="Pass train_examples to create_model"):
        SideBySide(models)


@pytest.mark.tensorflow
def test_layers_own_rates_are_not_obeyed_and_so_rejected():
    model = create(0, "batch_ensemble", fast_weight_lr_multiplier=0.5)
    with pytest.raises(InputError, match="same learning rate for all"):
        SideBySide([model])
