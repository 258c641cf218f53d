"""What all studies share: runs of the training scripts, one folder each.

A run is a command of cifar.py or imagenet.py with its own --output_dir, so a
stopped study resumes where it was. What has finished is not run again.
"""

import dataclasses
import os
import pathlib
import sys

from absl import flags

from uncertainty_runs.common import early

with early.importing(__name__):
    import keras

    from mimo_keras import files
    from mimo_keras.analysis.run_files import read_json
    from mimo_keras.errors import InputError, expected
    from mimo_keras.paths import as_path
    from mimo_keras.training.fit import NonFiniteLossError
    from uncertainty_runs.common import flags as flags_module
    from uncertainty_runs.common import recipes, run_data, signals, starting
    from uncertainty_runs.common.config import with_defaults
    from uncertainty_runs.common.naming import folder_name
    from uncertainty_runs.studies import records

MACHINE = (
    *("data_dir", "download_data"),
    *("use_tpu", "tpu", "use_gpu", "num_cores"),
)
"""Flags that are passed on to every run, and are no part of its name."""
COSTS = ("cost/params", "cost/flops")
"""Keys of results.json in every record."""
ENTRY = "method:M[:flag=value…]"
_OWN = ("dataset", "method", "seed", "output_dir", *MACHINE)
"""Flags that a study sets itself, from flags of its own."""


class DivergedError(InputError):
    """The loss of a run became NaN or infinite."""


@dataclasses.dataclass(frozen=True)
class Point:
    """What to run, but for the seed.

    Attributes:
        dataset: The data set.
        method: The method.
        members: M.
        options: Further flags of the script, as "flag=value".
        evaluation: Such flags that only say how the run is evaluated: it has
            one folder and is trained once, whatever they are.
    """

    dataset: str
    method: str
    members: int
    options: tuple[str, ...] = ()
    evaluation: tuple[str, ...] = ()

    @property
    def label(self):
        """The method with its further flags, as in records."""
        return ":".join([self.method, *self.options, *self.evaluation])

    @property
    def entry(self):
        """The same with M, as in --methods."""
        method, *further = self.label.split(":")
        return ":".join([method, str(self.members), *further])

    def folder(self, output_dir, seed):
        """Returns the folder of a run, named by everything that differs."""
        words = [self.dataset, self.method, str(self.members), *self.options]
        return as_path(output_dir) / folder_name([*words, str(seed)])

    def flags(self, output_dir, seed):
        """Returns the flags of a run, with those of the machine."""
        return [
            f"--dataset={self.dataset}",
            f"--method={self.method}",
            f"--ensemble_size={self.members}",
            f"--seed={seed}",
            f"--output_dir={self.folder(output_dir, seed)}",
            *(f"--{option}" for option in (*self.options, *self.evaluation)),
            *machine_flags(),
        ]

    @property
    def script(self):
        """The name of the script that trains on the data set."""
        return "imagenet" if self.dataset in run_data.PHOTOGRAPHS else "cifar"

    def settings(self):
        """Returns the values of the recipe's flags in this run.

        None if a flag is unknown or malformed, which the script reports.
        """
        try:
            options = (*self.options, *self.evaluation)
            given = dict(map(_parsed, options))
        except (KeyError, ValueError):
            return None
        try:
            row = recipes.recipe(self.dataset, self.method, given.get("recipe"))
        except InputError:
            return None
        values = row.values() | {"ensemble_size": self.members} | given
        width = str(values["width_multiplier"])
        backbone = values["backbone"].replace("{width}", width)
        return values | {"backbone": backbone} | starting.defaults(values)


def _parsed(option):
    """Returns the name and value of an option; "tune" and "notune" are bools.

    Raises:
        KeyError: There is no such flag.
        ValueError: It cannot have this value.
    """
    name, equals, text = option.partition("=")
    parsers = flags_module.parsers()
    if equals:
        return name, parsers[name].parse(text)
    yes = name in parsers
    name = name if yes else name.removeprefix("no")
    return name, parsers[name].parse(str(yes))


def check_options(options):
    """Raises InputError unless all are flags of a training script.

    Args:
        options: Further flags of all rows, as "flag=value".
    """
    for option in options:
        _check_not_own(option)
        try:
            _parsed(option)
        except (KeyError, ValueError):
            raise expected(
                "flags of a training script, as flag=value",
                f"options={option}",
                "For example: --options=train_epochs=10.",
            ) from None


def _check_not_own(option):
    name = option.partition("=")[0]
    if name in _OWN or name.removeprefix("no") in _OWN:
        raise expected(
            "flags that a study does not set itself",
            f"{option!r}",
            f"Leave out {name}, or give it by a flag of this script.",
        )


def row_point(table, row, dataset=None, further=()):
    """Returns the `Point` of a row of a paper's table.

    Args:
        table: `reported.Table`.
        row: One of its rows.
        dataset: The data set; None for the paper's.
        further: Flags of all rows, as "flag=value".
    """
    options = (*table.options(row, dataset), *further)
    name = dataset or table.dataset
    return Point(name, row.method, row.members, options)


def define_flags(output_dir, record, seeds="0,1,2"):
    """Defines the flags that all studies have.

    Args:
        output_dir: Default of --output_dir.
        record: Default of --record; None if it depends on other flags.
        seeds: Default of --seeds.
    """
    flags.DEFINE_list("seeds", seeds.split(","), "Seeds, one run each.")
    flags.DEFINE_string("output_dir", output_dir, "Folder of the runs.")
    flags.DEFINE_string("record", record, "JSON file of the numbers.")
    flags_module.define_data_flags()
    flags_module.define_machine_flags()


