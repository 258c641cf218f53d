"""Keras's private behaviour still exists, under the names used here."""

import types

import keras
import numpy as np
import pytest

from mimo_keras import keras_internals as internals
from mimo_keras.errors import InputError


@pytest.fixture
def network():
    """Two inputs through three layers, one of which is called twice."""
    x = keras.Input((2,), name="x")
    twice = keras.layers.Dense(2, name="twice")
    inner = keras.Sequential(
        [keras.Input((2,)), keras.layers.Dense(3, name="deep")], name="inner"
    )
    y = keras.layers.Add(name="add")([x, twice(twice(x))])
    return keras.Model(x, inner(y))


class _Scaled(keras.layers.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.within = keras.layers.Dense(1, name="within")

    def build(self, input_shape):
        self.scale = self.add_weight(shape=(), name="scale")
        self.count = self.add_weight(shape=(), trainable=False, name="count")
        self.within.build(input_shape)

    def call(self, x):
        return self.within(self.scale * x)


def _names(layers):
    return sorted(layer.name for layer in layers)


class _Falling(internals.LowerIsBetter, keras.metrics.Mean):
    pass


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


def test_layers_within_are_all_and_not_the_model(network):
    found = internals.layers_within(network)
    named = [
        x.name for x in found if not isinstance(x, keras.layers.InputLayer)
    ]
    assert sorted(named) == ["add", "deep", "inner", "twice"]


def test_layers_within_reach_what_a_layer_holds():
    assert _names(internals.layers_within(_Scaled())) == ["within"]


@pytest.mark.parametrize("trainable", [True, False])
def test_own_variables_are_no_other_layer_s(trainable):
    layer = _Scaled(trainable=trainable)
    layer.build((None, 2))
    [own] = internals.own_trainable_variables(layer)
    assert own is layer.scale
    assert own.trainable == trainable


def test_the_maker_is_the_layer_that_returned_a_tensor(network):
    assert internals.maker(network.output).name == "inner"
    assert internals.maker(network.input).name == "x"


def test_calls_are_counted(network):
    counts = {x.name: internals.call_count(x) for x in network.layers[:3]}
    assert counts == {"x": 1, "twice": 2, "add": 1}


def test_readers_are_those_behind_once_for_each_reading(network):
    behind = {x.name: _names(internals.readers(x)) for x in network.operations}
    assert behind == {
        "x": ["add", "twice"],
        "twice": ["add", "twice"],
        "add": ["inner"],
        "inner": [],
    }


def test_calls_of_one_layer_are_told_apart(network):
    """The first result of "twice" is read by "twice", the second by "add"."""
    [x] = network.inputs
    calls = dict(internals.calls_on(x))
    assert sorted(layer.name for layer in calls) == ["add", "twice"]
    [first] = calls[network.get_layer("twice")]
    behind = internals.calls_on(first)
    assert _names(layer for layer, _ in behind) == ["twice"]


def test_a_graph_runs_with_other_calls(network):
    """Where layers become sums and doublings: 2 · (x + 2 · 2 · x)."""
    become = {"add": sum}
    function = keras.Function(network.inputs, network.outputs)

    def doubled(x, **_):
        return 2 * x

    result = internals.run_graph(
        function, [3], lambda operation: become.get(operation.name, doubled)
    )
    assert result == [30]


def _compiled(**options):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("adam", "mse", **options)
    return model


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
            return (other, np.ones((7, 1))) if chosen else None

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


class _Refusing(keras.layers.Layer):
    def __init__(self, error):
        super().__init__()
        self.error = error

    def call(self, x):
        raise self.error


@pytest.mark.parametrize(
    ("error", "kept"), [(InputError("No."), True), (ValueError("No."), False)]
)
def test_keras_leaves_the_message_of_a_one_line_error(error, kept):
    with pytest.raises(type(error)) as caught:
        _Refusing(error)(np.zeros((2, 3), "float32"))
    assert (str(caught.value) == "No.") is kept


def test_the_size_of_a_network_is_known_before_it_is_created(network):
    config = keras.saving.serialize_keras_object(network)
    # Two kernels and two biases, of 2x2 + 2 and 2x3 + 3 float32 each.
    assert internals.claimed_bytes(config) == 4 * (6 + 9)
    (deep,) = (
        layer
        for layer in config["config"]["layers"]
        if layer["class_name"] == "Sequential"
    )
    deep["config"]["layers"][1]["config"]["units"] = 10**13
    assert internals.claimed_bytes(config) == 4 * (6 + 3 * 10**13)
    wrong = {
        "module": "keras.layers",
        "class_name": "Dense",
        "config": {"units": -1},
    }
    assert internals.claimed_bytes(wrong) is None
    # Nothing waits for its values afterwards.
    with keras.StatelessScope():
        pass
    assert keras.layers.Dense(2)(np.ones((1, 2))).shape == (1, 2)


def test_two_layers_of_one_name_are_named():
    x = keras.Input((2,))
    y = keras.layers.Dense(2, name="twice")(x)
    with pytest.raises(ValueError, match="2 times") as error:
        keras.Model(x, keras.layers.Dense(2, name="twice")(y))
    assert internals.repeated_name(error.value) == "twice"
    assert internals.repeated_name(ValueError("Another.")) is None


def test_a_part_that_was_replaced_is_forgotten():
    layer = keras.layers.TimeDistributed(keras.layers.Dense(2))
    other = keras.layers.Dense(3)
    internals.forget_layer(layer, layer.layer)
    layer.layer = other
    assert internals.layers_within(layer) == [other]


def test_an_old_file_is_noticed_while_it_is_written(tmp_path):
    seen = []

    class Noting(keras.layers.Dense):
        def get_config(self):
            seen.append(internals.writes_old_file())
            return super().get_config()

    model = keras.Sequential([keras.Input((2,)), Noting(1)])
    keras.saving.save_model(model, tmp_path / "model.h5")
    keras.saving.save_model(model, tmp_path / "model.keras")
    assert seen[0] and not seen[-1]
