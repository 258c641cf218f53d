r"""Runs a method over a grid of settings and prints one table of results.

    python uncertainty_runs/studies/sweep.py --base=mimmo:2:recipe=mimmo \
        --vary=alpha=0,1,100,10000 --vary=ensemble_size=1,2,4

Any flag of cifar.py can vary; flags that vary together are joined by +, as in
--vary=batch_repetitions+per_core_batch_size=1+32,2+64. Each run is a cifar.py
command with its own folder under --output_dir, so a stopped sweep resumes where
it was. The numbers of every run are added to --record; --table_only only prints
the table. --figure draws accuracy and log-likelihood of ensembles and of their
members against the flag that varies first, with a curve for each value of the
others: figures 5 to 8 of the MIMO paper. With --against=weights/kept it draws
them against that result: figure 9. --panels names other scores to draw, such as
ece, brier or shifted_nll: figures 5 and 6 of MIMMO's supplement.

To choose settings, hold out some of the training images:

    python uncertainty_runs/studies/sweep.py --base=mimo:3 \
        --vary=l2=1e-4,3e-4,1e-3 --validation_share=0.1

No run reads a test set then: the table and --figure are of the validation set,
and the line after the table names the settings with the lowest NLL on it.
"""

import dataclasses
import itertools
import statistics

from absl import flags

from uncertainty_runs.common import early

with early.importing(__name__):
    from mimo_keras import analysis
    from mimo_keras.analysis import mean_and_std
    from mimo_keras.errors import expected
    from mimo_keras.files import ReadError, read_json, write_json
    from mimo_keras.paths import as_path
    from uncertainty_runs.common import script
    from uncertainty_runs.studies import engine, records, study

_CHOICE = "val/nll"
# Column -> key of results.json; columns without values are omitted.
COLUMNS = {
    "Validation NLL": _CHOICE,
    "Validation accuracy": "val/accuracy",
    "Validation ECE": "val/ece",
    **study.COLUMNS,
    "Shifted NLL": "shifted/nll",
    "Shifted accuracy": "shifted/accuracy",
    "Shifted ECE": "shifted/ece",
}
# Further scores for figures, by the names of their panels.
_SCORES = {
    "accuracy": "accuracy",
    "log_likelihood": "nll",
    "nll": "nll",
    "ece": "ece",
    "brier": "brier",
}
DRAWN = {
    **{name: f"test/{key}" for name, key in _SCORES.items()},
    **{f"shifted_{name}": f"shifted/{key}" for name, key in _SCORES.items()},
    "accuracy_member": "test/accuracy_member_mean",
    "log_likelihood_member": "test/nll_member_mean",
    "nll_member": "test/nll_member_mean",
}
_TEST, _VALIDATION = "test/", "val/"
_HELD_OUT = [f"{_VALIDATION}{key}" for key in _SCORES.values()]
KEYS = (*COLUMNS.values(), *DRAWN.values(), *_HELD_OUT, "weights/kept")
WIDE = 50
"""Ratio of largest to smallest value from which an axis is logarithmic."""
LABELS = {
    "ensemble_size": "Members M",
    "input_repetition_probability": "Input repetition probability ρ",
    "batch_repetitions": "Batch repetitions R",
    "alpha": "Weight of the KL term α",
    "cost/params": "Parameters",
    "l1": "Coefficient of L1",
    "l2": "Coefficient of L2",
    "weights/kept": "Share of weights above 1e-4 in size",
}


def define_flags():
    engine.define_dataset_flag("digits")
    flags.DEFINE_string(
        "base", "mimo:3", "Settings of all runs: method:M[:flag=value…]."
    )
    flags.DEFINE_multi_string(
        "vary", [], "flag=value,value…; repeat for each flag."
    )
    flags.DEFINE_float(
        "validation_share",
        0.0,
        "Choose on this share of the training images; no test set is read.",
        lower_bound=0,
        upper_bound=1,
    )
    engine.define_flags("runs/sweep", "runs/sweep.json")
    flags.DEFINE_bool("table_only", False, "Only print the table of --record.")
    flags.DEFINE_string("figure", None, "PNG to draw; numbers go to JSON.")
    flags.DEFINE_string("against", None, "Result on the x axis of --figure.")
    flags.DEFINE_bool(
        "boxes",
        False,
        "Draw boxes over all other settings, as in figure 6b of MIMO.",
    )
    flags.DEFINE_list(
        "panels",
        ["accuracy", "log_likelihood"],
        f"Panels of --figure, among {', '.join(analysis.SWEEP_PANELS)}.",
    )


