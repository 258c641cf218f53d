"""Fixtures for the scripts: processes that run them, and finished runs."""

import shutil

import numpy as np
import pytest
from absl import flags
from absl.testing import flagsaver

from mimo_keras import data
from tests import once
from tests.runs import outputs, processes
from tests.runs.processes import SHORT
from uncertainty_runs.common import config, run_data
from uncertainty_runs.common.flags import define_flags


@pytest.fixture
def cifar(tmp_path):
    """A function that runs a short cifar.py in the test's own folder."""

    def run(*flags, before=None):
        return _short(tmp_path, *flags, before=before)

    return run


def _short(folder, *flags, before=None):
    actions = [processes.few, *([before] if before else [])]
    return processes.run([*SHORT, *flags], folder, processes.together(*actions))


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """The output of a plain command, and the folder of its run."""

    def make(folder):
        flags = [*SHORT, "--output_dir=run", "--export"]
        return processes.run_plainly(flags, folder)

    folder, said = once.made(tmp_path_factory, "finished", make)
    return said, folder / "run"


@pytest.fixture(scope="session")
def folder(finished):
    """The folder of the finished run; read-only."""
    return finished[1]


@pytest.fixture(scope="session")
def results(folder):
    """The results.json of the finished run."""
    return outputs.results(folder)


@pytest.fixture(scope="session")
def short(folder, tmp_path_factory):
    """The folder of that run as `cifar` evaluates it; read-only."""

    def make(here):
        shutil.copytree(folder, here / "run")
        for name in ("results.json", "arrays.npz", "report.html"):
            (here / "run" / name).unlink()
        done = _short(here, "--output_dir=run")
        assert (done.status, done.stderr) == (0, ""), done

    return once.made(tmp_path_factory, "short", make)[0] / "run"


@pytest.fixture
def used(short, tmp_path):
    """A copy of the short run's folder, by the name of its --output_dir."""
    return shutil.copytree(short, tmp_path / "run")


@pytest.fixture
def parse():
    """A function that reads a command line into the flags of cifar.py."""
    before = set(flags.FLAGS)
    define_flags(run_data.IN_MEMORY)

    def read(*line):
        flags.FLAGS.unparse_flags()
        flags.FLAGS(["cifar.py", *line])

    with flagsaver.flagsaver():
        yield read
    flags.FLAGS.remove_flag_values(set(flags.FLAGS) - before)


@pytest.fixture
def resolve(parse):
    """A function from a study's entry to its `RunConfig` on digits."""

    def resolved(entry):
        method, members, *options = entry.split(":")
        parse(
            "--dataset=digits",
            f"--method={method}",
            f"--ensemble_size={members}",
            *(f"--{option}" for option in options),
        )
        return config.resolve()

    return resolved


@pytest.fixture
def examples():
    """Six grey 8x8 images of three classes."""
    draw = np.random.default_rng(0)
    images = draw.integers(0, 256, (6, 8, 8, 1), dtype=np.uint8)
    labels = np.array([0, 1, 2, 2, 1, 0])
    return data.Examples("six", images, labels, 3)
