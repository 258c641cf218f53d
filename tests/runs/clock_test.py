"""A clock that is set back during a run changes nothing."""

import functools
import time

from tests.runs import outputs, processes
from tests.runs.ends import assert_same_end, assert_same_results

STEP = "keras.callbacks:TensorBoard.on_train_batch_end"
DAY = 86_400


def set_back():
    """Sets back Python's clock by a day, and the next day by another."""
    for name in ("time", "time_ns", "localtime", "gmtime"):
        setattr(time, name, functools.partial(_earlier, getattr(time, name)))


def _earlier(read, *when):
    if when:
        return read(*when)
    if read.__name__ in ("localtime", "gmtime"):
        return read(time.monotonic())  # 1970, like a board without a battery.
    return read() - DAY * (10**9 if read.__name__ == "time_ns" else 1)


def test_a_clock_that_goes_back_changes_nothing(short, cifar, tmp_path):
    back = functools.partial(processes.at, STEP, 13, set_back)
    done = cifar("--output_dir=run", "--export", before=back)
    assert (done.status, done.stderr) == (0, "")
    run = tmp_path / "run"
    assert_same_end(run, short)
    assert_same_results(run, short)
    for row in outputs.rows(run):
        assert 0 <= float(row["seconds"]) < processes.SECONDS
    assert 0 < outputs.results(run)["cost/ms_per_example"] < 1000
