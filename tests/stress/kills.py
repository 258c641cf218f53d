"""Kills runs at random moments; each ends like an uninterrupted run.

    python -m tests.stress.kills --kills=50 --seed=0

Each kill is a SIGKILL, and the next process resumes in the same folder. Half of
the moments are uniform over the rest of a run's life, the others are at random
calls of functions that write, train or evaluate, in the phase with the fewest
kills so far. After every few kills a run may finish, and is compared with the
uninterrupted one, bit for bit: checkpoints, metrics.csv and
results.json without times, and the answers of the exported SavedModel.
"""

import collections
import functools
import json
import math
import pathlib
import random
import shutil
import sys
import tempfile
import time
import traceback

import numpy as np
from absl import app, flags

from mimo_keras.analysis import markdown_table
from mimo_keras.files import write_json
from tests.runs import ends, outputs, processes
from tests.stress import document, watched

COMMAND = (*processes.TINY, "--output_dir=run", "--export")
KILLED = -9
SECONDS = 1800
"""Seconds until a process counts as hanging, even on a busy machine."""
MOST = 5
"""Maximum number of kills before a run may end."""
AIMED_AT = ("training", "checkpointing", "evaluation", "export")


class Method:
    """The runs of one method, each killed until it may end.

    Args:
        name: The method.
        folder: Folder of its runs; created.
        draw: random.Random.
    """

    def __init__(self, name, folder, draw):
        self.flags = [*COMMAND, f"--method={name}"]
        self.name = name
        self.folder = folder
        self.draw = draw
        self.kills = collections.Counter()
        self.counts = collections.Counter()
        self.faults = []
        self.pace = 1.0
        self.whole = self._uninterrupted()
        self.left = self._new()

    def one(self):
        """Starts a process; returns the phase of its kill, or None."""
        self.counts["resumed"] += (self.folder / "run").exists()
        done, phase = self._process()
        if done.status == KILLED:
            self.kills[phase] += 1
            self.left -= 1
            self._check(self._assert_usable, f"after a kill in {phase}")
            return phase
        self._ended(done)
        self.left = self._new()
        return None

    def end(self):
        """Lets a run that was killed end."""
        if (self.folder / "run").exists():
            self.left = 0
            self.one()

    def _uninterrupted(self):
        self.folder.mkdir(parents=True)
        done = self._start(watched.Aim())()
        if done.status:
            raise AssertionError(done.stderr)
        self.noted = watched.events(self.folder / "noted.txt")
        whole = self.folder.with_name(f"{self.name}-whole")
        shutil.copytree(self.folder / "run", whole)
        return whole

    def _new(self):
        """Prepares a new run; returns how often to kill it."""
        shutil.rmtree(self.folder / "run", ignore_errors=True)
        self.counts["runs"] += 1
        return self.draw.randint(1, MOST)

    def _process(self):
        life = self._life()
        if not self.left:
            done = self._start(watched.Aim())()
        elif self.draw.random() < 0.5:
            after = self.draw.uniform(0, self.pace * life)
            done = self._start(watched.Aim(), kill_after=after)()
        else:
            done = self._start(self._aim())()
        noted = watched.events(self.folder / "noted.txt")
        if done.status != KILLED:
            # The machine's load varies: the last run is the best estimate.
            self.pace = (noted[-1].time - noted[0].time) / life
        return done, noted[-1].phase

    def _start(self, aim, kill_after=None):
        """Starts a process; returns a function that waits for its end."""
        noted = self.folder / "noted.txt"
        noted.unlink(missing_ok=True)
        before = functools.partial(watched.watch, str(noted), aim)
        process = processes.start(self.flags, self.folder, before)
        if kill_after is not None:
            while not noted.exists():  # The fork server starts first.
                time.sleep(0.01)
            process.join(kill_after)
            process.kill()
        return functools.partial(
            processes.finish, process, self.folder, SECONDS
        )

    def _life(self):
        """Returns the expected duration of the next process in seconds."""
        times = [event.time for event in self.noted]
        first = min(e.time for e in self.noted if e.phase == "training")
        saved = [
            e.time
            for before, e in zip(self.noted, self.noted[1:], strict=False)
            if before.phase == "checkpointing" and e.phase == "training"
        ]
        newest = max(
            (int(path.stem.split("_")[1]) for path in self._checkpoints()),
            default=0,
        )
        skipped = saved[newest - 1] - first if newest else 0.0
        return times[-1] - times[0] - skipped

    def _aim(self):
        """Returns a random moment in the phase with the fewest kills."""
        fewest = min(self.kills[phase] for phase in AIMED_AT)
        phase = self.draw.choice(
            [phase for phase in AIMED_AT if self.kills[phase] == fewest]
        )
        calls = collections.Counter(
            event.name
            for event in self.noted
            if event.phase == phase and event.name not in ("begin", "end")
        )
        name = self.draw.choice(sorted(calls))
        # A resumed run has less to do: rather early than never.
        call = self.draw.randint(1, max(1, calls[name] // 3))
        return watched.Aim(
            phase,
            name,
            call,
            after=name in watched.CALLS and self.draw.random() < 0.5,
            seconds=self.draw.choice([0.0, self.draw.uniform(0, 0.5)]),
        )

    def _checkpoints(self):
        return (self.folder / "run" / "checkpoints").glob("epoch_*.npz")

    def _ended(self, done):
        self.counts["ended"] += 1
        if (done.status, done.stderr) != (0, ""):
            self.faults.append(f"{self.name}: {done}")
            return
        run = self.folder / "run"
        for what in (
            ends.assert_same_end,
            ends.assert_same_results,
            ends.assert_same_answers,
        ):
            self._check(functools.partial(what, run, self.whole), "at the end")
        left = functools.partial(ends.assert_nothing_is_left_over, run)
        self._check(left, "at the end")

    def _assert_usable(self):
        """Every file with its final name is complete."""
        run = self.folder / "run"
        for path in run.rglob("*"):
            hidden = any(
                part.startswith(".") for part in path.relative_to(run).parts
            )
            if hidden:
                continue
            if path.suffix == ".json":
                json.loads(path.read_text("utf-8"))
            elif path.suffix == ".npz":
                with np.load(path) as file:
                    [file[name] for name in file.files]
        if (run / "metrics.csv").exists():
            numbers = [int(row["epoch"]) for row in outputs.rows(run)]
            assert numbers == list(range(1, len(numbers) + 1)), numbers
        if (run / "saved_model").exists():
            assert (run / "saved_model" / "saved_model.pb").exists()

    def _check(self, function, when):
        try:
            function()
        except Exception:  # Whatever the error, the folder is broken.
            text = traceback.format_exc()
            self.faults.append(f"{self.name}, {when}: {text}")


def main(_):
    f = flags.FLAGS
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        draw = random.Random(f.seed)
        methods = [
            Method(name, pathlib.Path(folder, name), draw) for name in f.methods
        ]
        say(started, f"{len(methods)} runs that nobody interrupts have ended")
        late = started + 60 * f.minutes if f.minutes else math.inf
        while (total := sum(map(killed, methods))) < f.kills:
            if time.monotonic() > late:
                say(started, f"{f.minutes} minutes are over")
                break
            method = min(methods, key=killed)
            phase = method.one()
            what = f"killed in {phase}" if phase else "ended"
            say(started, f"{method.name} {what}; {total + bool(phase)} kills")
        for method in methods:
            method.end()
    record = summary(methods, f, time.monotonic() - started)
    write_json(f.record, record)
    print(table(record))
    if f.document:
        document.put("kills", table(record), pathlib.Path(f.document))
    for fault in (fault for method in methods for fault in method.faults):
        print(f"DIFFERS: {fault}", file=sys.stderr)
    if record["faults"]:
        sys.exit(f"{record['faults']} of the runs differ, or were left broken.")
    print(
        f"No run differs, after {record['kills']} kills in "
        f"{record['seconds']} seconds."
    )


def killed(method):
    return method.kills.total()


def say(started, words):
    print(f"{time.monotonic() - started:6.0f} s: {words}", flush=True)


def summary(methods, f, seconds):
    return {
        "command": f"python -m tests.stress.kills --kills={f.kills} "
        f"--seed={f.seed}",
        "kills": sum(map(killed, methods)),
        "seed": f.seed,
        "seconds": round(seconds),
        "faults": sum(len(method.faults) for method in methods),
        "methods": {
            method.name: {
                "kills": dict(method.kills),
                "resumed": method.counts["resumed"],
                "ended": method.counts["ended"],
                "differing": len(method.faults),
            }
            for method in methods
        },
    }


def table(record):
    """Returns the Markdown table of a record."""
    rows = []
    # As stored in the record, so that both give the same table.
    for name, found in sorted(record["methods"].items()):
        by_phase = [found["kills"].get(phase, 0) for phase in watched.ALL]
        ends = [found[key] for key in ("resumed", "ended", "differing")]
        rows.append([f"`{name}`", *by_phase, sum(by_phase), *ends])
    totals = [sum(column) for column in list(zip(*rows, strict=True))[1:]]
    columns = ["Method", *watched.ALL, "Kills", "Resumed", "Ended", "Differing"]
    return markdown_table([*rows, ["all", *totals]], columns)


def define_flags():
    flags.DEFINE_integer("kills", 50, "Kills.", lower_bound=1)
    flags.DEFINE_integer("minutes", 0, "Kill nobody later; 0: no limit.")
    flags.DEFINE_integer("seed", 0, "Seed of the moments.")
    flags.DEFINE_list(
        "methods", ["mimo", "batch_ensemble", "mixture_ensemble"], "Methods."
    )
    flags.DEFINE_string(
        "record", "results/stress_kills.json", "File of numbers."
    )
    flags.DEFINE_string("document", "docs/stress.md", "Where the table stands.")


if __name__ == "__main__":
    define_flags()
    app.run(main)
