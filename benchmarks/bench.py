r"""Speed of every method and of its alternatives: `make bench`.

    python -m benchmarks.bench
    python -m benchmarks.bench --sections=inference --batches=1,32

Every row is a ratio: a few contestants and their yardstick, each in its own
process, take turns, and each turn gives a ratio to the yardstick. The table
shows the median and the range, the ratio of the fastest turns, and the median
ratio of processor time, which is less sensitive to other work on the machine;
for predictions also the ratio of multiply-adds, which is independent of the
machine. Each row is saved to --record when it is finished, and the same command
resumes with the next one; --table_only prints only the tables.
Sections:

    inference  seconds of a prediction against `deterministic`
    apart      the same for fast weights as they are, for their members as
               plain networks side by side, and for the default, which depends
               on the size: at full and at half width
    step       seconds of a training step against it, on as many rows of the
               forward pass; for multi-input methods the share of the step in
               which the rows are formed, too
    peers      a training step and a prediction of other libraries against
               ours: above 1 they are slower. torch-uncertainty's are left out
               where it is not installed
    jax        ours on the JAX backend against ours on TensorFlow's
    start      `import mimo_keras` against `import keras`, and the time from
               the command to the end of the first training step
    suite      the evaluation of a run against its bare forward passes
    fit        `fit` from 60,000 small images in memory against as many bare
               steps on a batch that is on the device: above 1 by what reading,
               shuffling and augmenting cost
"""

import contextlib

from absl import flags

from benchmarks import fitting, process_times, turns
from benchmarks.bench_record import Record, facts
from benchmarks.worker import Worker
from mimo_keras import analysis
from mimo_keras.errors import expected
from uncertainty_runs.common import script
from uncertainty_runs.studies import records

BASE = {"method": "deterministic", "ensemble_size": 1}
REPEATED = ("mimo", "mixmo", "mixshare", "datamux", "mimmo")
MEMBERS = (
    # The yardstick against itself: the resolution of a comparison.
    "deterministic:1",
    "mc_dropout:1",
    "naive_multihead:3",
    "mimo:1",
    "mimo:2",
    "mimo:3",
    "mimo:4",
    "mimo:5",
    "mimo:6",
    "mimo:7",
    "mimo:8",
    "mimo:3:unfolded",
    "mixmo:2",
    "mixshare:2",
    "datamux:2",
    "early_exit:1",
    "dun:1",
    "mimmo:2",
    "treenet:3",
    "mixture_ensemble:4:wide_resnet_28_5",
    "mixture_ensemble:4",
    "batch_ensemble:4",
    "deep_ensemble:4",
    "rank1_bnn:4",
)
PEERS = {
    "mimo:3": ("uncertainty_baselines", "torch_uncertainty"),
    "batch_ensemble:4": ("torch_uncertainty",),
}
HOW = {
    "unfolded": {"folded": False},
    "apart": {"apart": True},
    "together": {"apart": False},
}
"""Word of an entry -> what it says of the predictor."""
TOGETHER = 5
"""Contestants per yardstick: all of them must fit in memory at once."""
# The only one that torch-uncertainty has.
WIDE = "wide_resnet_28_10"
HALF = "wide_resnet_28_5"
APART = ("batch_ensemble:4:together", "batch_ensemble:4:apart")
APART += ("batch_ensemble:4",)
SECTIONS = ("inference", "apart", "step", "peers", "jax", "start")
SECTIONS += ("suite", "fit")


def define_flags():
    flags.DEFINE_list("sections", list(SECTIONS), "Sections to run.")
    flags.DEFINE_string("backbone", WIDE, "Backbone.")
    flags.DEFINE_list("methods", list(MEMBERS), "method:M[:how], or method.")
    flags.DEFINE_list("batches", ["1", "32", "128"], "Images per prediction.")
    flags.DEFINE_integer(
        "rows", 16, "Rows per training step, a multiple of 16.", lower_bound=16
    )
    flags.DEFINE_integer("turns", 5, "Minimum number of turns.", lower_bound=1)
    flags.DEFINE_float("seconds", 30.0, "Time budget for the turns of a row.")
    flags.DEFINE_string("record", "results/bench.json", "JSON file of results.")
    flags.DEFINE_bool("table_only", False, "Only print what is recorded.")


