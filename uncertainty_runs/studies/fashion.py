"""Tunes and compares the methods on Fashion-MNIST; makes tables and figures.

    python uncertainty_runs/studies/fashion.py --data_dir=DATA
    python uncertainty_runs/studies/fashion.py --table_only --figures=FOLDER

docs/data_sets.md says how to prepare DATA. Each method is tuned alike, on
training images that are held out (fashion_plan.search), and then trained with
several seeds. Rows are run in the order of what they tell: the main methods
seed by seed, then the others, numbers of members, batch repetitions R, input
repetition ρ, widths, budgets, the methods on a second network, and last all
60,000 images; --parts selects some.
Each run has a folder of its own under --output_dir, and its numbers are added
to --record: the command can be stopped at any moment and given again, and what
the record has is not run again. Tables say "not run" for what it lacks.

--backbone, --rates and other flags below are facts of the record: other values
need another one.
"""

import math

from absl import flags

from uncertainty_runs.common import early

with early.importing(__name__):
    from mimo_keras.errors import expected
    from mimo_keras.paths import as_path
    from uncertainty_runs.common import script
    from uncertainty_runs.common.flags import MOST, whole
    from uncertainty_runs.studies import (
        engine,
        fashion_plan,
        fashion_tables,
        records,
    )

KIND = "fashion"


def define_flags():
    text, several = flags.DEFINE_string, flags.DEFINE_list
    text("backbone", "small_cnn_4", "Network.")
    text(
        "deep_backbone",
        "wide_resnet_10_2",
        "Network of --deep_methods.",
    )
    several(
        "deep_methods",
        ["mixture_ensemble", "mixshare"],
        "Methods that need several layers of one shape, or maps.",
    )
    whole("members", 4, "M of methods that predict with M networks.", 2, MOST)
    whole("repetitions", 4, "R of methods of several inputs.", 1, MOST)
    whole("train_examples", 10_000, "Training images of a run.", 1, 57_000)
    whole(
        "corrupted_examples",
        1000,
        "Images of each corrupted set that are evaluated; 0: all 10,000.",
        lower_bound=0,
    )
    several("rates", ["0.025", "0.05", "0.1"], "Learning rates to choose from.")
    several("epochs", ["10", "20", "40"], "Training epochs to choose from.")
    several("l2", ["1e-4", "3e-4", "1e-3"], "Coefficients of L2, likewise.")
    several(
        "widths",
        [f"small_cnn_{width}" for width in (1, 2, 4, 8)],
        "Networks to compare numbers of members on; they end with a width.",
    )
    several(
        "budgets",
        ["0.5", "2.0"],
        "Parameters of mixture_ensemble, as shares of one network's; layers "
        "that share no templates need theirs.",
    )
    several("options", [], "Further flags of all runs, as flag=value.")
    several(
        "parts",
        [*fashion_plan.PARTS],
        f"What to run, among {', '.join(fashion_plan.PARTS)}.",
    )
    several("methods", [], "What to run, as mimo:2,mimo:3. Default: all rows.")
    flags.DEFINE_bool("table_only", False, "Only make tables and figures.")
    text("figures", None, "Folder to draw the figures in.")
    engine.define_flags("runs/fashion", "runs/fashion.json", "0,1,2,3,4")


def main():
    f = flags.FLAGS
    figures = drawn(f)
    for path in figures:
        records.check_figure(path, f.record, "figures")
    if not f.table_only:
        run(f)
    record = records.read(f.record)
    with records.checked(f.record):
        print(fashion_tables.tables(record))
        for path, draw in figures.items():
            if draw(record, path) is not None:
                print("Figure:", path)


def drawn(f):
    """Returns file -> function that draws it, named after the record."""
    if not f.figures:
        return {}
    name = as_path(f.record).stem
    return {
        as_path(f.figures) / f"{name}_{suffix}": draw
        for suffix, draw in fashion_tables.FIGURES.items()
    }


def run(f):
    """Makes the runs that the record lacks, in order."""
    engine.check_seeds(f.seeds)
    engine.check_options(f.options)
    unknown = {*f.parts} - {*fashion_plan.PARTS}
    if unknown or not f.parts:
        raise expected(
            f"parts among {', '.join(fashion_plan.PARTS)}",
            f"parts={','.join(f.parts) or 'none'}",
            "Choose from these.",
        )
    plan = planned(f)
    record = records.opened(f.record, KIND, plan.facts())
    records.check_is_file(f.record, "record")

    def made(point, seed):
        """Returns the numbers of a run, which is made if it is missing."""
        found = fashion_tables.found(record, point, seed)
        if found is None:
            jobs, keys = [(point, seed, {})], fashion_tables.KEYS
            try:
                engine.run_all(record, f.record, jobs, f.output_dir, keys)
            except engine.DivergedError:
                records.add(record, diverged(point, seed))
                engine.write(record, f.record)
            found = fashion_tables.found(record, point, seed)
        return found

    def score(point):
        return nll(made(point, fashion_plan.TUNED_ON))

    wanted = [*fashion_plan.order(plan, f.seeds, f.parts, f.methods)]
    absent = {*f.methods} - {row.entry for row, _ in wanted}
    if absent:
        raise expected(
            "rows of the study as --methods",
            f"methods={','.join(sorted(absent))}",
            "Write method:M; --table_only prints the rows.",
        )
    by_title = {row.title: row for row in plan.rows()}
    for row, seed in wanted:
        tuned = by_title[row.like] if row.like else row
        settings = fashion_plan.search(plan, tuned, score)
        made(plan.point(row, settings), seed)


def nll(run):
    """Returns what settings are chosen by; infinite of what diverged."""
    value = run["val/nll"]
    return math.inf if value is None else value


def diverged(point, seed):
    """Returns the entry of a run without results."""
    names = (*engine.COSTS, *fashion_tables.KEYS)
    return {
        "method": point.label,
        "ensemble_size": point.members,
        "seed": int(seed),
        **dict.fromkeys(names),
    }


def planned(f):
    """Returns the `fashion_plan.Plan` of the flags."""
    for name in ("rates", "epochs", "l2"):
        if not f[name].value:
            raise expected(f"values of --{name}", "none", "Name one.")
    names = fashion_plan.Plan.__dataclass_fields__
    values = {name: f[name].value for name in names}
    several = {n: tuple(v) for n, v in values.items() if isinstance(v, list)}
    return fashion_plan.Plan(**values | several)


if __name__ == "__main__":
    define_flags()
    script.run(main)