def define_dataset_flag(default):
    """Defines --dataset, which takes every data set."""
    names = [*run_data.IN_MEMORY, *run_data.PHOTOGRAPHS]
    flags.DEFINE_enum("dataset", default, names, "Data set.")


def machine_flags():
    """Returns the given flags that are passed on to every run."""
    given = [flags.FLAGS[n] for n in MACHINE if n in flags.FLAGS]
    return [flag.serialize() for flag in given if flag.present]


def check_seeds(seeds):
    """Raises InputError unless there are seeds, all of them whole numbers."""
    if not seeds:
        raise expected("a seed", "none", "Name one, as in --seeds=0.")
    for seed in seeds:
        parse_whole(seed, "seeds")


def parse(entry, dataset="digits"):
    """Returns the `Point` of an entry "method:M[:flag=value…]".

    Raises:
        InputError: The entry does not have this form.
    """
    method, _, rest = entry.partition(":")
    members, *options = rest.split(":")
    if not method or not all(options):
        raise expected(
            f"methods as {ENTRY}", f"{entry!r}", "For example: mimo:3."
        )
    for option in options:
        _check_not_own(option)
    members = parse_whole(members, f"M of {entry!r}", flags_module.MOST)
    return Point(dataset, method, members, tuple(options))


def parse_whole(text, what, most=2**32 - 1):
    """Parses a whole number.

    Raises:
        InputError: The text is not one, or it is larger than `most`.
    """
    if not text.isdecimal() or int(text) > most:
        raise expected(
            f"whole numbers up to {most} for {what}", f"{text!r}", "Change it."
        )
    return int(text)


def run_all(record, path, jobs, output_dir, keys):
    """Runs jobs and adds their numbers to a record.

    The record is written after every run, so that an interruption loses
    nothing.

    Args:
        record: Record from `records.opened`.
        path: Its file.
        jobs: Tuples of `Point`, seed, and a dict of what else the record says
            about the run.
        output_dir: Folder of the runs.
        keys: Keys of results.json to save.
    """
    for point, seed, more in jobs:
        run = one_run(point, seed, output_dir, keys) | more
        records.add(record, run)
        write(record, path)


def write(record, path):
    """Writes a record, with the command and the versions that made it.

    What another command has added to the file meanwhile is kept.
    """
    records.merge(record, path)
    record |= {"command": command(), **versions()}
    files.write_json(path, record)


def one_run(point, seed, output_dir, keys):
    """Trains and evaluates, unless that is done; returns a run's numbers."""
    done = finished_run(point, seed, output_dir, keys)
    if done is not None:
        return done
    where = f"{point.entry}, seed {seed}"
    print(f"{where} ...", flush=True)
    script = pathlib.Path(__file__).parents[1] / f"{point.script}.py"
    words = [sys.executable, str(script), *point.flags(output_dir, seed)]
    status = _status(words, f"in {where}")
    if status:
        diverged = status == NonFiniteLossError.status
        raise expected(
            f"{point.method} to finish",
            f"exit status {status}",
            "Fix the error above, and run the same command again.",
            DivergedError if diverged else InputError,
        )
    results = read_json(point.folder(output_dir, seed) / "results.json")
    return _numbers(point, seed, results, keys)


def finished_run(point, seed, output_dir, keys):
    """Returns the numbers of a run that has ended, or None.

    The settings saved with it must be those of today's recipe; if they are
    not, the script itself says so.
    """
    folder = point.folder(output_dir, seed)
    # The report is written last.
    if not (folder / "report.html").is_file():
        return None
    try:
        results = files.read_json(folder / "results.json")
        saved = files.read_json(folder / "flags.json")
    except (FileNotFoundError, files.ReadError):
        return None
    epochs = [results.get(f"training/{name}") for name in ("epoch", "epochs")]
    if epochs[0] != epochs[1] or not _is_of(point, saved):
        return None
    return _numbers(point, seed, results, keys)


def _is_of(point, saved):
    """Whether a flags.json has the settings of a point."""
    settings = point.settings()
    if settings is None:
        return False
    # What an older version did not save was not always what is done now.
    before, now = with_defaults(saved), with_defaults({}) | settings
    names = {*settings, *before} - ({*saved} - {*settings})
    return all(
        plain(before.get(name, now[name])) == plain(now[name]) for name in names
    )


def plain(value):
    """Returns a flag's value such that files and flags can be compared."""
    several = isinstance(value, list | tuple)
    return [str(one) for one in value] if several else value


def _numbers(point, seed, results, keys):
    return {
        "method": point.label,
        "ensemble_size": point.members,
        "seed": int(seed),
        **{key: results[key] for key in COSTS},
        **{key: results.get(key) for key in keys},
    }


def _status(words, where):
    """Returns the exit status of a run, which gets this process's signals."""
    with signals.on_request() as request:
        status = request.run(words)
        request.check(where)
    return status


def command(script=None, words=None):
    """Returns a command line that can be given again.

    Of the installed package it is that of `mimo`, without the place of files.

    Args:
        script: File of the script; None for the one that is running.
        words: Its flags; None for its own.
    """
    script = sys.argv[0] if script is None else script
    words = sys.argv[1:] if words is None else words
    relative = os.path.relpath(script)
    if relative.startswith(os.pardir):
        return " ".join(["mimo", pathlib.Path(script).stem, *words])
    return " ".join(["python", relative, *words])


def versions():
    """Returns the versions that the numbers depend on."""
    return {"python": sys.version.split()[0], "keras": keras.__version__}