def main():
    f = flags.FLAGS
    unknown = set(f.sections) - set(SECTIONS)
    if unknown:
        raise expected(
            f"sections among {', '.join(SECTIONS)}",
            f"sections={','.join(f.sections)}",
            "Choose from these.",
        )
    if not f.table_only:
        record = Record(f.record, facts(f))
        for section in f.sections:
            RUN[section](f, record)
    print(tables(records.read(f.record)))


def spec(entry, backbone):
    """Returns the spec of "method:M[:unfolded, apart, … or backbone]"."""
    method, members, *how = entry.split(":")
    settings = {
        "method": method,
        "ensemble_size": int(members),
        "backbone": backbone,
        "options": {"batch_repetitions": 4} if method in REPEATED else {},
    }
    for word in how:
        settings |= HOW.get(word, {"backbone": word})
    return settings


def apart(f, record):
    for backbone in (f.backbone, HALF):
        rivals = {
            f"{entry}:{backbone}": spec(entry, backbone) for entry in APART
        }
        tasks = [("inference", int(n), f", batch {n}") for n in f.batches]
        yardstick = BASE | {"backbone": backbone}
        contest(f, record, "apart", yardstick, rivals, tasks)


def chosen(f):
    return [
        e for e in MEMBERS if e in f.methods or e.split(":")[0] in f.methods
    ]


def groups(entries, backbone):
    """Yields groups of entries, as dictionaries of specs by entry."""
    for first in range(0, len(entries), TOGETHER):
        some = entries[first : first + TOGETHER]
        yield {entry: spec(entry, backbone) for entry in some}


def inference(f, record):
    tasks = [("inference", int(n), f", batch {n}") for n in f.batches]
    for rivals in groups(chosen(f), f.backbone):
        contest(f, record, "inference", plain(f), rivals, tasks)


def step(f, record):
    entries = [e for e in chosen(f) if not e.endswith("unfolded")]
    for rivals in groups(entries, f.backbone):
        contest(f, record, "step", plain(f), rivals, [("step", f.rows, "")])


def peers(f, record):
    for entry, libraries in PEERS.items():
        own = spec(entry, f.backbone)
        rivals = {
            f"{library} {entry}": own | {"library": library}
            for library in libraries
            if takes_part(library, f.backbone)
        }
        contest(f, record, "peers", own, rivals, both(f))


def takes_part(library, backbone):
    """Returns whether a library is installed and has a backbone."""
    present = library != "torch_uncertainty" or (
        turns.installed(library) and backbone == WIDE
    )
    if not present:
        print(f"{library} is not installed, or has no {backbone}.")
    return present


def jax(f, record):
    if not turns.installed("jax"):
        print("jax is not installed: skipped.")
        return
    own = spec("mimo:3", f.backbone)
    rivals = {"mimo:3": own | {"backend": "jax"}}
    contest(f, record, "jax", own, rivals, both(f))


def plain(f):
    """Returns the spec of the yardstick of predictions and steps."""
    return BASE | {"backbone": f.backbone}


def both(f):
    """Returns the tasks of a peer: a training step, and a prediction."""
    return [("step", f.rows, ", step"), ("inference", 32, ", inference")]


