r"""Runs every script with random flags: each works or fails in one line.

    python -m tests.stress.flags --sets=500 --seed=0

A set of flags is rejected properly if the exit status is 2, or 3 where the loss
became NaN, and the error is one line that begins with the script's name.
Anything else, except for exit status 0, is reported in full: a traceback,
another status, a hang.
"""

import argparse
import collections
import concurrent.futures
import dataclasses
import pathlib
import random
import shlex
import shutil
import tempfile
import time

from mimo_keras.analysis import markdown_table
from mimo_keras.files import write_json
from tests.runs import processes
from tests.stress import document, flag_sets, quick

SECONDS = 180
# How often each script is drawn, by how much there is to find in it.
WEIGHTS = {"cifar": 10, "evaluate": 3, "analyze": 3, "imagenet": 3}
WEIGHTS |= dict.fromkeys(("toy_regression", "sweep", "cost"), 2)
SCRIPTS = tuple(quick.FIRST)
# For scripts that take only one method.
METHODS = {"plan": "mixture_ensemble"}


@dataclasses.dataclass(frozen=True)
class Set:
    """A script's name, and the flags of one run of it."""

    script: str
    flags: tuple

    @property
    def command(self):
        """The command line, for a shell."""
        path = quick.script(self.script).relative_to(processes.ROOT)
        return shlex.join(["python", str(path), *self.flags])


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How a set ended: "ran", "refused" or what went wrong, and the output."""

    set: Set
    kind: str
    said: str
    seconds: float


def sets(count, seed, scripts=SCRIPTS):
    """Returns the sets of a seed; a larger count only appends sets."""
    known = {
        name: flag_sets.definitions(quick.script(name)) for name in scripts
    }
    weights = [WEIGHTS.get(name, 1) for name in scripts]
    found = []
    for index in range(count):
        draw = random.Random(f"{seed} {index}")
        # Each script once, then at random.
        rest = draw.choices(scripts, weights)[0]
        name = scripts[index] if index < len(scripts) else rest
        drawn = flag_sets.draw(draw, known[name], METHODS.get(name))
        found.append(Set(name, (*quick.FIRST[name], *drawn)))
    return found


def judge(one, done):
    """Returns the kind of outcome: "ran", "refused", or what is wrong."""
    if "Traceback (most recent call last)" in done.stderr:
        return "traceback"
    if done.status == 0:
        return "ran"
    if done.status not in (2, 3):  # 3: the loss became NaN.
        return f"status {done.status}"
    *others, last = done.stderr.splitlines() or [""]
    begins = f"{one.script}.py: error: "
    told = any(line.startswith(begins) for line in others)
    return "refused" if last.startswith(begins) and not told else "no one line"


def outcome(one, staged, seconds=SECONDS):
    """Runs a set in a copy of the staged folder, which it may damage."""
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder, "work")
        shutil.copytree(staged, work)
        try:
            done = quick.run(one.script, one.flags, work, seconds)
            kind, said = judge(one, done), done.stderr
        except AssertionError as error:
            kind, said = "hangs", str(error)
    return Outcome(one, kind, said, time.monotonic() - begun)


def counts(outcomes):
    """Returns the number of sets by script and kind of outcome."""
    found = {}
    for one in outcomes:
        found.setdefault(one.set.script, collections.Counter())[one.kind] += 1
    return {name: dict(sorted(found[name].items())) for name in sorted(found)}


def failures(outcomes):
    """Returns those that neither ran nor were rejected properly."""
    return [o for o in outcomes if o.kind not in ("ran", "refused")]


def main():
    arguments = _arguments()
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(arguments.staged or folder)
        if not (folder / "toy.png").exists():
            quick.stage(folder)
        chosen = list(enumerate(sets(arguments.sets, arguments.seed)))
        if arguments.only:
            chosen = [chosen[index] for index in arguments.only]
        outcomes = []
        with concurrent.futures.ThreadPoolExecutor(arguments.workers) as pool:
            ends = pool.map(lambda pair: outcome(pair[1], folder), chosen)
            for (index, _), one in zip(chosen, ends, strict=True):
                _tell(index, one, arguments.verbose)
                outcomes.append(one)
    bad = failures(outcomes)
    kinds = collections.Counter(one.kind for one in outcomes)
    record = {
        "command": f"python -m tests.stress.flags --sets={arguments.sets} "
        f"--seed={arguments.seed}",
        "sets": len(outcomes),
        "ran": kinds["ran"],
        "refused": kinds["refused"],
        "tracebacks": kinds["traceback"],
        "failures": [f"{one.kind}: {one.set.command}" for one in bad],
        "scripts": counts(outcomes),
        "seconds": round(time.monotonic() - begun),
    }
    for name, kinds in record["scripts"].items():
        print(f"{name:15}", *(f"{kind} {n}" for kind, n in kinds.items()))
    parts = ("sets", "ran", "refused", "tracebacks", "seconds")
    print(*(f"{name}: {record[name]}" for name in parts), sep=", ")
    if arguments.record:
        write_json(arguments.record, record)
    if arguments.document:
        document.put("flags", table(record), pathlib.Path(arguments.document))
    raise SystemExit(bool(bad))


def table(record):
    """Returns the Markdown table of a record."""
    kinds = ("ran", "refused")
    rows = []
    for name, found in record["scripts"].items():
        known = [found.get(kind, 0) for kind in kinds]
        total = sum(found.values())
        rows.append([f"`{name}.py`", total, *known, total - sum(known)])
    totals = [sum(column) for column in list(zip(*rows, strict=True))[1:]]
    columns = ["Script", "Sets", "Ran", "Refused in one line", "Anything else"]
    return markdown_table([*rows, ["all", *totals]], columns)


def _tell(index, one, verbose):
    if failures([one]):
        print(f"{index}: {one.kind}: {one.set.command}\n{one.said}", flush=True)
    elif verbose:
        last = (one.said.splitlines() or [""])[-1]
        told = f"{index}: {one.kind} in {one.seconds:.1f} s: {one.set.command}"
        print(f"{told}\n    {last}", flush=True)


def _arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--record", help="JSON file of the figures.")
    parser.add_argument("--document", help="Where the table stands.")
    parser.add_argument("--only", type=int, nargs="*", help="Indices of sets.")
    parser.add_argument("--staged", help="Folder to keep what sets need in.")
    parser.add_argument("--verbose", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