def main():
    f = flags.FLAGS
    numbers = None
    if f.figure:
        records.check_figure(f.figure, f.record)
        numbers = records.beside(f.figure, ".json", f.record)
        check_numbers(numbers)
    if not f.table_only:
        run_all(f)
    record = records.read(f.record)
    with records.checked(f.record):
        print(table(record))
        if (choice := chosen(record)) is not None:
            print("Lowest validation NLL:", choice)
        if f.figure:
            draw(
                record,
                as_path(f.figure),
                f.panels,
                f.against,
                numbers,
                f.boxes,
            )


def run_all(f):
    """Runs every point of the grid, and adds it to the record."""
    engine.check_seeds(f.seeds)
    base = [f.base]
    if f.validation_share:
        base += [f"validation_share={f.validation_share}", "tune"]
    found = jobs(f.dataset, ":".join(base), f.vary, f.seeds)
    record = opened(f.dataset, f.base, f.vary, f.record, f.validation_share)
    engine.run_all(record, f.record, found, f.output_dir, KEYS)


def jobs(dataset, base, vary, seeds):
    """Returns the runs of a grid, for `engine.run_all`."""
    start = engine.parse(base, dataset)
    return [
        (
            dataclasses.replace(
                start, options=(*start.options, *changes(values))
            ),
            seed,
            {"varied": values},
        )
        for seed, values in itertools.product(seeds, grid(vary))
    ]


def opened(dataset, base, vary, path, validation_share=0.0):
    """Returns the record of a grid to add to."""
    facts = {"dataset": dataset, "base": base}
    facts["validation_share"] = validation_share
    record = records.opened(path, "sweep", facts)
    order = [text.partition("=")[0] for text in vary]
    with records.checked(path):
        others = [run for run in record["runs"] if {*run["varied"]} != {*order}]
    if others:
        raise expected(
            f"a --record in which the same flags vary: {', '.join(order)}",
            f"record={path}",
            "Choose another name, or delete the file.",
        )
    return record | {"order": order}


def check_numbers(path):
    """Raises InputError if a file is there that no figure's numbers are in."""
    try:
        known = read_json(path)
    except FileNotFoundError:
        return
    except ReadError:
        known = {"damaged": None}
    for curve in known.values():
        points = curve if isinstance(curve, list) else [None]
        if not all(isinstance(p, dict) and "x" in p for p in points):
            raise expected(
                "a --figure next to which its numbers may be written",
                f"{path}, another file",
                "Choose another name, or delete the file.",
            )


def draw(record, path, panels, against=None, numbers=None, boxes=False):
    """Draws a record as a PNG, with its numbers in a JSON file next to it."""
    series = curves(record, against)
    known = set.union(*(set(p) for curve in series.values() for p in curve))
    if not panels or not known.issuperset(panels):
        raise expected(
            f"panels among {', '.join(n for n in DRAWN if n in known)}",
            f"panels={','.join(panels) or 'none'}",
            "Choose from these, or make a new record.",
        )
    varied = _varied(record, record["runs"][0])
    first = against or (varied[0][0].split("+")[0] if varied else "")
    x = [p["x"] for curve in series.values() for p in curve]
    x = [value[0] if isinstance(value, tuple) else value for value in x]
    label = LABELS.get(first, first)
    figure = (
        analysis.sweep_boxes(series, label, panels)
        if boxes
        else analysis.sweep_curves(series, label, scale(x), panels)
    )
    analysis.save_png(figure, path)
    write_json(numbers or path.with_suffix(".json"), series)
    print("Figure:", path)


def scale(x):
    """Returns the scale of an axis for these values."""
    positive = [value for value in x if value > 0]
    if min(x) < 0 or not positive or max(x) / min(positive) < WIDE:
        return "linear"
    return "log" if min(x) > 0 else "symlog"


