"""Keras's private names of trainers still mean what is relied on."""

import types

import keras
import numpy as np
import pytest

from mimo_keras import keras_internals as internals


class _Falling(internals.LowerIsBetter, keras.metrics.Mean):
    pass


def _compiled(**options):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("adam", "mse", **options)
    return model


@pytest.mark.parametrize("is_shown", [True, False])
def test_a_callback_sees_in_which_direction_a_shown_metric_goes(is_shown):
    metric = _Falling(name="far")
    metric.update_state(3.0)
    (shown,) = internals.monitored([metric], [metric] if is_shown else [])
    callback = keras.callbacks.EarlyStopping(monitor="val_far")
    callback.set_model(types.SimpleNamespace(metrics=[shown]))
    callback.on_train_begin()
    if not is_shown:
        with pytest.raises(ValueError, match="automatically determine"):
            callback.on_epoch_end(0, {"val_far": 1.0})
        return
    callback.on_epoch_end(0, {"val_far": 1.0})
    assert callback.monitor_op(0.5, 1.0) and not callback.monitor_op(1.5, 1.0)
    assert {k: float(v) for k, v in shown.result().items()} == {"far": 3.0}
    shown.reset_state()
    assert float(metric.result()) == 0.0


def test_compiled_metrics_are_those_that_compile_was_given():
    assert internals.compiled_metrics(_compiled()) is None
    model = _compiled(weighted_metrics=["mae"])
    container = internals.compiled_metrics(model)
    assert any(container is metric for metric in model.metrics)
    assert container.variables == []
    tensor = keras.KerasTensor((None, 1))
    container.build(tensor, tensor)
    assert len(container.variables) == 2  # A sum and a count.


def test_building_on_a_batch_makes_metrics_and_moves_nothing():
    model = _compiled(metrics=["mae"])
    before = model.get_weights()
    internals.build_on(model, (np.ones((4, 2)), np.ones((4, 1))))
    sums = [float(np.sum(v)) for v in model.metrics_variables]
    assert len(internals.compiled_metrics(model).variables) == 2
    assert sums == [0.0] * len(sums)
    assert model.optimizer.built
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("chosen", [True, False])
def test_a_distributed_model_builds_on_the_batch_it_chooses(two_cpus, chosen):
    import tensorflow as tf

    given, other = (np.ones((4, 2)), np.ones((4, 1))), np.ones((7, 2))
    asked, rows = [], []

    class Chosen(internals.BuildsOnBatch, keras.Sequential):
        def building_batch(self, iterator):
            asked.append(len(next(iter(iterator))))
            if chosen:
                return other, np.ones((7, 1))
            return super().building_batch(iterator)

        def compute_metrics(self, x, *rest, **options):
            rows.append(x.shape[0])
            return super().compute_metrics(x, *rest, **options)

    with tf.distribute.MirroredStrategy(
        two_cpus, cross_device_ops=tf.distribute.ReductionToOneDevice()
    ).scope():
        model = Chosen([keras.Input((2,)), keras.layers.Dense(1)])
        model.compile("sgd", "mse", metrics=["mae"])
    model.fit(*given, batch_size=4, verbose=0)
    assert asked == [3]
    assert rows[0] == (7 if chosen else 2)  # Two rows for each replica.


class _Held:
    """Like a variable under JAX, whose value `fit` takes away."""

    def __init__(self, value):
        self._value = value

    @property
    def value(self):
        return self._value

    def assign(self, value):
        self._value = value


@pytest.mark.parametrize("trained", [True, False])
def test_under_jax_an_error_takes_no_values_away(monkeypatch, trained):
    """After the first step, Keras's state has those of most variables."""
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    kernel, metric, rate = _Held(1.0), _Held(2.0), _Held(3.0)
    model = types.SimpleNamespace(
        variables=[kernel],
        metrics_variables=[metric],
        optimizer=types.SimpleNamespace(variables=[rate]),
        _jax_state={kernel: 9.0},  # Of an earlier fit.
    )

    def sync():
        for variable, value in (model._jax_state or {}).items():
            variable.assign(value)

    model.jax_state_sync = sync
    with pytest.raises(OSError), internals.variables_kept(model):
        for variable in (kernel, metric, rate):
            variable.assign(None)
        if trained:
            model._jax_state = {kernel: 1.5}
        raise OSError
    found = [variable.value for variable in (kernel, metric, rate)]
    assert found == [1.5 if trained else 1.0, 2.0, 3.0]


@pytest.mark.parametrize("name", ["sgd", "adam"])
def test_an_optimizer_knows_variables_in_its_step(name):
    """Also in the form in which the step receives them."""
    variables = [keras.Variable(np.ones(n, "float32")) for n in (1, 2, 3)]
    optimizer = keras.optimizers.get(name)
    optimizer.build(variables)
    wanted = [0, 1, 2]
    found = [internals.variable_index(optimizer, v) for v in variables]
    assert found == wanted
    in_steps = []
    update_step = optimizer.update_step

    def watched(gradient, variable, learning_rate):
        in_steps.append(internals.variable_index(optimizer, variable))
        update_step(gradient, variable, learning_rate)

    optimizer.update_step = watched
    optimizer.apply([keras.ops.ones_like(v) for v in variables])
    assert in_steps == wanted
