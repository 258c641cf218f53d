"""Runs a method over a grid of settings and prints one table of results.

    python uncertainty_runs/sweep.py --base=mimmo:2:recipe=mimmo \
        --vary=alpha=0,1,100,10000 --vary=ensemble_size=1,2,4

Any flag of cifar.py can vary. A run is the command cifar.py with its own
folder under --output_dir, so a sweep that was stopped goes on where it was;
the numbers of every run are kept in --record, and --table_only prints the
table again.
"""

import itertools

from absl import flags

from mimo_keras import analysis, data
from mimo_keras.analysis import mean_and_std
from mimo_keras.errors import expected
from mimo_keras.files import write_json
from uncertainty_runs import settings, study

# Column -> key of results.json; what no run has is left out.
COLUMNS = {
    **study.COLUMNS,
    "Shifted NLL": "shifted/nll",
    "Shifted accuracy": "shifted/accuracy",
    "Shifted ECE": "shifted/ece",
}


def define_flags():
    flags.DEFINE_enum("dataset", "digits", data.DATASETS, "Data set.")
    flags.DEFINE_string(
        "base", "mimo:3", "What all runs share: method:M[:flag=value…]."
    )
    flags.DEFINE_multi_string(
        "vary", [], "flag=value,value…; once for each flag."
    )
    flags.DEFINE_list("seeds", ["0", "1", "2"], "Seeds, each its own run.")
    flags.DEFINE_string("output_dir", "runs/sweep", "Folder of the runs.")
    flags.DEFINE_string("record", "runs/sweep.json", "File of numbers.")
    flags.DEFINE_bool("table_only", False, "Only print the table of --record.")


def main():
    f = flags.FLAGS
    if not f.table_only:
        runs = []
        for seed, values in itertools.product(f.seeds, grid(f.vary)):
            changes = [f"{name}={value}" for name, value in values.items()]
            entry = ":".join([f.base, *changes])
            run = study.one_run(
                f.dataset, entry, seed, f.output_dir, COLUMNS.values()
            )
            runs.append(run | {"varied": values})
            # After every run: what is done is not lost.
            command = study.command()
            write_json(f.record, {"command": command, "runs": runs})
    print(table(study.read(f.record)))


def grid(varied):
    """Returns every combination of the values, the last flag fastest.

    Args:
        varied: Strings such as "alpha=0,1".

    Returns:
        A list of dictionaries from a flag's name to its value, as text.

    Raises:
        InputError: A string is not of this form.
    """
    axes = {}
    for text in varied:
        name, _, values = text.partition("=")
        if not name or not all(values.split(",")) or name in axes:
            raise expected(
                "--vary=flag=value,value… once for each flag",
                f"vary={text}",
                "Write for example --vary=alpha=0,1,100.",
            )
        axes[name] = values.split(",")
    combinations = itertools.product(*axes.values())
    return [dict(zip(axes, values, strict=True)) for values in combinations]


def table(record):
    """Returns the Markdown table of a record: mean and spread over seeds."""
    found = {}
    for run in record["runs"]:
        found.setdefault(tuple(run["varied"].items()), []).append(run)
    shown = {
        label: key
        for label, key in COLUMNS.items()
        if all(run.get(key) is not None for run in record["runs"])
    }
    rows = []
    for varied, runs in found.items():
        cells = [
            mean_and_std(study.values(runs, key)) for key in shown.values()
        ]
        params = runs[0]["cost/params"]
        rows.append([*dict(varied).values(), f"{params:,}", *cells])
    names = list(record["runs"][0]["varied"])
    return analysis.markdown_table(rows, [*names, "Parameters", *shown])


if __name__ == "__main__":
    define_flags()
    settings.run(main)
