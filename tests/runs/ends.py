"""Compares the files of two runs."""

import numpy as np

from mimo_keras import data
from tests.runs import outputs

OUTCOME = ("results.json", "report.html", "saved_model")


def left_by(folder):
    """Returns the names of checkpoints and result files, sorted."""
    found = [folder / name for name in OUTCOME if (folder / name).exists()]
    found += (folder / "checkpoints").glob("epoch*")
    return sorted(path.name for path in found)


def assert_same_end(folder, uninterrupted):
    """Compares the files of training with those of an uninterrupted run."""
    found, wanted = (
        outputs.rows(run, times=False) for run in (folder, uninterrupted)
    )
    assert found == wanted
    for name in ("epoch_000002.npz", "epoch_000003.npz"):
        with (
            np.load(folder / "checkpoints" / name) as found,
            np.load(uninterrupted / "checkpoints" / name) as wanted,
        ):
            assert found.files == wanted.files
            for array in sorted(set(found.files) - {"record"}):
                np.testing.assert_array_equal(found[array], wanted[array])


def assert_same_results(folder, uninterrupted):
    """Compares results.json with that of an uninterrupted run."""
    found, wanted = (
        outputs.results(run, times=False) for run in (folder, uninterrupted)
    )
    assert found == wanted


def assert_same_answers(folder, uninterrupted):
    """Compares the exported predictor's outputs with those of another."""
    import tensorflow as tf

    images = data.load("digits", "test").images
    answers = []
    for run in (folder, uninterrupted):
        served = tf.saved_model.load(str(run / "saved_model"))
        answers.append(served.serve(images))
    found, wanted = answers
    assert found.keys() == wanted.keys()
    for name, values in found.items():
        np.testing.assert_array_equal(values, wanted[name], err_msg=name)


def assert_nothing_is_left_over(folder):
    """No temporary file is left, and no lock."""
    hidden = [path.name for path in folder.rglob(".*")]
    assert not hidden, hidden
