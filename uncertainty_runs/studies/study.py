"""Runs several methods over several seeds and prints one table of results.

    python uncertainty_runs/studies/study.py --seeds=0,1,2

Each run is a `cifar.py` command with its own --output_dir, so a stopped study
resumes where it was. The numbers of every seed are added to --record, from
which the table is made; --table_only only prints it. An entry of --methods may
have further flags of cifar.py:

    --methods=mixture_ensemble:4:num_params=0.5:backbone=wide_resnet_16_1
"""

import contextlib
import itertools
import os
import pathlib
import sys

from absl import flags

from uncertainty_runs.common import early

with early.importing(__name__):
    import keras

    from mimo_keras import analysis, files
    from mimo_keras.analysis import mean_and_std
    from mimo_keras.analysis.run_files import read_json
    from mimo_keras.errors import InputError, expected
    from mimo_keras.paths import as_path
    from uncertainty_runs.common import run_data, script, signals
    from uncertainty_runs.common.flags import MOST
    from uncertainty_runs.studies import records

METHODS = (
    "deterministic:1,mc_dropout:1,naive_multihead:3,mimo:2,mimo:3,mimo:4,"
    "treenet:3,batch_ensemble:4,rank1_bnn:4,deep_ensemble:4"
)
# Column -> key of results.json, in Uncertainty-Baselines' order.
COLUMNS = {
    "NLL": "test/nll",
    "Accuracy": "test/accuracy",
    "ECE": "test/ece",
    "cNLL": "corrupted/nll",
    "cAccuracy": "corrupted/accuracy",
    "cECE": "corrupted/ece",
    "Disagreement": "test/disagreement",
}


def define_flags(methods=METHODS, record="results/digits.json"):
    flags.DEFINE_enum("dataset", "digits", run_data.IN_MEMORY, "Data set.")
    flags.DEFINE_list(
        "methods", methods.split(","), "Methods, as method:M[:flag=value…]."
    )
    flags.DEFINE_list("seeds", ["0", "1", "2"], "Seeds, one run each.")
    flags.DEFINE_string("output_dir", "runs/study", "Folder of the runs.")
    flags.DEFINE_string("record", record, "JSON file of the numbers.")
    flags.DEFINE_bool("table_only", False, "Only print the table of --record.")


def main(keys=None, table=None, kind="study"):
    """Runs the study and prints its table.

    Args:
        keys: Keys of results.json to save in the record; None for those in
            the table.
        table: Function from the record to Markdown; None for `method_table`.
        kind: The kind of the record, by the script's name.
    """
    f, table = flags.FLAGS, table or method_table
    keys = keys or COLUMNS.values()
    if not f.table_only:
        check(f.methods, f.seeds)
        record = records.opened(f.record, kind, {"dataset": f.dataset})
        record |= {"command": command(), **versions()}
        for seed, entry in itertools.product(f.seeds, f.methods):
            run = one_run(f.dataset, entry, seed, f.output_dir, keys)
            records.add(record, run)
            # After every run, so that an interruption loses nothing.
            files.write_json(f.record, record)
    with checked_record(f.record):
        print(table(read(f.record)))


def check(entries, seeds):
    """Raises InputError unless methods and seeds are valid."""
    for entry in entries:
        parse(entry)
    for seed in seeds:
        parse_whole(seed, "seeds")
    if not entries or not seeds:
        raise expected("a method and a seed", "none", "Name one of each.")


def parse(entry):
    """Returns method, M and further flags of an entry "method:M[:flag…]".

    Raises:
        InputError: The entry does not have this form.
    """
    method, _, rest = entry.partition(":")
    members, *options = rest.split(":")
    if not method or not all(options):
        raise expected(
            "methods as method:M[:flag=value…]",
            f"{entry!r}",
            "For example: mimo:3.",
        )
    members = parse_whole(members, f"M of {entry!r}", MOST)
    return method, members, options


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


@contextlib.contextmanager
def checked_record(path):
    """Reports a record that lacks what a table or figure needs in one line."""
    try:
        yield
    except InputError:
        raise
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise expected(
            "a record of this script",
            f"record={path} ({type(error).__name__}: {error})",
            "Choose another name, or delete the file to make a new one.",
        ) from error


def read(path):
    """Returns the record of a study."""
    try:
        return files.read_json(path)
    except (FileNotFoundError, files.ReadError) as error:
        raise expected(
            "a record of a study",
            f"record={path} ({error})",
            "Leave out --table_only to make one.",
        ) from error


def one_run(dataset, entry, seed, output_dir, keys):
    """Trains and evaluates one method with one seed; returns its numbers."""
    method, members, options = parse(entry)
    name = "-".join([dataset, *entry.replace("=", "_").split(":"), seed])
    folder = as_path(output_dir) / name
    print(f"{entry}, seed {seed} ...", flush=True)
    status = _status(
        [
            sys.executable,
            str(pathlib.Path(__file__).parents[1] / "cifar.py"),
            f"--dataset={dataset}",
            f"--method={method}",
            f"--ensemble_size={members}",
            f"--seed={seed}",
            f"--output_dir={folder}",
            *(f"--{option}" for option in options),
        ],
        f"in {entry}, seed {seed}",
    )
    if status:
        raise expected(
            f"{method} to finish",
            f"exit status {status}",
            "Fix the error above, and run the study again.",
        )
    results = read_json(folder / "results.json")
    kept = {key: results.get(key) for key in keys}
    return {
        "method": ":".join([method, *options]),
        "ensemble_size": members,
        "seed": int(seed),
        "cost/params": results["cost/params"],
        "cost/flops": results["cost/flops"],
        **kept,
    }


def _status(command, where):
    """Returns the exit status of a run, which gets this process's signals."""
    with signals.on_request() as request:
        status = request.run(command)
        request.check(where)
    return status


def command():
    """Returns the command line that made the record.

    Of the installed package it is that of `mimo`, without the place of files.
    """
    words = ["python", os.path.relpath(sys.argv[0])]
    if words[1].startswith(os.pardir):
        words = ["mimo", pathlib.Path(sys.argv[0]).stem]
    return " ".join([*words, *sys.argv[1:]])


def versions():
    """Returns the versions that the numbers depend on."""
    return {"python": sys.version.split()[0], "keras": keras.__version__}


def method_table(record):
    """Returns the Markdown table of a record: mean and std over seeds."""
    first = record["runs"][0]
    rows = []
    for (method, members), runs in groups(record).items():
        cells = [
            "-" if runs[0][key] is None else mean_and_std(values(runs, key))
            for key in COLUMNS.values()
        ]
        flops = runs[0]["cost/flops"] / first["cost/flops"]
        params = runs[0]["cost/params"]
        rows.append([method, members, f"{params:,}", f"{flops:.3f}", *cells])
    return analysis.markdown_table(
        rows, ["Method", "M", "Parameters", "FLOPs", *COLUMNS]
    )


def groups(record):
    """Returns the runs of each (method with its flags, M), in order."""
    by_method = {}
    for run in record["runs"]:
        key = run["method"], run["ensemble_size"]
        by_method.setdefault(key, []).append(run)
    return by_method


def values(runs, key):
    return [run[key] for run in runs]


if __name__ == "__main__":
    define_flags()
    script.run(main)
