r"""Damages what commands read, and where they run: no harm may come of it.

    python -m tests.stress.attacks --trials=200 --seed=0

A trial is of one of these kinds, in turn:

    damage         a file of a run or study is damaged, then read by a command
    edits          a flags.json is edited as by hand, then read by a command
    surroundings   a command without output, temporary folder, TensorFlow, …
    bits           100 single bits of a checkpoint flipped, each then restored

A command works, or is refused: exit status 2, and a one-line error. If that
error advises to delete the file, the same command must work without it. Files
that no command wrote stay as they are. A flipped bit is noticed, or changes
nothing that is read.
"""

import argparse
import collections
import concurrent.futures
import dataclasses
import functools
import pathlib
import random
import shutil
import tempfile
import time

import numpy as np

from mimo_keras.analysis import markdown_table
from mimo_keras.files import ReadError, read_arrays, write_json
from tests.stress import damage, document, flags, quick

KINDS = ("damage", "edits", "surroundings", "bits")
FLIPS = 100
_M = ("--output_dir=m", "--trajectory_interval=1")
_STUDY = ("--seeds=0", "--methods=deterministic:1,mimo:2")
# File -> the commands that read it: a script and flags after those of `quick`.
_RUN = (
    ("cifar", _M),
    ("cifar", (*_M, "--eval_only")),
    ("evaluate", ("--runs=m",)),
    ("evaluate", ("--runs=m", "--output_dir=m", "--suite=test")),
    ("analyze", ()),
    ("analyze", ("--figure=trajectories",)),
    ("analyze", ("--figure=diversity", "--run_dirs=m")),
)
_RECORD = (("study", _STUDY), ("study", (*_STUDY, "--table_only")))
_TOY = (("toy_regression", ()), ("toy_regression", ("--table_only",)))
READ = {
    **{
        f"m/{name}": _RUN
        for name in (
            *("flags.json", "results.json", "arrays.npz", "metrics.csv"),
            *("trajectory.npz", "checkpoints/epoch_000001.npz"),
        )
    },
    "record.json": _RECORD,
    "sweep.json": (("sweep", ()), ("sweep", ("--figure=f.png",))),
    "toy.json": _TOY,
    "toy.npz": _TOY,
    "runs/toy_regression/*.npz": _TOY[:1],
}
# Files of others, which lie in every folder: name -> content.
OTHERS = {
    "m/notes.txt": "mine",
    "m/.mine.tmp": "mine",
    "f.json": '{"mine": 1}',
    "m/figures/mine.png": "mine",
}
ADVICE = "elete the file"
# Scripts that make anew what was deleted, and flags by which they do not.
_MAKE = ("cifar", "study", "sweep", "toy_regression")
_ONLY = {"--eval_only", "--table_only"}


@dataclasses.dataclass(frozen=True)
class Trial:
    """A command, and what was done to it.

    Attributes:
        kind: One of `KINDS`.
        what: What was done, in words.
        set: `flags.Set`: the command.
    """

    kind: str
    what: str
    set: flags.Set


def trial(index, seed, folder):
    """Draws a trial and prepares a folder for it.

    Args:
        index: Its number.
        seed: Seed of all trials.
        folder: A copy of the staged folder, which is changed.

    Returns:
        The `Trial`, the path that was damaged or None, and the function that
        the process calls first, or None.
    """
    draw = random.Random(f"{seed} {index}")
    kind = KINDS[index % len(KINDS)]
    for name, content in OTHERS.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)
    if kind == "surroundings":
        name = draw.choice(quick.STARTERS + ("cifar", "evaluate", "plan"))
        what = draw.choice(sorted(damage.SURROUNDINGS))
        one = flags.Set(name, quick.FIRST[name])
        before = functools.partial(damage.surround, what)
        return Trial(kind, what, one), None, before
    name = "m/flags.json" if kind == "edits" else draw.choice(sorted(READ))
    script, more = draw.choice(READ[name])
    path = sorted(folder.glob(name))[0]
    if kind == "edits":
        what = damage.edit(draw, path)
    else:
        what = draw.choice(sorted(damage.WAYS))
        damage.WAYS[what](draw, path)
    one = flags.Set(script, (*quick.FIRST[script], *more))
    return Trial(kind, f"{name}: {what}", one), path, None


