"""Every public layer says how to call it, by an example that runs."""

import inspect
import math
import re

import keras
import numpy as np
import pytest

import mimo_keras
from mimo_keras import layers
from tests import documents

every_class = pytest.mark.parametrize("name", layers.__all__)
# "x = … # (B, 4, 10)": a variable and the shape that its comment states.
_SHAPE = re.compile(r"^(\w+) = [^#\n]*#\s*(\(.*\))$", re.M)


@every_class
def test_the_example_runs_and_states_shapes_that_are_true(name):
    [(_, code)] = documents.fences(getattr(layers, name).__doc__, {"python"})
    assert name in code
    known = {"keras": keras, "math": math, "mimo_keras": mimo_keras, "np": np}
    exec(compile(code, name, "exec"), known)
    # In order: what a name is at the end is what its last line says.
    for variable, text in dict(_SHAPE.findall(code)).items():
        stated = text.strip("()").rstrip(",").split(", ")
        shape = ["B" if n is None else str(n) for n in known[variable].shape]
        assert [re.sub("[BN]", "B", size) for size in stated] == shape


@every_class
def test_every_argument_is_named_and_described(name):
    cls = getattr(layers, name)
    parameters = inspect.signature(cls).parameters.values()
    assert all(p.kind is not p.VAR_POSITIONAL for p in parameters)
    named = [p.name for p in parameters if p.kind is not p.VAR_KEYWORD]
    described = re.findall(r"^ {8}(\w+): ", cls.__doc__, re.M)
    assert set(named) <= set(described), cls.__doc__


@pytest.mark.parametrize(
    "name",
    [x for x in layers.__all__ if re.search("Conv|Dense[BR]|Dense$", x)],
)
def test_layers_with_kernels_take_the_members_by_name(name):
    parameter = inspect.signature(getattr(layers, name)).parameters.get(
        "ensemble_size"
    )
    if parameter is not None and name != "MultiplexConvolutions":
        assert parameter.kind is parameter.KEYWORD_ONLY
        assert parameter.default is parameter.empty