def contest(f, record, section, base, rivals, tasks):
    """Times contestants against one yardstick, and saves their rows.

    Args:
        f: Flags.
        record: `Record`; rows that it has are not measured again.
        section: Section of the record.
        base: Spec of the yardstick.
        rivals: Name -> spec.
        tasks: Tuples of what to do, the number of rows, and the suffix of the
            row's name after the rival's.
    """

    def open_tasks(name):
        return [t for t in tasks if not record.has(section, name + t[2])]

    rivals = {n: own for n, own in rivals.items() if open_tasks(n)}
    if not rivals:
        return
    with contextlib.ExitStack() as stack:
        yardstick = stack.enter_context(Worker(base))
        workers = {
            n: stack.enter_context(Worker(own)) for n, own in rivals.items()
        }
        for task in tasks:
            what, rows, called = task
            names = [n for n in workers if task in open_tasks(n)]
            if not names:
                continue
            print(f"{section}: {', '.join(names)}{called} ...", flush=True)
            mine = [workers[n] for n in names]
            figures = turns.ratios(
                mine, yardstick, what, rows, f.turns, f.seconds
            )
            for name, worker, row in zip(names, mine, figures, strict=True):
                row["facts"] = worker.facts()
                if section == "inference":
                    row |= counted(worker, yardstick)
                if section == "step" and rivals[name]["method"] in REPEATED:
                    row |= formed(worker, rows, f.turns, row["seconds"])
                record.add(section, name + called, row)


def counted(worker, yardstick):
    """Returns the ratio of a prediction's multiply-adds to the yardstick's."""
    mine, base = (w.facts()["multiply_adds"] for w in (worker, yardstick))
    return {"multiply_adds_ratio": mine / base}


def formed(worker, rows, count, step):
    """Returns the fraction of a step's time spent on forming its rows."""
    forming = turns.seconds(worker, "formation", rows, count)
    return {"formation_share": forming / step}


def start(f, record):
    for name, make in process_times.STARTS.items():
        if not record.has("start", name):
            print(f"start: {name} ...", flush=True)
            record.add("start", name, make(f.turns))


def suite(f, record):
    if not record.has("suite", "digits"):
        print("suite: digits ...", flush=True)
        record.add("suite", "digits", process_times.suite(f.turns))


def tables(record):
    """Returns the Markdown tables of a record."""
    text = [", ".join(f"{k} {v}" for k, v in record["facts"].items())]
    for section in SECTIONS:
        if section in record["rows"]:
            text.append(table(section, record["rows"][section]))
    return "\n\n".join(text)


def table(section, rows):
    """Returns the Markdown table of a section, without empty columns."""
    shown = {
        key: title
        for key, title in COLUMNS.items()
        if any(key in row for row in rows)
    }
    cells = [[row["name"], *(_cell(row, key) for key in shown)] for row in rows]
    return analysis.markdown_table(cells, [TITLES[section], *shown.values()])


def _cell(row, column):
    value = row.get(column)
    if value is None:
        return "-"
    if column == "range":
        return "{:.3f} to {:.3f}".format(*value)
    if column in ("turns", "peak", "base_peak"):
        return f"{value:,.0f}"
    return f"{value:.3f}" if "ratio" in column else f"{value:.4g}"


TITLES = {
    "inference": "Prediction",
    "apart": "Fast weights",
    "step": "Training step",
    "peers": "Others, against ours",
    "jax": "JAX, against TensorFlow",
    "start": "Start",
    "suite": "Evaluation",
    "fit": "Training from memory",
}
COLUMNS = {
    "ratio": "Ratio",
    "range": "Range",
    "fastest_ratio": "Of the fastest turns",
    "processor_ratio": "Of processor time",
    "multiply_adds_ratio": "Of multiply-adds",
    "turns": "Turns",
    "seconds": "Seconds",
    "base_seconds": "Yardstick's",
    "more_seconds": "Seconds more",
    "peak": "Peak memory [MiB]",
    "base_peak": "Yardstick's [MiB]",
    "formation_share": "Share of forming rows",
    "input_share": "Share of an epoch's input",
}
RUN = {
    "inference": inference,
    "apart": apart,
    "step": step,
    "peers": peers,
    "jax": jax,
    "start": start,
    "suite": suite,
    "fit": fitting.section,
}


if __name__ == "__main__":
    define_flags()
    script.run(main)
