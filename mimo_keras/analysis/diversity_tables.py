"""Table of the diversity of methods' members, over seeds."""

import statistics

import numpy as np

from mimo_keras.analysis.lookup import member_values, number
from mimo_keras.analysis.names import method_title
from mimo_keras.analysis.tables import markdown_table, mean_and_interval
from mimo_keras.errors import expected

COLUMNS = ("Disagreement", "KL (nats)", "Disagreement / error", "Accuracy")


def normalized_disagreement(disagreement, accuracies):
    """Returns the disagreement of two members divided by one's error.

    It is 0 for members that predict alike, and 2 for members that err equally
    often and never on the same example.

    Args:
        disagreement: Fraction of examples on which two members differ, (M, M).
        accuracies: Each member's accuracy, (M,).

    Returns:
        The mean over ordered pairs (i, j) of d_ij / (1 − accuracy_i); NaN if a
        member makes no errors, or there is only one.

    Reference:
        Fort et al., Deep ensembles: a loss landscape perspective, 2019,
        section 4; Teterwak et al., MixtureEnsembles, 2021, table 6.
    """
    disagreement = np.asarray(disagreement, float)
    errors = 1 - np.asarray(accuracies, float)
    members = len(errors)
    if disagreement.shape != (members, members):
        raise expected(
            "one row, column and accuracy per member",
            f"shapes={disagreement.shape} and {errors.shape}",
            "Pass arrays of one run.",
        )
    if members < 2 or not (errors > 0).all():
        return float("nan")
    ratios = disagreement / errors[:, np.newaxis]
    return float(ratios[~np.eye(members, dtype=bool)].mean())


def run_diversity(results, arrays):
    """Returns one run's row of the table, keyed by column.

    Args:
        results: Its `evaluation.Results`.
        arrays: Its arrays, of which "disagreement_matrix" is read.

    Returns:
        Dictionary with a number for each column of `diversity_table`.

    Raises:
        InputError: The run has fewer than two members.

    Example:

    ```python
    results = mimo_keras.evaluation.Results.from_flat({
        "test/disagreement": 0.1, "test/kl": 0.2, "test/accuracy": 0.9,
        "test/accuracy_member_0": 0.8, "test/accuracy_member_1": 0.8})
    arrays = {"disagreement_matrix": [[0.0, 0.1], [0.1, 0.0]]}
    row = mimo_keras.analysis.run_diversity(results, arrays)
    round(row["Disagreement / error"], 3)                    # 0.5
    ```
    """
    if "disagreement_matrix" not in arrays:
        raise expected(
            "runs of at least two members",
            "a run without a disagreement",
            "Omit it.",
        )
    values = (
        number(results.test, "disagreement"),
        number(results.test, "kl"),
        normalized_disagreement(
            arrays["disagreement_matrix"], member_values(results, "accuracy")
        ),
        number(results.test, "accuracy"),
    )
    return dict(zip(COLUMNS, values, strict=True))


def diversity_table(runs):
    """Returns a Markdown table of methods' diversity, over seeds.

    Args:
        runs: Dictionaries as returned by `run_diversity`, plus "method" and
            "ensemble_size"; runs with equal values of these form one row, with
            means and 95% intervals.

    Returns:
        The table, its rows sorted by mean disagreement.

    Example:

    ```python
    row = {"Disagreement": 0.1, "KL (nats)": 0.2, "Accuracy": 0.9}
    row |= {"Disagreement / error": 0.5, "method": "mimo", "ensemble_size": 2}
    print(mimo_keras.analysis.diversity_table([row]))
    ```

    Reference:
        Havasi et al., ICLR 2021, figure 4, right.
    """
    groups = {}
    for run in runs:
        key = run["method"], run["ensemble_size"]
        groups.setdefault(key, []).append(run)
    ordered = sorted(
        groups.items(),
        key=lambda item: statistics.fmean(f[COLUMNS[0]] for f in item[1]),
    )
    rows = [
        [
            method_title(method),
            members,
            len(seeds),
            *(mean_and_interval([f[c] for f in seeds]) for c in COLUMNS),
        ]
        for (method, members), seeds in ordered
    ]
    return markdown_table(rows, ["Method", "M", "Seeds", *COLUMNS])
