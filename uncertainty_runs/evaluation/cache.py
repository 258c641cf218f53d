"""Evaluates a network on each test set once, and keeps the results."""

import contextlib
import json
import logging

import numpy as np

from mimo_keras import evaluation
from mimo_keras.evaluation import class_groups
from mimo_keras.files import (
    ReadError,
    pop_record,
    read_arrays,
    write_arrays,
)
from mimo_keras.folders import remove_unfinished
from mimo_keras.paths import as_path

_SKIPPED = "skipped"
_SCORE = "score."
"""Prefix of the names of a set's scores among its arrays."""


class Evaluated:
    """The results of a network on test sets, computed on demand.

    Args:
        network: `predict.PreparedNetwork`.
        batch_size: Images per batch.
        folder: Folder for the arrays, one file per set; None to save nothing.
        record: What they depend on, such as a fingerprint of the weights, as
            JSON values: arrays with a different record are not used.
        num_bins: Bins of the calibration error.
        files: Function from a set's name to a digest of the files that it is
            read from, or None: what was read from others is not used.
        average: As of `evaluation.Classification`.
    """

    def __init__(
        self,
        network,
        batch_size,
        folder,
        record,
        num_bins=15,
        files=lambda name: None,
        average="probabilities",
    ):
        self.network = network
        self.batch_size = batch_size
        self.folder = folder and as_path(folder)
        # Older files have no number of bins: then it was 15.
        others = [] if num_bins == 15 else [f"num_bins={num_bins}"]
        others += [] if average == "probabilities" else [f"average={average}"]
        self.record = json.loads(json.dumps([*record, *others]))  # As read.
        self.num_bins = num_bins
        self.average = average
        self.files = files
        self._sets = {}
        self._skipped = {}
        self._scored = {}

    def evaluate(self, name, load):
        """Evaluates the set that `load` returns, as a `Classification`."""

        def compute():
            examples = self._opened(name, load())
            return _packed(self._one_pass(self.network.logits, examples))

        arrays = self._arrays(name, compute)
        return self._unpacked(arrays, self.network.log_weights)

    def evaluate_scored(self, name, load, scored=True):
        """Evaluates a set, as a `Classification` and its `ood_scores`.

        Both come from one pass over the set and are cached in memory.

        Args:
            name: Name of the set.
            load: Function that returns the set.
            scored: Whether to compute scores.
        """

        def compute():
            examples, parts = self._opened(name, load()), []

            def logits(images):
                values = self.network.logits(images)
                if scored:
                    log_weights = self.network.log_weights
                    parts.append(
                        evaluation.scores(values, log_weights, self.average)
                    )
                return values

            arrays = _packed(self._one_pass(logits, examples))
            for score in parts[0] if parts else ():
                values = [part[score] for part in parts]
                arrays[_SCORE + score] = np.concatenate(values)
            return arrays

        if name not in self._scored:
            arrays = self._arrays(name, compute)
            scores = {
                key.removeprefix(_SCORE): arrays.pop(key)
                for key in [*arrays]
                if key.startswith(_SCORE)
            }
            metrics = self._unpacked(arrays, self.network.log_weights)
            self._scored[name] = metrics, scores
        return self._scored[name]

    def _one_pass(self, logits, examples):
        return evaluation.evaluate(
            logits,
            examples.evaluation_batches(self.batch_size),
            examples.num_classes,
            self.network.log_weights,
            self.num_bins,
            self.average,
        )

    def grouped(self, name, natural):
        """Returns the `class_groups` evaluations of a set.

        Args:
            name: Name of the set.
            natural: `data.Natural` with groups.
        """

        def compute():
            groups = natural.groups
            photographs = self._opened(name, natural.photographs)
            batches = photographs.evaluation_batches(self.batch_size)
            if not natural.by_group:
                batches = class_groups.renumbered(batches, groups, name)
            evaluations = class_groups.evaluate(
                self.network.logits,
                batches,
                self.network.num_classes,
                self.network.log_weights,
                groups,
                self.num_bins,
                self.average,
            )
            return {
                f"{way}.{key}": array
                for way, metrics in evaluations.items()
                for key, array in _packed(metrics).items()
            }

        ways = {way: {} for way in class_groups.WAYS}
        for key, array in self._arrays(name, compute).items():
            way, key = key.split(".")
            ways[way][key] = array
        return {way: self._unpacked(part, [0.0]) for way, part in ways.items()}

    def predicted(self, name, examples, groups):
        """Returns the predicted group of each image, (n,); -1 if skipped."""

        def compute():
            opened = self._opened(name, examples)
            found = class_groups.predicted(
                self.network.logits,
                opened.evaluation_batches(self.batch_size),
                self.network.num_classes,
                self.network.log_weights,
                groups,
                self.average,
            )
            return {"predicted": _in_place(found, opened)}

        return self._arrays(name, compute)["predicted"]

    def scores(self, name, load):
        """Returns the `evaluation.ood_scores` of a set."""

        def compute():
            batches = load().evaluation_batches(self.batch_size)
            return evaluation.ood_scores(
                self.network.logits,
                batches,
                self.network.log_weights,
                self.average,
            )

        return self._arrays(name, compute)

    def _unpacked(self, arrays, log_weights):
        state = dict(arrays)
        classes = int(state.pop("num_classes"))
        metrics = evaluation.Classification(
            classes, log_weights, self.num_bins, self.average
        )
        return metrics.set_state(state)

    def skipped(self):
        """Returns the number of photographs skipped in each set, 0 included."""
        return dict(self._skipped)

    def _opened(self, name, examples):
        self._sets[name] = examples
        return examples

    def _arrays(self, name, compute):
        """Returns a set's arrays, and computes them if necessary."""
        arrays = dict(self._kept(name, lambda: self._counted(name, compute)))
        self._skipped[name] = int(arrays.pop(_SKIPPED, 0))
        return arrays

    def _counted(self, name, compute):
        """Computes a set's arrays, and counts its skipped photographs."""
        self.network.begin(name)
        arrays = compute()
        rows = getattr(self._sets.get(name), "skipped", ())
        return {**arrays, _SKIPPED: np.array(len(rows))}

    def _kept(self, name, compute):
        if self.folder is None:
            return compute()
        path = self.folder / f"{name.replace('/', '-')}.npz"
        # Before they are read: should they change meanwhile, it is noticed.
        files = self.files(name)
        record = [*self.record, files] if files else self.record
        arrays = self._read(path, record)
        if arrays is None:
            arrays = compute()
            write_arrays(path, arrays, record=record)
        return arrays

    def _read(self, path, wanted):
        try:
            arrays = read_arrays(path)
            record = pop_record(arrays)
        except FileNotFoundError:
            return None
        except ReadError as error:
            logging.warning("Evaluated again: %s (%s).", path, error)
            return None
        return arrays if record == wanted else None


def _in_place(found, examples):
    """Puts a -1 where a photograph in a file of its own was skipped."""
    skipped = getattr(examples, "skipped", None)
    if not skipped:
        return found
    rows = np.full(len(examples), -1)
    rows[np.delete(np.arange(len(rows)), skipped.indices())] = found
    return rows


def _packed(metrics):
    return {"num_classes": np.array(metrics.num_classes), **metrics.state()}


def forget(folder):
    """Removes the results of single sets from a folder; other files stay."""
    remove_unfinished(folder)
    for path in [*folder.glob("*.npz")]:
        with contextlib.suppress(OSError, ReadError):
            pop_record(read_arrays(path))
            path.unlink()
    with contextlib.suppress(OSError):
        folder.rmdir()
