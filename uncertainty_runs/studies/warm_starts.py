"""Fine-tunes a trained network as ensembles, against training from scratch.

    python uncertainty_runs/studies/warm_starts.py --seeds=0,1,2

For each seed a deterministic network is trained for --epochs. Each of --methods
starts from it and is fine-tuned for a tenth of these epochs, or is trained from
scratch for as many epochs as both together. The numbers of every seed are added
to --record, from which the table is made; --table_only only prints it. With
--trunk_rates each method is fine-tuned with --freeze=trunk instead, at each of
these rates, in a record of its own.
"""

from absl import flags

from uncertainty_runs.common import early

with early.importing(__name__):
    from mimo_keras import analysis
    from mimo_keras.analysis import mean_and_std
    from mimo_keras.errors import expected
    from uncertainty_runs.common import script
    from uncertainty_runs.studies import engine, records, study

METHODS = "mimo:3,batch_ensemble:4,mixture_ensemble:4"
COLUMNS = {
    "NLL": "test/nll",
    "Accuracy": "test/accuracy",
    "ECE": "test/ece",
    "Disagreement": "test/disagreement",
}
BASE, SCRATCH, WARM, TRUNK = "base", "scratch", "warm", "trunk"
_EVALUATION = ("corruptions_interval=-1",)


def define_flags():
    engine.define_dataset_flag("digits")
    flags.DEFINE_list("methods", METHODS.split(","), "Methods, as method:M.")
    flags.DEFINE_integer(
        "epochs", 40, "Epochs of the deterministic network.", 10, 10**6
    )
    flags.DEFINE_float(
        "rate", 0.03, "Fine-tuning's --base_learning_rate.", lower_bound=0
    )
    flags.DEFINE_list("trunk_rates", [], "Rates with --freeze=trunk.")
    flags.DEFINE_bool("table_only", False, "Only print the table of --record.")
    engine.define_flags("runs/warm_starts", "runs/warm_starts.json")


def main():
    f = flags.FLAGS
    if not f.table_only:
        _run(f)
    with records.checked(f.record):
        print(table(records.read(f.record)))


def _run(f):
    engine.check_seeds(f.seeds)
    methods = [engine.parse(entry, f.dataset) for entry in f.methods]
    if not methods or any(point.options for point in methods):
        raise expected(
            "methods as method:M",
            f"methods={','.join(f.methods)}",
            "For example: mimo:3.",
        )
    facts = {"dataset": f.dataset, "epochs": f.epochs}
    if f.trunk_rates:
        facts |= {"freeze": TRUNK}
    else:
        facts |= {"rate": f.rate, "freeze": None}
    engine.run_all(
        records.opened(f.record, "warm_starts", facts),
        f.record,
        [job for seed in f.seeds for job in jobs(f, methods, seed)],
        f.output_dir,
        COLUMNS.values(),
    )


def jobs(f, methods, seed):
    """Returns what to run for one seed, as `engine.run_all` takes it.

    Args:
        f: The flags.
        methods: `engine.Point`s of method and members.
        seed: The seed, as text.
    """
    tenth = max(1, f.epochs // 10)
    base = _point(f.dataset, "deterministic", 1, f.epochs)
    total, start = f.epochs + tenth, base.folder(f.output_dir, seed)
    longer = _point(f.dataset, "deterministic", 1, total)
    found = [(base, BASE)] + [(longer, SCRATCH)] * (not f.trunk_rates)
    for one in methods:
        name = f.dataset, one.method, one.members

        def warm(rate, *more, name=name):
            rate = f"base_learning_rate={rate}"
            return _point(*name, tenth, f"init_from={start}", rate, *more)

        if f.trunk_rates:
            frozen = {r: warm(r, "freeze=trunk") for r in f.trunk_rates}
            found += [(p, f"{TRUNK}:{rate}") for rate, p in frozen.items()]
        else:
            found += [(_point(*name, total), SCRATCH), (warm(f.rate), WARM)]
    return [
        (point, seed, {"method": f"{point.method}:{kind}"})
        for point, kind in found
    ]


def _point(dataset, method, members, epochs, *more):
    options = (f"train_epochs={epochs}", *more)
    return engine.Point(dataset, method, members, options, _EVALUATION)


def table(record):
    """Returns the Markdown table of a record: mean and std over seeds."""
    epochs = int(records.fact(record, "epochs"))
    tenth = max(1, epochs // 10)
    told = {
        BASE: f"{epochs}",
        SCRATCH: f"{epochs + tenth} from scratch",
        WARM: f"{epochs} as deterministic + {tenth}",
        TRUNK: f"{epochs} as deterministic + {tenth}",
    }
    rows = []
    for (label, members), runs in study.groups(record).items():
        method, _, kind = label.partition(":")
        cells = [
            mean_and_std(study.values(runs, key))
            if runs[0][key] is not None
            else "-"
            for key in COLUMNS.values()
        ]
        kind, _, rate = kind.partition(":")
        at = f" at {rate}, trunk frozen" * bool(rate)
        rows.append([method, members, told[kind] + at, len(runs), *cells])
    header = ["Method", "M", "Epochs", "Seeds", *COLUMNS]
    return analysis.markdown_table(rows, header)


if __name__ == "__main__":
    define_flags()
    script.run(main)
