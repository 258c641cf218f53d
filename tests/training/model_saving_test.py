"""A .keras file holds the model, how it was compiled and its optimizer."""

import keras
import numpy as np
import pytest

from mimo_keras.training import WarmUpStepDecay
from tests.training import networks

COUNT = 12


@pytest.fixture
def examples():
    return networks.examples(COUNT)


def _fit(model, examples):
    model.fit(
        examples.images,
        examples.labels,
        batch_size=4,
        shuffle=False,
        verbose=0,
    )


def _evaluate(model, examples):
    return model.evaluate(
        examples.images, examples.labels, verbose=0, return_dict=True
    )


def _reloaded(model, tmp_path):
    model.save(tmp_path / "model.keras")
    copy = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    copy.run_eagerly = model.run_eagerly  # Files do not say how to run.
    return copy


def test_training_continues_where_it_was_saved(tmp_path, examples):
    """Optimizer, schedule, L2, loss and metrics all matter to the result."""
    model = networks.create("naive_multihead", members=3, backbone="mlp_4")
    optimizer = keras.optimizers.SGD(
        WarmUpStepDecay(0.1, [4], warm_up_steps=2), momentum=0.9, nesterov=True
    )
    model.compile(
        optimizer,
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy", keras.metrics.SparseTopKCategoricalAccuracy(2)],
        l2=0.01,
        l2_scope="kernels",
        run_eagerly=True,
    )
    _fit(model, examples)
    copy = _reloaded(model, tmp_path)
    assert _evaluate(copy, examples) == _evaluate(model, examples)
    for each in (model, copy):
        _fit(each, examples)
    networks.assert_same_weights(model, copy)
    found = _evaluate(copy, examples)
    assert found == _evaluate(model, examples)
    assert len(found) == 4


def test_a_rate_that_was_changed_is_kept(tmp_path, examples):
    model = networks.create("naive_multihead")
    model.compile(keras.optimizers.SGD(0.1))
    model.optimizer.learning_rate = 0.025
    copy = _reloaded(model, tmp_path)
    np.testing.assert_allclose(copy.optimizer.learning_rate, 0.025)


def test_a_model_that_was_never_compiled(tmp_path, examples):
    model = networks.create(**networks.OPTIONS)
    copy = _reloaded(model, tmp_path)
    assert not copy.compiled
    np.testing.assert_array_equal(copy(examples.images), model(examples.images))
    # Rows restart from the seed, as at the model's creation.
    assert copy.sampling == model.sampling
    np.testing.assert_array_equal(
        networks.rows_of(copy, examples.images),
        networks.rows_of(model, examples.images),
    )


def test_regression(tmp_path):
    model = networks.create(
        num_classes=None, output_dim=2, backbone="mlp_4", input_shape=(5,)
    )
    model.compile("adam", metrics=["mae"], run_eagerly=True)
    draw = np.random.default_rng(0)
    x, y = draw.normal(size=(8, 5)), draw.normal(size=(8, 2))
    model.fit(x, y, verbose=0)
    copy = _reloaded(model, tmp_path)
    assert copy.task == "regression"
    found, wanted = (m.evaluate(x, y, verbose=0) for m in (copy, model))
    assert found == wanted
    predictions = copy.predictor()(x)
    for key, value in model.predictor()(x).items():
        np.testing.assert_array_equal(predictions[key], value)
