"""The public names, their docstrings, and the examples in these."""

import ast
import importlib
import inspect
import io
import math
import re
import textwrap
import tokenize

import numpy as np

from mimo_keras.layers import protocols
from tests import documents
from tests.public_test import PACKAGES

OF_NO_WORK = {
    *("BernoulliMixture", "MeanMixture", "NegativeLogLikelihood"),
    *("SelectMember", "SeriesAsMap", "SplitInputs", "StandardizeImages"),
    *("InterpolatedQuantiles", "MixtureQuantiles", "Stage"),
}
"""What computes no more than its docstring's equation, which is no paper's."""

_HOOKS = [
    value
    for value in vars(protocols).values()
    if inspect.isclass(value) and value.__module__ == protocols.__name__
]
_CITING = re.compile(r"mimo_keras\.(layers|metrics|prediction)\.(\w+)$")
_TITLE = re.compile(r"^([A-Z][a-z]+(?: [a-z]+)?):$", re.M)
_SHAPE = re.compile(r"\([\w·, ]*,[\w·, ]*\)")


def public():
    """Returns what is public: each class or function with its names."""
    found = {}
    for package in (*PACKAGES, "mimo_keras.training.likelihoods"):
        module = importlib.import_module(package)
        for name in module.__all__:
            value = getattr(module, name)
            if inspect.isclass(value) or inspect.isfunction(value):
                found.setdefault(value, []).append(f"{package}.{name}")
    return found


def lacking(thing):
    """Returns the sections that a docstring should have and lacks."""
    text = inspect.getdoc(thing) or ""
    found = {*_TITLE.findall(text)}
    missing = []
    if _arguments(thing) and not found & {"Args", "Attributes"}:
        missing.append("Args")
    if inspect.isfunction(thing) and not found & {"Returns", "Yields"}:
        missing.append("Returns")
    if _raises(thing) and "Raises" not in found:
        missing.append("Raises")
    if not list(documents.fences(text, {"python"})):
        missing.append("Example")
    return missing


def unsourced(names):
    """Returns the names of what should cite a work by all of its names."""
    found = [_CITING.match(name) for name in names]
    return {each[2] for each in found if each} - OF_NO_WORK


def lacking_in_method(function):
    """Returns what a method's docstring lacks; its class has the example."""
    text = inspect.getdoc(function)
    if not text:
        return ["a docstring"]
    own = {*inspect.signature(function).parameters} - {"self", "cls"}
    has = {"Args": own, "Raises": _raises(function)}
    found = {*_TITLE.findall(text), text.split()[0]}  # "Raises … unless …"
    return [name for name in has if has[name] and name not in found]


def methods(thing):
    """Yields (name, function) of a class's own public methods.

    What a base describes is left out, also Keras's, and the hooks of layers,
    which `layers.protocols` describes.
    """
    above = [*thing.__mro__[1:], *_HOOKS]
    for name, value in vars(thing).items():
        function = getattr(value, "__func__", value)
        if name.startswith("_") or not inspect.isfunction(function):
            continue
        # A function as the default of a field is none.
        field = name in getattr(thing, "__dataclass_fields__", ())
        if not field and not any(name in vars(base) for base in above):
            yield name, function


def _arguments(thing):
    """Whether it has arguments of its own, besides those of a Keras layer."""
    try:
        parameters = inspect.signature(thing).parameters.values()
    except ValueError:  # An exception's.
        return False
    return any(p.kind is not p.VAR_KEYWORD for p in parameters)


def _raises(thing):
    """Whether a function's own code raises an error."""
    if not inspect.isfunction(thing):
        return False
    source = inspect.getsource(inspect.unwrap(thing))
    nodes = ast.walk(ast.parse(textwrap.dedent(source)))
    raised = [n.exc for n in nodes if isinstance(n, ast.Raise) and n.exc]
    return any("NotImplementedError" not in ast.unparse(x) for x in raised)


def run(code, names):
    """Runs an example and compares what its comments say.

    A comment after an expression is its value, as `str` writes it; one that is
    a shape, such as (5, K), may also be its shape.

    Args:
        code: The example.
        names: Dictionary of the names that it may use.

    Yields:
        A line for each comment that is not true.
    """
    names = {"math": math, "np": np, **names}
    comments = {
        token.start[0]: token.string.lstrip("# ")
        for token in tokenize.generate_tokens(io.StringIO(code).readline)
        if token.type == tokenize.COMMENT
    }
    for node in ast.parse(code).body:
        said = comments.get(node.end_lineno)
        if isinstance(node, ast.Expr):
            value = eval(_compiled(node.value, "eval"), names)
            if said and not _is(value, said):
                yield f"{ast.unparse(node)} is {value}, not {said}"
            continue
        exec(_compiled(node, "exec"), names)


def _compiled(node, mode):
    whole = ast.Expression(node) if mode == "eval" else ast.Module([node], [])
    return compile(whole, "example", mode)


def _is(value, said):
    if str(value) == said or _has_shape(value, said):
        return True
    return hasattr(value, "shape") and str(np.asarray(value).tolist()) == said


def _has_shape(value, said):
    """Whether a text is a value's shape, whose letters stand for any size."""
    if not _SHAPE.fullmatch(said) or not hasattr(value, "shape"):
        return False
    sizes = [size for size in said.strip("() ").split(",") if size.strip()]
    shape = [*value.shape]
    return len(sizes) == len(shape) and all(
        not size.strip().isdigit() or int(size) == n
        for size, n in zip(sizes, shape, strict=True)
    )
