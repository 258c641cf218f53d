"""Trains the ten methods of MIMMO's table 1 and prints that table.

    python uncertainty_runs/studies/depths.py --seeds=0,1,2

This is a study (study.py) of the rows of that table (reported/mimmo_tables.py),
all with the paper's recipe (recipes/mimmo_rows.py). Results on clean images are
the mean and standard deviation over seeds; those on shifted images are over the
25 shifted test sets, averaged over seeds. FLOPs are those of the predictor,
relative to the first row. --table_only only prints the tables of the record.
"""

import statistics

from uncertainty_runs.common import early

with early.importing(__name__):
    from mimo_keras import analysis
    from mimo_keras.analysis import mean_and_std
    from uncertainty_runs.common import script
    from uncertainty_runs.reported import TABLES
    from uncertainty_runs.studies import engine, study

TABLE = TABLES["mimmo1"]
ROWS = {
    row.label: engine.row_point(TABLE, row, "digits").entry
    for row in TABLE.rows
}
# Column -> metric and its scale; the Brier score is per class.
COLUMNS = {
    "Accuracy": ("accuracy", 1),
    "NLL [nats]": ("nll", 1),
    "ECE": ("ece", 1),
    "Brier [10⁻³ per class]": ("brier_per_class", 1000),
}
METRICS = [metric for metric, _ in COLUMNS.values()]
KEYS = (
    *(f"test/{metric}" for metric in METRICS),
    *(f"shifted/{metric}" for metric in METRICS),
    *(f"shifted/{metric}_std" for metric in METRICS),
    "test/disagreement",
    "sharing/heads",
    "sharing/encoders",
)


def define_flags():
    study.define_flags(",".join(entries()), "depths")


def entries():
    """Returns the entries of --methods that produce the rows."""
    return [*ROWS.values()]


def main():
    study.main(KEYS, table, "depths")


def table(record):
    """Returns two Markdown tables of a record: clean, and shifted."""
    clean = _table(record, _over_seeds, f"clean, {_seeds(record)} seeds")
    shifted = _table(record, _over_sets, "shifted, over 25 sets")
    return f"{clean}\n\n{shifted}"


def _table(record, cell, title):
    names = dict(zip(entries(), ROWS, strict=True))
    base = record["runs"][0]["cost/flops"]
    rows = []
    for (label, members), runs in study.groups(record).items():
        method, *options = label.split(":")
        entry = ":".join([method, str(members), *options])
        cells = [cell(runs, *column) for column in COLUMNS.values()]
        params = f"{runs[0]['cost/params'] / 1e6:.2f}"
        flops = f"{runs[0]['cost/flops'] / base:.3f}"
        rows.append([names.get(entry, entry), *cells, params, flops])
    header = [f"Method ({title})", *COLUMNS, "Params [M]", "FLOPs"]
    return analysis.markdown_table(rows, header)


def _over_seeds(runs, metric, scale):
    return mean_and_std([scale * run[f"test/{metric}"] for run in runs])


def _over_sets(runs, metric, scale):
    mean, std = (
        scale
        * statistics.fmean(run[f"shifted/{metric}{suffix}"] for run in runs)
        for suffix in ("", "_std")
    )
    return f"{mean:.3f} ± {std:.3f}"


def _seeds(record):
    return len({run["seed"] for run in record["runs"]})


if __name__ == "__main__":
    define_flags()
    script.run(main)
