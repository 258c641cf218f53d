"""Checks the values of a flags.json: each must be one its flag can have."""

import dataclasses
import sys
import types
import typing

from absl import flags as absl_flags

from mimo_keras.errors import expected
from uncertainty_runs.common import flags

# Of settings that only a recipe has.
_COUNT = absl_flags.IntegerParser(1, 2**31 - 1)
_OF_RECIPES = {
    "batch_size": _COUNT,
    "images_per_rate": _COUNT,
    "lr_decay_of": _COUNT,
    "optimizer": absl_flags.EnumParser(["sgd", "adam"]),
    "schedule": absl_flags.EnumParser(["steps", "cosine"]),
}
_NAMES = {int: "a whole number", float: "a finite number", str: "a text"}
_NAMES |= {bool: "true or false", types.NoneType: "null"}


def check(kind, values, path):
    """Raises InputError if a value is not one that a run can have.

    Args:
        kind: Dataclass of the fields; other values are not looked at.
        values: Name -> value, as read from JSON.
        path: The file, for the message.
    """
    for field in dataclasses.fields(kind):
        if field.name not in values:
            continue
        value = values[field.name]
        what = _wanted(field, value)
        if what is not None:
            raise expected(
                f"{what} as {field.name} in {path}",
                f"{field.name}={_shortened(value)}",
                "Put it right, or delete the file and run the training command "
                "again: it resumes, and writes the file anew.",
            )


def _wanted(field, value):
    """Returns what the value should be; None if it is that."""
    if not _has_type(value, field.type):
        return _named(field.type)
    parser = flags.parsers().get(field.name) or _OF_RECIPES.get(field.name)
    choices = getattr(parser, "enum_values", None)
    if value is None or parser is None:
        return None
    if choices is not None:
        return None if value in choices else f"one of {', '.join(choices)}"
    outside = getattr(parser, "is_outside_bounds", None)
    if outside is not None and outside(value):
        return parser.syntactic_help
    return None


def _has_type(value, kind):
    if isinstance(kind, types.UnionType):
        return any(_has_type(value, part) for part in typing.get_args(kind))
    if typing.get_origin(kind) is tuple:
        part = typing.get_args(kind)[0]
        return isinstance(value, list) and all(
            _has_type(item, part) for item in value
        )
    if kind is float:
        number = type(value) in (int, float)
        return number and abs(value) <= sys.float_info.max
    return type(value) is kind


def _named(kind):
    if isinstance(kind, types.UnionType):
        return " or ".join(map(_named, typing.get_args(kind)))
    if typing.get_origin(kind) is tuple:
        return f"a list, each item {_named(typing.get_args(kind)[0])},"
    return _NAMES[kind]


def _shortened(value, most=80):
    text = ascii(value)
    return text if len(text) <= most else f"{text[:most]}…"
