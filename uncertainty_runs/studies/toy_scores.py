"""How good the toy study's distributions are, and their tables."""

import numpy as np

from mimo_keras import analysis
from mimo_keras.evaluation.gaussian_regression import GaussianRegression
from mimo_keras.training.likelihoods import Gaussian

COLUMNS = {
    "NLL": "nll",
    "One member's NLL": "member_nll",
    "CRPS [10⁻³]": "crps",
    "Coverage of 90% [%]": "coverage_90",
}
_FACTORS = {"crps": 1e3, "coverage_90": 1e2}


def scores(outputs, targets):
    """Returns the scores of the ensemble on each training set.

    Args:
        outputs: Members' outputs of a gaussian likelihood, (S, n, M, 2).
        targets: Test targets, (n,).

    Returns:
        A dictionary from the names in `COLUMNS` to arrays (S,).
    """
    size = outputs.shape[2]
    found = []
    for one in outputs:
        measured = GaussianRegression(np.full(size, -np.log(size)))
        measured.update(*Gaussian(1).members(one), targets)
        result = measured.result()
        members = [v for k, v in result.items() if k.startswith("nll_member")]
        found.append(result | {"member_nll": np.mean(members or result["nll"])})
    return {
        name: np.array([one[name] for one in found])
        for name in COLUMNS.values()
    }


def tables(record):
    """Returns Markdown tables of the scores and of their changes."""
    runs = [one for one in record["runs"] if "nll" in one]
    first = runs[:1]
    return [
        _table([one for one in runs if key.format("nll") in one], key, title)
        for key, title in (
            ("{}", "Method"),
            *(("{}_change", f"Change from {_label(one)}") for one in first),
        )
        if runs
    ]


def _label(run):
    return f"{run['method']}, M = {run['ensemble_size']}"


def _table(runs, key, title):
    sign = "" if title == "Method" else "+"
    rows = []
    for one in runs:
        cells = []
        for name in COLUMNS.values():
            factor = _FACTORS.get(name, 1)
            value, half = (factor * x for x in one[key.format(name)])
            cells.append(f"{value:{sign}.2f} ± {half:.2f}")
        rows.append([one["method"], one["ensemble_size"], *cells])
    return analysis.markdown_table(rows, [title, "M", *COLUMNS])
