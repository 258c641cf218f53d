"""The networks of keras.applications, and the table about them."""

import json
import pathlib

import keras
import numpy as np
import pytest

from benchmarks import applications
from mimo_keras.errors import InputError

ROOT = pathlib.Path(__file__).resolve().parents[2]
RECORD = ROOT / "results/applications.json"


def _network(last, input_tensor, **_):
    x = keras.layers.Rescaling(1 / 255)(input_tensor)
    x = last(keras.layers.Conv2D(4, 3, activation="relu")(x))
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(keras.utils.get_source_inputs(input_tensor), x)


def tiny(**options):
    """Stands in for a network; all its layers have members."""
    return _network(keras.layers.Conv2D(5, 3), **options)


def separable(**options):
    return _network(keras.layers.SeparableConv2D(5, 3), **options)


def broken(**options):
    raise ValueError("No\nlayers.")


def test_a_row_says_what_became_of_a_network(monkeypatch):
    for make in (tiny, separable, broken):
        monkeypatch.setattr(
            keras.applications, make.__name__, make, raising=False
        )
    row = applications.tried("tiny", norm_scale=0.5)
    assert row == {
        "name": "tiny",
        "side": 64,
        "folded": True,
        "exported": True,
        "mimo": "yes",
        "precision": "float32",
        "norm_scale": 0.5,
        "batch_ensemble": "yes",
    }
    monkeypatch.setattr(applications, "_mimo", lambda *_: None)
    row = applications.tried("separable")
    assert "of type SeparableConv2D" in row["batch_ensemble"]
    assert "no: `SeparableConv2D`" in applications.table([row])
    assert applications.tried("broken")["batch_ensemble"] == "No layers."


def test_what_rounding_may_explain_is_repeated_in_float64(monkeypatch):
    monkeypatch.setattr(keras.applications, "tiny", tiny, raising=False)
    monkeypatch.setitem(applications.CLOSE, "float32", -1.0)
    for telling, precision, scale in (
        (1e-3, "float32", 1.0),
        (1e-9, "float64", applications.CALM),
    ):
        monkeypatch.setattr(applications, "TELLING", telling)
        row = {}
        applications._mimo("tiny", row)
        assert row == {
            "precision": precision,
            "norm_scale": scale,
            "folded": True,
            "exported": True,
        }
    assert keras.config.floatx() == "float32"
    monkeypatch.setitem(applications.CLOSE, "float64", -1.0)
    monkeypatch.setattr(applications, "TELLING", 1.0)
    monkeypatch.setattr(applications, "ROUNDINGS", np.nan)
    with pytest.raises(InputError, match="its predictor differs"):
        applications._mimo("tiny", {})
    monkeypatch.setattr(applications, "TELLING", np.nan)
    with pytest.raises(InputError, match="one rounding changes its logits"):
        applications._mimo("tiny", {})


def test_images_are_rounded_up_and_down():
    images = np.arange(256, dtype="uint8").reshape(4, 64)
    change = applications.rounded(images) / np.maximum(images, 1e-9) - 1
    found = np.unique(np.sign(change[images > 0]))
    np.testing.assert_array_equal(found, [-1, 1])
    assert np.abs(change[images > 0]).max() < 2 * np.finfo("float32").eps


def test_the_document_has_the_table_of_the_record():
    rows = json.loads(RECORD.read_text("utf-8"))["networks"]
    text = (ROOT / "docs/applications.md").read_text("utf-8")
    assert applications.table(rows) in text
    names = {row["name"] for row in rows}
    assert names <= set(applications.list_networks())
    # Those that have not been run are named below the table.
    assert all(f"`{name}`" in text for name in applications.list_networks())
    assert {row["mimo"] for row in rows} == {"yes"}
