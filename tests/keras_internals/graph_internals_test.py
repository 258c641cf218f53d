"""Keras's private names of graphs still mean what is relied on."""

import keras
import pytest

from mimo_keras import keras_internals as internals


def _names(layers):
    return sorted(layer.name for layer in layers)


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


def test_two_layers_of_one_name_are_named():
    x = keras.Input((2,))
    y = keras.layers.Dense(2, name="twice")(x)
    with pytest.raises(ValueError, match="2 times") as error:
        keras.Model(x, keras.layers.Dense(2, name="twice")(y))
    assert internals.repeated_name(error.value) == "twice"
    assert internals.repeated_name(ValueError("Another.")) is None
