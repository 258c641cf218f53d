"""Runs the rows of a paper's table or figure; compares with what it reports.

    python uncertainty_runs/reproduce.py
    python uncertainty_runs/reproduce.py --table=mimo1
    python uncertainty_runs/reproduce.py --table=mimo1 --data_dir=DATA --run
    python uncertainty_runs/reproduce.py --table=mimo1 --dataset=digits --run
    python uncertainty_runs/reproduce.py --figure=mimmo5 --dataset=digits --run

Without flags it lists the tables and figures and what is known to differ from
the papers; with --tflops also how long training takes at that speed. With
--table or --figure it prints the commands of the runs that are missing, and the
numbers of those that are there beside the paper's. --run makes what is missing,
each run in a folder of its own under --output_dir, and adds its numbers to
--record, so the command can be stopped and given again at any time. A --record
that is named also gets what was there before.
--dataset=digits runs the same rows on digits, in minutes; then there is nothing
to subtract. --options changes all rows, as in --options=train_epochs=10, and
--records names records of other studies, whose runs of the same rows count.
docs/reproduce.md says what to expect.
"""

import dataclasses
import itertools
import pathlib
import shlex

from absl import flags

from uncertainty_runs.common import early

with early.importing(__name__):
    from mimo_keras import analysis
    from mimo_keras.errors import expected
    from mimo_keras.paths import as_path
    from uncertainty_runs.common import script
    from uncertainty_runs.reported import FIGURES, TABLES, comparison
    from uncertainty_runs.studies import engine, estimate, records, sweep

_KIND = "reproduce"


def define_flags():
    flags.DEFINE_enum("table", None, [*TABLES], "Table of a paper.")
    flags.DEFINE_enum("figure", None, [*FIGURES], "Figure of a paper.")
    engine.define_dataset_flag(None)
    flags.DEFINE_bool("run", False, "Make the runs that are missing.")
    flags.DEFINE_list(
        "options", [], "Further flags of every run, as flag=value."
    )
    flags.DEFINE_list(
        "records", [], "JSON files of other studies, whose runs count."
    )
    flags.DEFINE_float(
        "tflops",
        None,
        "Also list the hours of training at this many 10¹² FLOPs a second.",
        lower_bound=1e-3,
    )
    engine.define_flags("runs/reproduce", None, seeds="0")


def main():
    f = flags.FLAGS
    if f.table and f.figure:
        raise expected(
            "--table or --figure",
            f"table={f.table}, figure={f.figure}",
            "Leave out one of them.",
        )
    engine.check_seeds(f.seeds)
    engine.check_options(f.options)
    if f.table:
        reproduce_table(TABLES[f.table], f)
    elif f.figure:
        reproduce_figure(FIGURES[f.figure], f)
    else:
        print(f"{overview(f.tflops)}\n\n{differences()}")


def overview(tflops=None):
    """Returns a Markdown table of all tables and figures.

    Args:
        tflops: 10¹² FLOPs a second, for the hours of training; None for none.
    """
    parts = [
        (f"--table={table.name}", table.source, table.dataset, _points(table))
        for table in TABLES.values()
    ]
    parts += [
        (f"--figure={figure.name}", figure.source, grid.dataset, _on(grid))
        for figure in FIGURES.values()
        for grid in figure.grids
    ]
    columns = ["Flag", "What it reproduces", "Data", "Runs a seed"]
    rows = [
        [f"`{flag}`", source, dataset, len(points)]
        for flag, source, dataset, points in parts
    ]
    if tflops:
        columns += ["Training [10¹⁸ FLOPs]", f"Hours at {tflops:g} TFLOP/s"]
        for row, (*_, points) in zip(rows, parts, strict=True):
            spent = sum(map(estimate.training_flops, points))
            hours = spent / (tflops * 1e12) / 3600
            row += [f"{spent / 1e18:.2f}", f"{hours:.1f}"]
    return analysis.markdown_table(rows, columns)


def differences():
    """Returns a Markdown list of what is known to differ from the papers."""
    said = {}
    for one in (*TABLES.values(), *FIGURES.values()):
        for note in one.notes:
            said.setdefault(note, []).append(f"`{one.name}`")
    lines = [f"- {', '.join(names)}: {note}" for note, names in said.items()]
    return "\n".join(lines)


def _points(table, dataset=None, options=()):
    """Returns the `engine.Point` of each row."""
    return [
        engine.row_point(table, row, dataset, options) for row in table.rows
    ]


def _on(grid):
    jobs = sweep.jobs(grid.dataset, grid.base, grid.vary, ["0"])
    return [point for point, _, _ in jobs]


def reproduce_table(table, f):
    """Prints, and with --run makes, the runs of a table."""
    points = _points(table, f.dataset, f.options)
    dataset = f.dataset or table.dataset
    path = _record_path(f, table.name, dataset)
    facts = {"table": table.name, "dataset": dataset, "options": f.options}
    record = records.opened(path, _KIND, facts)
    for other in f.records:
        take_over(record, other, points, table.result_keys())
    jobs = [(p, s, {}) for s, p in itertools.product(f.seeds, points)]
    missing = _completed(record, path, jobs, table.result_keys(), f)
    _tell(f"{table.source}, on {dataset}", jobs, missing, f)
    with records.checked(path):
        print(compared(table, record))
    for note in table.notes:
        print(f"\n{note}", end="")
    print()


