"""Checkpoints with everything a run needs to resume as if uninterrupted.

A checkpoint is one .npz file: every variable of the model (weights, seeds and
step counters) and of the optimizer, and a JSON record of the run's own state.
One from the middle of an epoch also holds the progress within it. It is written
under another name and renamed when complete, and it ends with a digest of all
its bytes, so a file is either good or known to be bad. It says which run it is
of: a run with other flags or another backend does not go on from it. Files of
older versions, without digest and run, are read, too.
"""

import dataclasses
import logging
import re

import keras

from mimo_keras import methods
from mimo_keras.errors import argument, expected
from mimo_keras.files import (
    json_values,
    pop_record,
    read_arrays,
    write_arrays,
    writing,
)
from mimo_keras.folders import remove_unfinished
from mimo_keras.paths import as_path
from mimo_keras.training import old_files
from mimo_keras.training.model import EnsembleModel

_METRIC = "metric_"
_ORDER = "network"
"""Order of the variables; older files have none: see `old_files`."""
# Files of other names, such as a user's copies, are not ours.
_NAME = re.compile(r"epoch_\d{6,}(_step_\d{6,})?\.npz")


@dataclasses.dataclass(frozen=True)
class Middle:
    """Progress within an unfinished epoch.

    Attributes:
        step: Number of finished steps.
        seconds: How long they took.
        metrics: Arrays, the state of the metrics.
    """

    step: int
    seconds: float
    metrics: tuple


class Checkpoints:
    """The checkpoints of one run, newest last.

    Args:
        directory: Folder for the files, created when the first is saved.
        keep: How many of the newest to keep; at least 2, so that there is one
            to fall back on.
        run: What else the weights depend on, such as the flags of a run, as a
            dictionary of JSON values; None for nothing. The backend, the
            method and its sampling are added.
    """

    def __init__(self, directory, keep=2, run=None):
        self.directory = as_path(directory, "directory")
        self.keep = max(keep, 2)
        self.run = run or {}

    def paths(self):
        """Returns the existing files, oldest first."""
        found = self.directory.glob("epoch_*.npz")
        return sorted((p for p in found if _NAME.fullmatch(p.name)), key=_place)

    def save(self, model, epoch, record, middle=None):
        """Saves the state after `epoch` finished epochs.

        Args:
            model: Compiled keras.Model whose optimizer is built.
            epoch: Number of finished epochs.
            record: Further state of the run, JSON-compatible.
            middle: `Middle` of the next epoch; None if it has not begun.

        Returns:
            The file's path.
        """
        name = f"epoch_{epoch:06d}"
        facts = {"epoch": epoch, "state": record, "order": _ORDER}
        facts["run"] = self._identity(model)
        arrays = {
            f"{index:05d}": _as_array(variable)
            for index, variable in enumerate(_variables(model))
        }
        if middle is not None:
            name += f"_step_{middle.step:06d}"
            facts |= {"step": middle.step, "seconds": middle.seconds}
            for index, array in enumerate(middle.metrics):
                arrays[f"{_METRIC}{index:05d}"] = array
        path = self.directory / f"{name}.npz"
        write_arrays(path, arrays, record=facts)
        with writing(self.directory):
            # A killed run leaves partial files behind, which are never read.
            remove_unfinished(self.directory)
            for old in self.paths()[: -self.keep]:
                old.unlink()
        return path

    def restore(self, model):
        """Loads the newest good checkpoint into the model and its optimizer.

        An unreadable file is named in a warning, and the one before it is used.

        Args:
            model: As in `save`.

        Returns:
            The number of finished epochs, the record saved with them, and the
            `Middle` of the next epoch, or None if that has not begun;
            (0, None, None) if there is no checkpoint.

        Raises:
            InputError: The checkpoint is of another model or run, or none of
                the existing ones can be read.
        """
        paths = self.paths()
        for path in reversed(paths):
            try:
                arrays, metrics, facts = _read(path)
            except Exception as error:  # A flipped bit can raise anything.
                gone = isinstance(error, FileNotFoundError)
                if isinstance(error, OSError) and not gone:
                    raise  # A file system that does not answer.
                logging.warning(
                    "Checkpoint %s cannot be read (%s); the one before it is "
                    "used.",
                    path,
                    error,
                )
                continue
            variables = _variables(model, facts.get("order"))
            _check_shapes(variables, arrays, path)
            self._check_run(model, facts.get("run", {}), path)
            for variable, array in zip(variables, arrays, strict=True):
                variable.assign(array)
            middle = None
            if "step" in facts:
                middle = Middle(facts["step"], facts["seconds"], metrics)
            return facts["epoch"], facts["state"], middle
        if paths:
            raise expected(
                f"a readable checkpoint in {self.directory}",
                f"{len(paths)} damaged files",
                f"Choose another {argument('output_dir')} to start over.",
            )
        return 0, None, None

    def _identity(self, model):
        """Returns what a checkpoint and a model must agree in, as JSON."""
        own = {"backend": keras.config.backend()}
        if isinstance(model, EnsembleModel):
            # Not its seed: the checkpoint has the state of every seed.
            own["sampling"] = dataclasses.asdict(model.sampling)
        if model.name in methods.list_methods():
            own["method"] = model.name
        return json_values(own | self.run)

    def _check_run(self, model, found, path):
        """Raises InputError if a checkpoint is of another run.

        What only one of the two knows is not compared: a later version may
        have other flags.
        """
        wanted = self._identity(model)
        differing = [
            f"{name}={found[name]!r} instead of {wanted[name]!r}"
            for name in sorted({*wanted} & {*found})
            if found[name] != wanted[name]
        ]
        if differing:
            raise expected(
                f"a checkpoint of this run in {self.directory}",
                f"{path.name} of another, with {', '.join(differing)}",
                f"Choose another {argument('output_dir')}.",
            )


def _place(path):
    """Returns a file's epoch, and its step if it has one, as a sort key."""
    return [int(number) for number in re.findall(r"\d+", path.name)]


def _variables(model, order=_ORDER):
    """Returns model and optimizer variables in a fixed order."""
    if order is None and hasattr(model, "l2_scope"):
        return old_files.checkpoint_variables(model)
    return [*model.variables, *model.optimizer.variables]


def _as_array(variable):
    array = keras.ops.convert_to_numpy(variable.value)
    # NumPy files have no bfloat16; float32 represents its values exactly.
    return array.astype("float32") if array.dtype.kind == "V" else array


def _read(path):
    """Returns variables, metrics and the record; raises if any is damaged."""
    arrays = read_arrays(path)
    facts = pop_record(arrays)
    variables, metrics = [], []
    for name in sorted(arrays):
        kind = metrics if name.startswith(_METRIC) else variables
        kind.append(arrays[name])
    return variables, tuple(metrics), facts


def _check_shapes(variables, arrays, path):
    shapes = [tuple(variable.shape) for variable in variables]
    if shapes != [array.shape for array in arrays]:
        raise expected(
            f"a checkpoint of this model in {path.parent}",
            f"{path.name} with {len(arrays)} arrays of other shapes than the "
            f"model's {len(variables)} variables",
            f"Choose another {argument('output_dir')}.",
        )
