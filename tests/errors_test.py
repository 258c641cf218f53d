"""One line says what was expected, what was received and what to do."""

import pickle

import keras
import numpy as np
import pytest

from mimo_keras.errors import (
    AbsentError,
    InputError,
    argument,
    closest,
    expected,
)


def test_the_words():
    error = expected("a", "b=1", "Do c.")
    assert isinstance(error, InputError)
    assert isinstance(error, ValueError)
    assert str(error) == "Expected a. Received: b=1. Do c."


@pytest.mark.parametrize(
    ("value", "names", "found"),
    [
        ("tflite", ("tf_saved_model", "litert", "onnx"), "litert"),
        ("saved_model", ("tf_saved_model", "litert", "onnx"), "tf_saved_model"),
        ("ONNX", ("tf_saved_model", "litert", "onnx"), "onnx"),
        ("Deep-Ensemble", ("mimo", "deep_ensemble"), "deep_ensemble"),
        ("mimmo2", ("mimo", "mimmo"), "mimmo"),
        ("cnn_16", ("mlp[_{units}]", "cnn[_{width}]"), "cnn[_{width}]"),
        ("net28_10", ("net_{depth}_{width}",), "net_{depth}_{width}"),
        ("cifar-10", ("cifar100", "cifar10"), "cifar10"),
    ],
)
def test_the_closest_of_the_known_names_is_offered(value, names, found):
    assert closest(value, names) == f"Did you mean {found!r}?"


@pytest.mark.parametrize("value", ["h5", "", "0", None, 3, ["mimo"]])
def test_nothing_is_offered_that_is_unlike(value):
    assert closest(value, ("mimo", "litert")) == "Choose one of these."
    assert closest(value, ("mimo",), "Leave it out.") == "Leave it out."
    assert closest(value, ()) == "Choose one of these."


def test_it_is_one_line_whatever_came():
    error = expected("an\narray", "x=[[1]\n     [2]]", "Do\t so.")
    assert str(error) == "Expected an array. Received: x=[[1] [2]]. Do so."


@keras.saving.register_keras_serializable("tests")
class _Refusing(keras.layers.Layer):
    def call(self, x):
        raise expected("nothing", f"rank={len(x.shape)}", "Leave it.")

    def compute_output_shape(self, input_shape):
        return input_shape


@pytest.mark.parametrize("depth", [1, 2])
def test_keras_adds_no_lines_to_it(depth):
    """Keras adds the call's arguments to a layer's error or a ValueError."""
    layer = _Refusing()
    for _ in range(depth - 1):
        layer = keras.Sequential([layer])
    with pytest.raises(InputError) as caught:
        layer(np.zeros((2, 3), "float32"))
    wanted = "Expected nothing. Received: rank=2. Leave it."
    assert str(caught.value) == wanted


def _with_arguments():
    folder, fetch = argument("data_dir", "FOLDER"), argument("download", True)
    return expected(
        "data", f"{argument('data_dir')}=None", f"Pass {folder},\nor {fetch}."
    )


def test_a_message_names_arguments():
    assert str(_with_arguments()) == (
        "Expected data. Received: data_dir=None. "
        "Pass data_dir=FOLDER, or download=True."
    )


def test_a_script_calls_them_by_its_own_names():
    heard = []

    def say(name, value):
        heard.append((name, value))
        return f"--{name}" if name == "download" else None

    assert _with_arguments().worded(say) == (
        "Expected data. Received: data_dir=None. "
        "Pass data_dir=FOLDER, or --download."
    )
    assert heard == [
        ("data_dir", ""),
        ("data_dir", "FOLDER"),
        ("download", "True"),
    ]


def test_what_looks_like_an_argument_is_left_alone():
    error = expected("a", "path=data_dir=x \0 y", f"Do {argument('b')}.")
    assert str(error).endswith("path=data_dir=x \0 y. Do b.")
    assert error.worded(lambda name, value: "--c").endswith("Do --c.")
    assert InputError("Plain b.").worded(lambda *_: "--c") == "Plain b."


def test_advice_is_added_in_the_words_of_whoever_tells_it():
    error = expected("a", "b", f"Do {argument('c')}.", AbsentError)
    more = error.advising(f"Or {argument('d', 1)}.")
    assert type(more) is AbsentError
    assert str(more) == "Expected a. Received: b. Do c. Or d=1."
    assert more.worded(lambda name, value: f"--{name}{value}") == (
        "Expected a. Received: b. Do --c. Or --d1."
    )
    assert str(InputError("A.").advising("B.")) == "A. B."


def test_it_survives_a_process_of_its_own():
    """Workers and data loaders pickle what they raise."""
    error = pickle.loads(pickle.dumps(_with_arguments()))
    assert "--data_dir" in error.worded(lambda name, value: f"--{name}")