def curves(record, against=None):
    """Returns the series of `analysis.sweep_curves`: means over seeds.

    Args:
        record: Record of a sweep.
        against: Name of a result; None for the flag that varies first, whose
            values must be numbers.
    """
    points = {}
    for run in record["runs"]:
        varied = _varied(record, run)
        name = ", ".join(f"{_short(flag)} = {v}" for flag, v in varied[1:])
        points.setdefault(name, {}).setdefault(varied[0][1], []).append(run)
    return {
        name: [_point(value, runs, against) for value, runs in by_value.items()]
        for name, by_value in points.items()
    }


def _varied(record, run):
    """Returns a run's (flag, value) pairs, in the order of --vary.

    Keys in files are sorted by name; old records have no "order".
    """
    names = record.get("order", run["varied"])
    return [(name, run["varied"][name]) for name in names]


def _point(value, runs, against):
    known = {name: _drawn(runs[0], key) for name, key in DRAWN.items()}
    known = {k: v for k, v in known.items() if runs[0].get(v) is not None}
    point = {name: _spread(runs, key) for name, key in known.items()}
    for name in point:
        if "log_likelihood" in name:
            point[name] = (-point[name][0], point[name][1])
    try:
        at = value.split("+")[0]
        point["x"] = _spread(runs, against) if against else float(at)
    except (KeyError, TypeError, ValueError):
        raise expected(
            "numbers on the x axis",
            f"{against or value}",
            "Leave out --figure.",
        ) from None
    return point


def _drawn(run, key):
    """Returns the key of a score; where no test set was read, of another."""
    if run.get(_CHOICE) is None or run.get(key) is not None:
        return key
    return key.replace(_TEST, _VALIDATION)


def _spread(runs, key):
    values = [run[key] for run in runs]
    return (
        statistics.fmean(values),
        statistics.stdev(values) if len(values) > 1 else 0.0,
    )


def _short(flag):
    return {"ensemble_size": "M", "num_params": "P"}.get(flag, flag)


def changes(values):
    """Returns "flag=value" for each flag of a point of the grid."""
    return [
        f"{flag}={text}"
        for names, texts in values.items()
        for flag, text in zip(names.split("+"), texts.split("+"), strict=True)
    ]


def grid(varied):
    """Returns every combination of values; the last flag varies fastest.

    Args:
        varied: Strings such as "alpha=0,1".

    Returns:
        A list of dictionaries from flag names to values, as text.

    Raises:
        InputError: A string does not have this form.
    """
    axes = {}
    for text in varied:
        name, _, values = text.partition("=")
        together = name.count("+")
        complete = all(
            v and v.count("+") == together for v in values.split(",")
        )
        if not name or not complete or name in axes:
            raise expected(
                "--vary=flag=value,value… once for each flag",
                f"vary={text}",
                "For example: --vary=alpha=0,1,100, or a+b=1+2,3+4.",
            )
        axes[name] = values.split(",")
    combinations = itertools.product(*axes.values())
    return [dict(zip(axes, values, strict=True)) for values in combinations]


def chosen(record):
    """Returns the settings with the lowest mean NLL on the validation set.

    None if there is no validation set, or nothing varies.
    """
    groups = _by_settings(record)
    runs = record["runs"]
    if len(groups) < 2 or any(run.get(_CHOICE) is None for run in runs):
        return None
    nll = {s: _spread(runs, _CHOICE)[0] for s, runs in groups.items()}
    best = min(nll, key=nll.get)
    return ", ".join(f"{name}={value}" for name, value in best)


def _by_settings(record):
    """Returns the runs of each point of the grid, by its settings."""
    groups = {}
    for run in record["runs"]:
        groups.setdefault(tuple(_varied(record, run)), []).append(run)
    return groups


def table(record):
    """Returns the Markdown table of a record: mean and std over seeds."""
    groups = _by_settings(record)
    shown = {
        label: key
        for label, key in COLUMNS.items()
        if all(run.get(key) is not None for run in record["runs"])
    }
    rows = []
    for varied, runs in groups.items():
        cells = [
            mean_and_std(study.values(runs, key)) for key in shown.values()
        ]
        params = runs[0]["cost/params"]
        rows.append([*dict(varied).values(), f"{params:,}", *cells])
    names = [name for name, _ in _varied(record, record["runs"][0])]
    return analysis.markdown_table(rows, [*names, "Parameters", *shown])


if __name__ == "__main__":
    define_flags()
    script.run(main)
