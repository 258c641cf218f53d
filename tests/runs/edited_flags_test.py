"""A flags.json edited by hand is a run's, or refused in one line."""

import dataclasses
import json
import math
import random

import pytest

from mimo_keras import data
from mimo_keras.errors import InputError
from uncertainty_runs.common import models
from uncertainty_runs.common.config import FREE, RunConfig

# Values of each type of JSON; some are what a flag may have, for some flags.
VALUES = (
    *(None, True, 0, 1, -1, 2**31, 10**30, 1.5, -0.5, 1e308),
    *(math.nan, math.inf, "", "x", "1", "\ud800", "a\0b"),
    *([], [1], ["a"], [None], [10**30], [[1]], {}, {"a": 1}),
)


@pytest.fixture
def written(resolve):
    """The content of the flags.json of a small run."""
    return json.loads(
        json.dumps(resolve("mimo:2:backbone=mlp_4").to_json(), allow_nan=False)
    )


def edits(written):
    for name in written:
        for value in VALUES:
            if value != written[name]:
                yield written | {name: value}
        yield {n: v for n, v in written.items() if n != name}
        yield {n: v for n, v in written.items() if n != name} | {f"{name}s": 1}


def test_every_edit_is_a_config_or_one_line(written):
    refused, configs = 0, []
    for values in edits(written):
        try:
            configs.append(RunConfig.from_json(values, "run/flags.json"))
        except InputError as error:
            refused += 1
            assert "run/flags.json" in str(error)
            assert "\n" not in str(error)
    assert refused > 1000 and len(configs) > 200
    # What is let through has the types that the fields declare.
    for config in configs:
        saved = json.loads(json.dumps(config.to_json()))
        assert RunConfig.from_json(saved, "again") == config


def test_a_config_from_an_edit_makes_a_model_or_one_line(written):
    """A sample of those that are let through."""
    test, seen = data.load("digits", "test"), set()
    made = refused = 0
    every = [*edits(written)]
    for values in random.Random(0).sample(every, len(every)):
        try:
            config = RunConfig.from_json(values, "run/flags.json")
        except InputError:
            continue
        free = {name: getattr(RunConfig, name, None) for name in FREE}
        key = dataclasses.replace(config, **{**free, "output_dir": ""})
        if key in seen or len(seen) > 30:
            continue
        seen.add(key)
        try:
            models.build_model(config, test, unique=1, steps=1)
            made += 1
        except InputError:
            refused += 1
    assert made and refused


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("seed", "42", "a whole number as seed"),
        ("seed", -1, "an integer in the range [0, 4294967295] as seed"),
        ("seed", True, "a whole number as seed"),
        ("l2", math.nan, "a finite number as l2"),
        ("nesterov", 1, "true or false as nesterov"),
        ("optimizer", "rmsprop", "one of sgd, adam as optimizer"),
        ("dataset", "svhn", "one of cifar10, cifar100, digits"),
        ("lr_decay_epochs", [1.5], "a list, each item a whole number, as"),
        ("samples", "x" * 500, "a whole number or null as samples"),
    ],
)
def test_the_message_says_what_the_value_should_be(
    written, name, value, wanted
):
    with pytest.raises(InputError) as caught:
        RunConfig.from_json(written | {name: value}, "run/flags.json")
    said = str(caught.value)
    assert said.startswith(f"Expected {wanted}") and len(said) < 400
    assert "in run/flags.json. Received: " in said
    assert said.endswith("it resumes, and writes the file anew.")


def test_whole_numbers_are_numbers_and_lists_are_tuples(written):
    values = written | {"l2": 1, "lr_decay_epochs": [5, 6]}
    config = RunConfig.from_json(values, "flags.json")
    assert (config.l2, config.lr_decay_epochs) == (1, (5, 6))
