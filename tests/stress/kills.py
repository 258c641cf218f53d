"""Signals at random moments: each run ends like an uninterrupted one.

    python -m tests.stress.kills --signals=25 --seed=0

Each process of a run gets SIGKILL, SIGINT, SIGTERM or SIGHUP; the next process
resumes in the same folder. Half of the moments are uniform over the rest of a
run's life, the others are at random calls of functions that write, train or
evaluate, in the phase with the fewest signals so far. After every few signals a
run may finish, and is compared with the uninterrupted one, bit for bit:
checkpoints, metrics.csv and results.json without times, and the answers of the
exported SavedModel. What is harm after a signal: `struck`.
"""

import collections
import functools
import math
import os
import pathlib
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback

from absl import app, flags

from mimo_keras.analysis import markdown_table
from mimo_keras.files import write_json
from tests.runs import ends, processes
from tests.stress import document, struck, watched

COMMAND = (*processes.TINY, "--output_dir=run", "--export")
SECONDS = 1800
"""Seconds until a process counts as hanging, even on a busy machine."""
MOST = 5
"""Maximum number of signals before a run may end."""
METHODS = (
    *("mimo", "batch_ensemble", "mixture_ensemble"),
    *("mc_dropout", "rank1_bnn"),  # These draw in evaluation.
)
AIMED_AT = ("training", "checkpointing", "evaluation", "export")


class Method:
    """The runs of one method, each interrupted until it may end.

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
        self.sent = collections.Counter()  # By signal and phase.
        self.harm = collections.Counter()  # By signal or None, and kind.
        self.counts = collections.Counter()
        self.faults = []
        self.pace = 1.0
        self.whole = self._uninterrupted()
        self.left = self._new()

    def one(self):
        """Starts a process; returns its signal and the phase, or None."""
        self.counts["resumed"] += (self.folder / "run").exists()
        process, name = self._process()
        done = processes.finish(process, self.folder, SECONDS)
        noted = watched.events(self.folder / "noted.txt")
        phase = next((e.phase for e in noted if e.name == watched.SENT), None)
        if phase is not None:
            self.sent[name, phase] += 1
            self.left -= 1
            self._struck(name, phase, done, process.pid)
            return name, phase
        # The machine's load varies: the last run is the best estimate.
        self.pace = (noted[-1].time - noted[0].time) / self.life
        self._ended(done)
        self.left = self._new()
        return None

    def end(self):
        """Lets a run that was interrupted end."""
        if (self.folder / "run").exists():
            self.left = 0
            self.one()

    def _uninterrupted(self):
        self.folder.mkdir(parents=True)
        process = self._start(watched.Aim())
        done = processes.finish(process, self.folder, SECONDS)
        if done.status:
            raise AssertionError(done.stderr)
        self.noted = watched.events(self.folder / "noted.txt")
        whole = self.folder.with_name(f"{self.name}-whole")
        shutil.copytree(self.folder / "run", whole)
        return whole

    def _new(self):
        """Prepares a new run; returns how many signals it gets."""
        shutil.rmtree(self.folder / "run", ignore_errors=True)
        self.counts["runs"] += 1
        return self.draw.randint(1, MOST)

    def _process(self):
        """Starts a process; returns it, and the signal that it gets."""
        self.life = self._life()
        if not self.left:
            return self._start(watched.Aim()), None
        name = self.draw.choice(self._rarest(0, struck.SIGNALS))
        if self.draw.random() < 0.5:
            after = self.draw.uniform(0, self.pace * self.life)
            process = self._start(watched.Aim())
            if processes.runs(process, after):
                noted = self.folder / "noted.txt"
                watched.send(noted, process.pid, signal.Signals[name])
        else:
            process = self._start(self._aim(signal.Signals[name]))
        return process, name

    def _start(self, aim):
        noted = self.folder / "noted.txt"
        noted.unlink(missing_ok=True)
        before = processes.together(
            os.setsid,
            watched.heed,
            processes.few,
            functools.partial(watched.watch, str(noted), aim),
        )
        process = processes.start(self.flags, self.folder, before)
        # The fork server starts first.
        while processes.runs(process) and not watched.begun(noted):
            time.sleep(0.01)
        return process

    def _rarest(self, place, names):
        """Returns the names of signals (place 0) or phases (1) used least."""
        got = dict.fromkeys(names, 0)
        for key, count in self.sent.items():
            if key[place] in got:
                got[key[place]] += count
        fewest = min(got.values())
        return [name for name, count in got.items() if count == fewest]

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

    def _aim(self, number):
        """Returns a random moment in the phase with the fewest signals."""
        phase = self.draw.choice(self._rarest(1, AIMED_AT))
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
            number=number,
        )

    def _checkpoints(self):
        return (self.folder / "run" / "checkpoints").glob("epoch_*.npz")

    def _struck(self, name, phase, done, session):
        run = self.folder / "run"
        for kind, assertion in (
            ("status", functools.partial(struck.status, name, phase, done)),
            ("checkpoint", functools.partial(struck.checkpoint, run, done)),
            ("broken", functools.partial(struck.broken, run)),
            ("left", functools.partial(struck.left, run, done, session)),
        ):
            when = f"{self.name}, after {name} in {phase}"
            self._check(assertion, when, (name, kind))

    def _ended(self, done):
        self.counts["ended"] += 1
        run = self.folder / "run"
        for what in (
            functools.partial(_assert_finished, done),
            functools.partial(ends.assert_same_end, run, self.whole),
            functools.partial(ends.assert_same_results, run, self.whole),
            functools.partial(ends.assert_same_answers, run, self.whole),
            functools.partial(ends.assert_nothing_is_left_over, run),
        ):
            self._check(what, f"{self.name}, at the end", (None, "differing"))

    def _check(self, assertion, when, kind):
        try:
            assertion()
        except Exception:  # Whatever the error, the folder is broken.
            self.harm[kind] += 1
            self.faults.append(f"{when}: {traceback.format_exc()}")


def _assert_finished(done):
    assert (done.status, done.stderr) == (0, ""), done


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
        while (total := sum(map(sent, methods))) < f.signals:
            if time.monotonic() > late:
                say(started, f"{f.minutes} minutes are over")
                break
            method = min(methods, key=sent)
            got = method.one()
            what = " in ".join(got) if got else "ended"
            say(started, f"{method.name}: {what}; {total + bool(got)} signals")
        for method in methods:
            method.end()
    record = summary(methods, f, time.monotonic() - started)
    write_json(f.record, record)
    print(table(record))
    if f.document:
        document.put("kills", table(record), pathlib.Path(f.document))
    for fault in (fault for method in methods for fault in method.faults):
        print(f"HARM: {fault}", file=sys.stderr)
    if record["faults"]:
        sys.exit(f"{record['faults']} of the runs differ, or were left broken.")
    print(
        f"No run differs, after {record['sent']} signals in "
        f"{record['seconds']} seconds."
    )


def sent(method):
    return method.sent.total()


def say(started, words):
    print(f"{time.monotonic() - started:6.0f} s: {words}", flush=True)


def summary(methods, f, seconds):
    """Returns the record of what became of the methods' runs."""
    return {
        "command": f"python -m tests.stress.kills --signals={f.signals} "
        f"--seed={f.seed}" + (f" --minutes={f.minutes}" if f.minutes else ""),
        "sent": sum(map(sent, methods)),
        "seed": f.seed,
        "seconds": round(seconds),
        "faults": sum(len(method.faults) for method in methods),
        "methods": {method.name: _counts(method) for method in methods},
    }


