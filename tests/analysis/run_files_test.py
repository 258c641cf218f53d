"""A run's files are read completely, or rejected in one line."""

import numpy as np
import pytest

from mimo_keras.analysis.run_files import (
    read_arrays,
    read_drawn,
    read_json,
    read_metrics,
)
from mimo_keras.errors import InputError


@pytest.mark.parametrize("content", [None, "", '{"test/nll": 0.', "[1]"])
def test_bad_json_is_one_line(tmp_path, content):
    path = tmp_path / "results.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(InputError) as caught:
        read_json(path)
    message = str(caught.value)
    assert "\n" not in message and str(path) in message
    again = "un the command that made the folder again: it resumes, and writes"
    if content is None:
        assert message.endswith(f" R{again} it.")
    else:
        assert message.endswith(f" Delete the file, and r{again} it anew.")


@pytest.mark.parametrize("depth", [40, 200, 100_000])
def test_json_that_is_nested_too_deep_to_write_is_refused(tmp_path, depth):
    path = tmp_path / "results.json"
    path.write_text('{"a": ' + "[" * depth + "]" * depth + "}")
    if depth < 50:
        assert len(read_json(path)["a"]) == 1
        return
    with pytest.raises(InputError, match="a whole results.json"):
        read_json(path)


def test_json_is_read(tmp_path):
    path = tmp_path / "results.json"
    path.write_text('{"test/nll": 0.5}')
    assert read_json(path) == {"test/nll": 0.5}


def test_metrics_are_floats_and_a_cut_row_has_holes(tmp_path):
    path = tmp_path / "metrics.csv"
    path.write_text("epoch,loss,val_loss\n0,1.5,\n1,1.2")
    assert read_metrics(path) == [
        {"epoch": 0.0, "loss": 1.5, "val_loss": None},
        {"epoch": 1.0, "loss": 1.2, "val_loss": None},
    ]
    assert read_metrics(tmp_path / "none.csv") == []


def test_a_row_with_too_many_fields_keeps_the_named_ones(tmp_path):
    path = tmp_path / "metrics.csv"
    path.write_text("epoch,loss\n0,1.5,7,8\n")
    assert read_metrics(path) == [{"epoch": 0.0, "loss": 1.5}]


@pytest.mark.parametrize(
    "content", [b"epoch,loss\n0,\xff\n", b'epoch\n"' + b"x" * 200_000]
)
def test_a_table_that_is_no_text_is_refused(tmp_path, content):
    path = tmp_path / "metrics.csv"
    path.write_bytes(content)
    with pytest.raises(InputError, match="a whole metrics.csv.*Delete the"):
        read_metrics(path)


SHAPES = {
    "reliability_count": np.zeros((2, 2)),
    "reliability_accuracy": np.zeros(1),
    "corrupted_reliability_confidence": np.array("x"),
    "risk": np.zeros(0),
    "risk_coverage": np.array(["a", "b"]),
    "disagreement_matrix": np.zeros(3),
    "kl_matrix": np.zeros((2, 9)),
    "ood_svhn_in": np.zeros((4, 4)),
    "ood_svhn_out": np.array(0.5),
}


@pytest.mark.parametrize("name", SHAPES)
def test_arrays_of_other_shapes_are_refused(tmp_path, arrays, name):
    path = tmp_path / "arrays.npz"
    np.savez(path, **arrays, other=np.zeros((1, 2, 3)))
    assert read_drawn(path).keys() == {*arrays, "other"}
    np.savez(path, **{**arrays, name: SHAPES[name]})
    with pytest.raises(InputError, match="a whole arrays.npz.*Delete the file"):
        read_drawn(path)


def test_arrays_are_read(tmp_path, arrays):
    np.savez(tmp_path / "arrays.npz", **arrays)
    found = read_arrays(tmp_path / "arrays.npz")
    assert found.keys() == arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)
    assert read_arrays(tmp_path / "none.npz") == {}


def test_pickles_are_refused(tmp_path):
    path = tmp_path / "arrays.npz"
    np.savez(path, hostile=np.array([{}], dtype=object))
    with pytest.raises(InputError, match="a whole arrays.npz"):
        read_arrays(path)


@pytest.mark.parametrize("keep", [0, 10, 300, -1])
def test_half_an_archive_is_refused(tmp_path, arrays, keep):
    path = tmp_path / "arrays.npz"
    np.savez(path, **arrays)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(InputError, match="a whole arrays.npz"):
        read_arrays(path)


def test_a_single_array_is_no_archive(tmp_path):
    path = tmp_path / "arrays.npz"
    with path.open("wb") as file:
        np.save(file, np.zeros(3))
    with pytest.raises(InputError, match="a whole arrays.npz"):
        read_arrays(path)
