"""Logits on all devices equal those of the predictor itself."""

import keras
import numpy as np
import pytest

import mimo_keras
from mimo_keras.training.distribute import make_strategy
from uncertainty_runs.evaluation.predict import logits_function, prepared

BATCH = 8


@pytest.fixture(params=[1, 2])
def strategy(request, two_cpus):
    strategy = make_strategy(num_cores=request.param)
    assert strategy.num_replicas_in_sync == request.param
    return strategy


@pytest.fixture
def predictor(strategy):
    """Three members; the last convolution's bias makes examples differ."""
    with strategy.scope():
        model = mimo_keras.create_model(
            "mimo",
            backbone="small_cnn",
            input_shape=(8, 8, 1),
            num_classes=5,
            ensemble_size=3,
            mean=0.3,
            std=0.2,
            seed=1,
        )
        return model.predictor()


@pytest.mark.parametrize("count", [1, 5, BATCH, BATCH + 3])
def test_logits_are_the_predictors_for_any_count(strategy, predictor, count):
    draw = np.random.default_rng(count)
    images = draw.integers(0, 256, (count, 8, 8, 1), dtype=np.uint8)
    found = logits_function(strategy, predictor, BATCH)(images)
    wanted = keras.ops.convert_to_numpy(predictor.member_logits(images))
    assert found.shape == (count, 3, 5)
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5)
    # Each row belongs to its own image.
    assert count == 1 or np.abs(np.diff(wanted, axis=0)).min() > 1e-3


def test_one_trace_serves_all_counts(strategy, predictor, monkeypatch):
    traces = []
    original = type(predictor).member_logits

    def counted(self, images):
        traces.append(images.shape)
        return original(self, images)

    monkeypatch.setattr(type(predictor), "member_logits", counted)
    logits = logits_function(strategy, predictor, BATCH)
    for count in (3, BATCH, 2 * BATCH + 1):
        logits(np.zeros((count, 8, 8, 1), np.uint8))
    replicas = strategy.num_replicas_in_sync
    assert {shape[0] for shape in traces} == {BATCH // replicas}
    assert len(traces) == replicas


def test_several_models_cost_their_sum_and_keep_their_mean():
    def made(method, zero, **options):
        model = mimo_keras.create_model(
            method,
            backbone="mlp_4",
            input_shape=(8, 8, 1),
            num_classes=5,
            **options,
        )
        weights = [np.ones(w.shape) for w in model.network.get_weights()]
        weights[0] = weights[0] * (not zero)
        model.network.set_weights(weights)
        return model

    models = [
        made("naive_multihead", zero=False, ensemble_size=2),
        made("deterministic", zero=True),
    ]
    found = prepared(make_strategy(), models, BATCH)
    # The first layer's kernel and bias, and the heads'.
    params = [260 + 2 * 25, 260 + 25]
    adds = [256 + 2 * 20, 256 + 20]
    assert found.costs == {
        "params": sum(params),
        "multiply_adds": sum(adds),
        "flops": 2 * sum(adds),
    }
    assert found.kept == pytest.approx((1 + (params[1] - 256) / params[1]) / 2)
    # Each model has weight 1/2, whatever its number of members.
    np.testing.assert_allclose(np.exp(found.log_weights), [0.25, 0.25, 0.5])
