"""Our layers compute what edward2's compute with Keras 2."""

import os
import subprocess
import sys

import keras
import numpy as np
import pytest

from mimo_keras import layers
from tests.layers import edward2_run

pytestmark = pytest.mark.tensorflow


@pytest.fixture(scope="module")
def theirs(tmp_path_factory):
    """The results of edward2 itself, in a process with Keras 2."""
    path = tmp_path_factory.mktemp("edward2") / "theirs.npz"
    environment = {
        **os.environ,
        "TF_USE_LEGACY_KERAS": "1",
        "TF_CPP_MIN_LOG_LEVEL": "2",
    }
    done = subprocess.run(
        [sys.executable, edward2_run.__file__, str(path)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    with np.load(path) as file:
        return dict(file)


@pytest.fixture(scope="module")
def ours():
    return edward2_run.run_all(layers, keras.optimizers.SGD)


@pytest.mark.parametrize("case", edward2_run.CASES)
def test_outputs_gradients_and_trained_weights_agree(case, ours, theirs):
    expected = {k: v for k, v in theirs.items() if k.startswith(f"{case}/")}
    assert expected.keys() == {k for k in ours if k.startswith(f"{case}/")}
    for name, values in expected.items():
        np.testing.assert_allclose(
            ours[name], values, rtol=1e-5, atol=1e-5, err_msg=name
        )


@pytest.mark.parametrize("case", edward2_run.CASES)
def test_fast_weights_matter_in_the_reference(case, theirs):
    changed = [
        value
        for name, value in theirs.items()
        if name.startswith(f"{case}/gradient_of_")
    ]
    assert len(changed) >= 3
    assert all(np.abs(value).max() > 1e-3 for value in changed)
