"""What a plain install lacks is named with the extra that has it."""

import sys

import pytest

from mimo_keras import data
from mimo_keras.errors import InputError


def test_a_missing_package_is_one_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_datasets", None)
    with pytest.raises(InputError) as caught:
        data.load("cifar10", "test")
    before, _, after = str(caught.value).partition(" Received: ")
    assert before == "Expected the packages of mimo_keras[data]."
    received, _, remedy = after.partition(". Run: ")
    assert "tensorflow_datasets" in received
    assert remedy == "pip install 'mimo_keras[data]'."