def outcome(index, seed, staged):
    """Runs a trial; returns it, its kind of end, and what was said."""
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder, "work")
        shutil.copytree(staged, work)
        if KINDS[index % len(KINDS)] == "bits":
            return bits(index, seed, work)
        one, path, before = trial(index, seed, work)
        kind, said = _run(one, work, before)
        makes = one.set.script in _MAKE and not _ONLY & {*one.set.flags}
        if makes and kind == "refused" and ADVICE in said and path is not None:
            damage.remove(path)
            again, more = _run(one, work, before)
            if again != "ran":
                kind, said = "dead end", f"{said}\n{more}"
        for name, content in OTHERS.items():
            there = work / name
            if not there.is_file() or there.read_text() != content:
                kind, said = "others' files", f"{name}: {said}"
    return one, kind, said


def _run(one, work, before):
    try:
        done = quick.run(one.set.script, one.set.flags, work, before=before)
    except AssertionError as error:
        return "hangs", str(error)
    return flags.judge(one.set, done), done.stderr


def bits(index, seed, work):
    """Flips bits of a checkpoint, one at a time; returns as `outcome`."""
    draw = random.Random(f"{seed} {index}")
    one = Trial("bits", "m/checkpoints", flags.Set("cifar", _M))
    path = sorted((work / "m" / "checkpoints").glob("*.npz"))[-1]
    whole, wanted = path.read_bytes(), read_arrays(path)
    for _ in range(FLIPS):
        path.write_bytes(whole)
        damage.flip(draw, path)
        try:
            found = read_arrays(path)
        except ReadError:
            continue
        if not _same(found, wanted):
            return one, "other numbers", "a flipped bit was not noticed"
    return one, "refused", ""


def _same(found, wanted):
    return found.keys() == wanted.keys() and all(
        np.array_equal(found[name], wanted[name]) for name in wanted
    )


def summary(ends, trials, seed, seconds):
    """Returns the record of the ends of trials."""
    counts = {kind: collections.Counter() for kind in KINDS}
    for one, kind, _ in ends:
        counts[one.kind][kind] += 1
    return {
        "command": f"python -m tests.stress.attacks --trials={trials} "
        f"--seed={seed}",
        "trials": len(ends),
        "flips": FLIPS * counts["bits"].total(),
        "kinds": {kind: dict(sorted(c.items())) for kind, c in counts.items()},
        "failures": [
            f"{kind}: {one.what}: {one.set.command}"
            for one, kind, _ in ends
            if kind not in ("ran", "refused")
        ],
        "seconds": round(seconds),
    }


def table(record):
    """Returns the Markdown table of a record."""
    rows = []
    for name in KINDS:
        found = record["kinds"][name]
        known = [found.get(kind, 0) for kind in ("ran", "refused")]
        total = sum(found.values())
        rows.append([name, total, *known, total - sum(known)])
    totals = [sum(column) for column in list(zip(*rows, strict=True))[1:]]
    columns = ["Kind", "Trials", "Ran", "Refused in one line", "Harm"]
    return markdown_table([*rows, ["all", *totals]], columns)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--only", type=int, nargs="*", help="Their numbers.")
    parser.add_argument("--record", help="JSON file of the figures.")
    parser.add_argument("--document", help="Where the table stands.")
    parser.add_argument("--staged", help="Folder to keep what is damaged in.")
    asked = parser.parse_args()
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(asked.staged or folder)
        if not (folder / "toy.png").exists():
            quick.stage(folder)
        numbers = asked.only or range(asked.trials)
        end = functools.partial(outcome, seed=asked.seed, staged=folder)
        with concurrent.futures.ThreadPoolExecutor(asked.workers) as pool:
            ends = []
            for index, found in zip(
                numbers, pool.map(end, numbers), strict=True
            ):
                ends.append(found)
                _tell(index, *found)
    record = summary(ends, asked.trials, asked.seed, time.monotonic() - begun)
    print(table(record))
    if asked.record:
        write_json(asked.record, record)
    if asked.document:
        path = pathlib.Path(asked.document)
        document.put("attacks", table(record), path)
    raise SystemExit(bool(record["failures"]))


def _tell(index, one, kind, said):
    last = (said.splitlines() or [""])[-1]
    if kind not in ("ran", "refused"):
        last = said
    print(f"{index}: {kind}: {one.what}: {one.set.command}\n    {last}")


if __name__ == "__main__":
    main()
