"""Trains mixture ensembles of several budgets; prints a table and a plot.

    python uncertainty_runs/studies/budgets.py --seeds=0,1,2

This is a study (study.py) with its own list of methods, all on one backbone
whose layers can share; the plot is like the paper's figure 3. --table_only
makes only the table and the plot, from the record.
"""

import statistics

from absl import flags

from uncertainty_runs.common import early

with early.importing(__name__):
    from mimo_keras import analysis
    from uncertainty_runs.common import script
    from uncertainty_runs.studies import records, study

BACKBONE = "backbone=wide_resnet_16_1"
BUDGETS = ("0.25:grouping=single", "0.5", "1.0", "3.3")
METHODS = ",".join(
    [
        f"deterministic:1:{BACKBONE}",
        *(f"mixture_ensemble:4:{BACKBONE}:num_params={b}" for b in BUDGETS),
        f"deep_ensemble:4:{BACKBONE}",
    ]
)


def define_flags():
    study.define_flags(METHODS, "budgets")
    flags.DEFINE_string("figure", "runs/budgets.png", "File of the plot.")


def main():
    f = flags.FLAGS
    records.check_figure(f.figure, f.record)
    study.main(kind="budgets")
    with records.checked(f.record):
        figure = analysis.budget_curves(series(records.read(f.record)))
    analysis.save_png(figure, f.figure)
    print("Plot:", f.figure)


def series(record):
    """Returns the points of each method in a record, sorted by parameters."""
    curves = {}
    for (label, members), runs in study.groups(record).items():
        method = label.split(":")[0]
        point = {"params": runs[0]["cost/params"]}
        for key in ("test/accuracy", "test/nll"):
            values = study.values(runs, key)
            spread = statistics.stdev(values) if len(values) > 1 else 0.0
            point[key] = statistics.fmean(values), spread
        curves.setdefault(f"{method}, M = {members}", []).append(point)
    return {
        name: sorted(points, key=lambda point: point["params"])
        for name, points in curves.items()
    }


if __name__ == "__main__":
    define_flags()
    script.run(main)