def _counts(method):
    return {
        "signals": {
            name: {
                "sent": {
                    phase: method.sent[name, phase]
                    for phase in watched.ALL
                    if method.sent[name, phase]
                },
                "harm": {kind: method.harm[name, kind] for kind in struck.HARM},
            }
            for name in struck.SIGNALS
        },
        "resumed": method.counts["resumed"],
        "ended": method.counts["ended"],
        "differing": method.harm[None, "differing"],
    }


def table(record):
    """Returns the Markdown tables of a record: by signal, and by method."""
    # Sorted as in the record's file, so that both give the same tables.
    methods = sorted(record["methods"].items())
    by_signal = []
    for name in struck.SIGNALS:
        found = [method["signals"][name] for _, method in methods]
        phases = [
            sum(one["sent"].get(phase, 0) for one in found)
            for phase in watched.ALL
        ]
        harm = [sum(one["harm"][kind] for one in found) for kind in struck.HARM]
        by_signal.append([name, *phases, sum(phases), *harm])
    by_method = []
    for name, found in methods:
        counts = [
            sum(found["signals"][one]["sent"].values())
            for one in struck.SIGNALS
        ]
        ends = [found[key] for key in ("resumed", "ended", "differing")]
        by_method.append([f"`{name}`", *counts, sum(counts), *ends])
    harms = ("Wrong status", "No checkpoint", "Broken files", "Left over")
    ends = ("Resumed", "Ended", "Differing")
    return "\n\n".join(
        (
            _with_totals(by_signal, ["Signal", *watched.ALL, "All", *harms]),
            _with_totals(by_method, ["Method", *struck.SIGNALS, "All", *ends]),
        )
    )


def _with_totals(rows, columns):
    totals = [sum(column) for column in list(zip(*rows, strict=True))[1:]]
    return markdown_table([*rows, ["all", *totals]], columns)


def define_flags():
    flags.DEFINE_integer("signals", 25, "Signals.", lower_bound=1)
    flags.DEFINE_integer("minutes", 0, "No signal later; 0: no limit.")
    flags.DEFINE_integer("seed", 0, "Seed of the moments.")
    flags.DEFINE_list("methods", [*METHODS], "Methods.")
    flags.DEFINE_string(
        "record", "results/stress_kills.json", "File of numbers."
    )
    flags.DEFINE_string("document", "docs/stress.md", "Where the table stands.")


if __name__ == "__main__":
    define_flags()
    app.run(main)
