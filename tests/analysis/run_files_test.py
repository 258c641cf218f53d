"""A run's files are read completely, or rejected in one line."""

import numpy as np
import pytest

from mimo_keras.analysis.run_files import read_arrays, read_json, read_metrics
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
    assert message.endswith("it resumes and rewrites the file.")


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