def compared(table, record):
    """Returns the runs of a record beside the paper's numbers, as Markdown."""
    dataset = record["dataset"]
    points = _points(table, dataset, record["options"])
    by_label = {
        row.label: [run for run in record["runs"] if _is_of(run, point)]
        for row, point in zip(table.rows, points, strict=True)
    }
    return comparison.table(table, by_label, dataset)


def take_over(record, path, points, keys):
    """Adds the runs of another study's record, if they are those of a table.

    Args:
        record: The table's record.
        path: File of the other one.
        points: The table's `engine.Point`s.
        keys: Keys of results.json to take.
    """
    by_settings = {_settings(p.label, p.members): p for p in points}
    there = {_identity(run) for run in record["runs"]}
    other = records.read(path, "records", "Leave it out, or make one.")
    with records.checked(path, "records"):
        # The default of studies, in records of older versions.
        if records.fact(other, "dataset", "digits") != record["dataset"]:
            return
        for run in other["runs"]:
            at = by_settings.get(_settings(run["method"], run["ensemble_size"]))
            if at is not None:
                own = {"method": at.label, "ensemble_size": at.members}
                taken = {k: run.get(k) for k in (*engine.COSTS, "seed", *keys)}
                if _identity(taken | own) not in there:
                    records.add(record, taken | own)


def _settings(label, members):
    """Returns a method, its flags in any order, and M."""
    return *label.split(":")[:1], frozenset(label.split(":")[1:]), members


def _identity(run):
    return run["method"], run["ensemble_size"], str(run["seed"])


def _record_path(f, *names):
    if f.record:
        return f.record
    words = [*names, *(option.replace("=", "_") for option in f.options)]
    return str(as_path(f.output_dir) / f"{'-'.join(words)}.json")


def _is_of(run, point):
    label = run["method"], run["ensemble_size"]
    return label == (point.label, point.members)


def _completed(record, path, jobs, keys, f):
    """Adds to a record what is there, and with --run all; returns the rest.

    The record is written with --run, and where --record names it.
    """
    with records.checked(path):
        there = {_identity(run) for run in record["runs"]}
    rest = []
    for point, seed, more in jobs:
        if (point.label, point.members, str(seed)) in there:
            continue
        run = engine.finished_run(point, seed, f.output_dir, keys)
        if run is None:
            rest.append((point, seed, more))
        else:
            records.add(record, run | more)
    if record["runs"] and (f.run or f.record):
        engine.write(record, path)
    if f.run:
        engine.run_all(record, path, rest, f.output_dir, keys)
        return []
    return rest


def _tell(title, jobs, missing, f):
    """Prints what is there, and the commands of what is not."""
    print(f"{title}: {len(jobs)} runs, {len(jobs) - len(missing)} finished.\n")
    here = pathlib.Path(__file__)
    for point, seed, _ in missing:
        words = map(shlex.quote, point.flags(f.output_dir, seed))
        where = here.with_name(f"{point.script}.py")
        print(engine.command(str(where), [*words]))
    if missing:
        print()


def reproduce_figure(figure, f):
    """Prints, and with --run makes, the runs of a figure, and draws it."""
    panels = [*_panels(figure, f)]
    for _, path in panels:  # Before anything is run.
        _files(path)
    for grid, path in panels:
        record = sweep.opened(grid.dataset, grid.base, grid.vary, path)
        jobs = sweep.jobs(grid.dataset, grid.base, grid.vary, f.seeds)
        missing = _completed(record, path, jobs, sweep.KEYS, f)
        _tell(f"{figure.source}, on {grid.dataset}", jobs, missing, f)
        if not missing:
            _draw(record, path, grid)


def _panels(figure, f):
    """Yields each panel, with the options of all runs, and its record."""
    shown = set()
    for letter, panel in zip("abc", figure.grids, strict=False):
        grid = panel.on(f.dataset)
        if grid in shown:  # Panels that differ in the data set alone.
            continue
        shown.add(grid)
        path = _record_path(f, f"{figure.name}{letter}", grid.dataset)
        if f.record and len(figure.grids) > 1:  # A record for each panel.
            records.check_is_file(path, "record")
            given = as_path(path)
            path = given.with_name(f"{given.stem}_{letter}{given.suffix}")
        base = ":".join([grid.base, *f.options])
        yield dataclasses.replace(grid, base=base), str(path)


def _files(path):
    """Returns the files of a panel's picture and numbers, beside its record."""
    picture = as_path(path).with_suffix(".png")
    records.check_figure(picture, path)
    numbers = records.beside(picture, ".json", path)
    sweep.check_numbers(numbers)
    return picture, numbers


def _draw(record, path, grid):
    picture, numbers = _files(path)
    with records.checked(path):
        print(sweep.table(record))
        sweep.draw(
            record, picture, grid.panels, grid.against, numbers, grid.boxes
        )


if __name__ == "__main__":
    define_flags()
    script.run(main)
