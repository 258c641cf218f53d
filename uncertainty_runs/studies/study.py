"""Runs several methods over several seeds and prints one table of results.

    python uncertainty_runs/studies/study.py --seeds=0,1,2

Each run is a command with its own folder under --output_dir, so a stopped study
resumes where it was. The numbers of every seed are added to --record, from
which the table is made; --table_only only prints it. An entry of --methods may
have further flags of cifar.py:

    --methods=mixture_ensemble:4:num_params=0.5:backbone=wide_resnet_16_1
"""

import itertools

from absl import flags

from uncertainty_runs.common import early

with early.importing(__name__):
    from mimo_keras import analysis
    from mimo_keras.analysis import mean_and_std
    from mimo_keras.errors import expected
    from uncertainty_runs.common import script
    from uncertainty_runs.studies import engine, records

METHODS = (
    "deterministic:1,mc_dropout:1,naive_multihead:3,mimo:2,mimo:3,mimo:4,"
    "treenet:3,batch_ensemble:4,rank1_bnn:4,deep_ensemble:4"
)
# Column -> key of results.json, in Uncertainty-Baselines' order.
COLUMNS = {
    "NLL": "test/nll",
    "Accuracy": "test/accuracy",
    "ECE": "test/ece",
    "cNLL": "corrupted/nll",
    "cAccuracy": "corrupted/accuracy",
    "cECE": "corrupted/ece",
    "Disagreement": "test/disagreement",
}


def define_flags(methods=METHODS, kind="study"):
    """Defines the flags of a study.

    Args:
        methods: Default of --methods.
        kind: The kind of its record, which names it by default.
    """
    engine.define_dataset_flag("digits")
    flags.DEFINE_list(
        "methods", methods.split(","), "Methods, as method:M[:flag=value…]."
    )
    flags.DEFINE_bool("table_only", False, "Only print the table of --record.")
    # Committed records are in results/: they change only if named.
    engine.define_flags("runs/study", f"runs/{kind}.json")


def main(keys=None, table=None, kind="study"):
    """Runs the study and prints its table.

    Args:
        keys: Keys of results.json to save in the record; None for those in
            the table.
        table: Function from the record to Markdown; None for `method_table`.
        kind: The kind of the record, by the script's name.
    """
    f, table = flags.FLAGS, table or method_table
    if not f.table_only:
        points = [engine.parse(entry, f.dataset) for entry in f.methods]
        engine.check_seeds(f.seeds)
        if not points:
            raise expected("a method", "none", "Name one, as in mimo:3.")
        engine.run_all(
            records.opened(f.record, kind, {"dataset": f.dataset}),
            f.record,
            [(p, s, {}) for s, p in itertools.product(f.seeds, points)],
            f.output_dir,
            keys or COLUMNS.values(),
        )
    with records.checked(f.record):
        print(table(records.read(f.record)))


def method_table(record):
    """Returns the Markdown table of a record: mean and std over seeds."""
    first = record["runs"][0]
    rows = []
    for (method, members), runs in groups(record).items():
        cells = [
            "-" if runs[0][key] is None else mean_and_std(values(runs, key))
            for key in COLUMNS.values()
        ]
        flops = runs[0]["cost/flops"] / first["cost/flops"]
        params = runs[0]["cost/params"]
        rows.append([method, members, f"{params:,}", f"{flops:.3f}", *cells])
    return analysis.markdown_table(
        rows, ["Method", "M", "Parameters", "FLOPs", *COLUMNS]
    )


def groups(record):
    """Returns the runs of each (method with its flags, M), in order."""
    by_method = {}
    for run in record["runs"]:
        key = run["method"], run["ensemble_size"]
        by_method.setdefault(key, []).append(run)
    return by_method


def values(runs, key):
    return [run[key] for run in runs]


if __name__ == "__main__":
    define_flags()
    script.run(main)
