"""A script: three runs of cifar.py in one process, on a file system in memory.

The first is killed while a checkpoint gets its name, the second stops on
request in the middle of an epoch, the third finishes. Then their files are
copied to the local folder "run".
"""

import contextlib
import os
import pathlib
import signal

from absl import flags

from mimo_keras.errors import Stopped
from mimo_keras.paths import as_path, files_below
from tests.published_data import copied
from tests.runs import processes
from uncertainty_runs import cifar
from uncertainty_runs.common import run_data, script
from uncertainty_runs.common.flags import define_flags

_STEP = "keras.callbacks:TensorBoard.on_train_batch_end"


class _Killed(BaseException):
    """What nothing handles, like a kill."""


def _kill():
    raise _Killed


def _terminate():
    os.kill(os.getpid(), signal.SIGTERM)


def copy_run():
    """Copies the local folder "run" to ram://runs/run."""
    copied(pathlib.Path("run"), as_path("ram://runs/run"))


def main():
    folder = as_path(flags.FLAGS.output_dir)
    # The third file, after flags.json and metrics.csv, and its removal.
    processes.at("mimo_keras.paths:RemotePath.replace", 3, _kill)
    processes.at("mimo_keras.paths:RemotePath.unlink", 1, _kill)
    with contextlib.suppress(_Killed):
        cifar.main()
    first = files_below(folder / "checkpoints")
    processes.at(_STEP, 18, _terminate)
    with contextlib.suppress(Stopped):
        cifar.main()
    second = files_below(folder / "checkpoints")
    cifar.main()
    print(first, second, sep="\n")
    for name in files_below(folder):
        copy = pathlib.Path("run", name)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes((folder / name).read_bytes())


if __name__ == "__main__":
    define_flags(run_data.IN_MEMORY)
    script.run(main)
