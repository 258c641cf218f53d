"""Reads the files of a run."""

import csv
import json

_TIMES = ("cost/ms_per_example", "seconds")


def results(folder, times=True):
    """Returns results.json; without `times` only reproducible values."""
    found = json.loads((folder / "results.json").read_text())
    return _chosen(found, times)


def flags(folder):
    """Returns flags.json."""
    return json.loads((folder / "flags.json").read_text())


def rows(folder, times=True):
    """Returns the rows of metrics.csv as dictionaries of text, likewise."""
    with (folder / "metrics.csv").open(newline="") as file:
        return [_chosen(row, times) for row in csv.DictReader(file)]


def _chosen(values, times):
    return {k: v for k, v in values.items() if times or k not in _TIMES}
