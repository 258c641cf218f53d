"""What a plain install lacks is named with the extra that has it."""

import sys

import numpy as np
import pytest

from mimo_keras import data, extras
from mimo_keras.analysis import style
from mimo_keras.data import pixel_corruptions
from mimo_keras.errors import InputError

IMAGES = np.zeros((1, 8, 8))


@pytest.mark.parametrize(
    ("package", "extra", "use"),
    [
        ("matplotlib", "plots", style.drawn(lambda: None)),
        ("tensorflow_datasets", "data", lambda: data.load("cifar10", "test")),
        (
            "PIL",
            "data",
            lambda: pixel_corruptions.jpeg_compression(IMAGES, None, 9),
        ),
    ],
)
def test_a_missing_package_is_one_line(monkeypatch, package, extra, use):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(InputError) as caught:
        use()
    before, _, after = str(caught.value).partition(" Received: ")
    assert before == f"Expected the packages of mimo_keras[{extra}]."
    received, _, remedy = after.partition(". Run: ")
    assert package in received
    assert remedy == f"pip install 'mimo_keras[{extra}]'."


def test_all_that_an_extra_lacks_is_named_at_once(monkeypatch):
    extras.check("runs")
    there = extras.importlib.util.find_spec
    missing = ("matplotlib", "tensorboard")
    monkeypatch.setattr(
        extras.importlib.util,
        "find_spec",
        lambda name: None if name in missing else there(name),
    )
    extras.check("data")
    with pytest.raises(InputError, match="Received: no matplotlib, tensorboa"):
        extras.check("runs")
