"""Runs a script's main() with flags; user errors are one line."""

import math
import os
import pathlib
import re
import sys

from absl import app, flags, logging

from mimo_keras.errors import InputError, Stopped, expected
from mimo_keras.files import WriteError
from mimo_keras.paths import as_path
from uncertainty_runs.common import foreign_flags, signals, streams

RENAMED = {
    "download": "download_data",
    "learning_rate": "base_learning_rate",
    "name": "dataset",
    "skip": "skip_bad_records",
}
"""Argument of the library -> the differently named flag that sets it."""


PATHS = (
    "data_dir",
    "figure",
    "figures",
    "init_from",
    "models",
    "output_dir",
    "record",
    "records",
    "run_dir",
    "run_dirs",
    "runs",
    "source",
)
"""Flags that are names of files and folders, or lists of them."""

_WORKER_ENDED = "Collective ops is aborted by: "


def with_flags(error):
    """Returns the message of an `InputError`, with flags as arguments.

    Arguments without a flag in this script keep the library's name.
    """
    return error.worded(_as_flag)


def _as_flag(name, value):
    name = RENAMED.get(name, name)
    if name not in flags.FLAGS:
        return None
    if flags.FLAGS[name].boolean:
        return f"--no{name}" if value == "False" else f"--{name}"
    return f"--{name}={value}" if value else f"--{name}"


def run(main):
    """Runs a script's main(); a user error is one line and exit status 2.

    It is 3 if the loss became NaN or infinite.

    A script that stopped on request says so. Its exit status is 0 if SIGTERM
    asked it to and it can resume; otherwise it is 128 plus the signal's number:
    130 after Ctrl-C, 129 after SIGHUP.

    Args:
        main: Function without arguments.
    """
    with streams.lasting():
        _run(main)


def _run(main):
    script = os.path.basename(sys.argv[0])

    def fail(error, status=2):
        # File names may contain newlines.
        print(f"{script}: error:", *str(error).split(), file=sys.stderr)
        sys.exit(status)

    def parse(argv):
        try:
            rest = flags.FLAGS(argv)
        except flags.UnrecognizedFlagError as error:
            fail(_instead_of(error) or " ".join(str(error).split()))
        except flags.Error as error:
            fail(" ".join(str(error).split()))
        if len(rest) > 1:
            fail(
                f"Expected flags only. Received: {rest[1]!r}. "
                "Write it as --name=value."
            )
        try:
            _check_values()
        except InputError as error:
            fail(error)
        return rest

    def guarded(_):
        logging.set_verbosity(logging.WARNING)
        # Other libraries' messages through absl's logger are irrelevant here.
        logging.get_absl_logger().setLevel("ERROR")
        try:
            with signals.ending():
                main()
        except Stopped as stopped:
            print(f"{stopped} Run the same command again to resume.")
            sys.exit(stopped.status)
        except signals.Interrupted as interrupted:
            print(f"{script}: interrupted.", file=sys.stderr)
            sys.exit(interrupted.status)
        except Exception as error:
            message = _message(error)
            if message is None:
                raise
            fail(message, getattr(error, "status", 2))

    app.run(guarded, flags_parser=parse)


def _instead_of(error):
    """Returns the error for a flag that Uncertainty-Baselines has, or None."""
    remedy = foreign_flags.answer(error.flagname)
    if remedy is None:
        return None
    return expected(
        "flags of this script",
        f"Uncertainty-Baselines' --{error.flagname}",
        remedy,
    )


def _check_values():
    """Raises InputError if a flag is infinite, NaN or no proper text."""
    for name in flags.FLAGS:
        value = flags.FLAGS[name].value
        if isinstance(value, float) and not math.isfinite(value):
            raise expected(
                f"a finite --{name}", f"{name}={value}", "Change it."
            )
        if name in PATHS and value:
            flags.FLAGS[name].value = _with_paths(value, name)
        for text in value if isinstance(value, list) else [value]:
            if isinstance(text, str) and not _is_proper(text):
                raise expected(
                    f"a --{name} of whole UTF-8 characters, none of them NUL",
                    f"{name}={ascii(text)}",
                    "Change it, or rename the file or folder.",
                )


def _with_paths(value, name):
    """Returns a flag's path or paths, with the home folder for "~"."""
    if isinstance(value, list):
        return [_with_paths(one, name) for one in value]
    path = as_path(value, name)
    return value if path == pathlib.Path(value) else str(path)


def _is_proper(text):
    # Bytes that are not UTF-8 come from the command line as lone surrogates.
    return "\0" not in text and not re.search("[\ud800-\udfff]", text)


def _message(error):
    """Returns the message for a user; None for a bug in this program."""
    if isinstance(error, InputError):
        return with_flags(error)
    if isinstance(error, WriteError):
        return error
    if isinstance(error, OSError):
        return expected(
            "files and folders that can be read and written",
            f"{error.filename} ({error.strerror or error})",
            "Choose another name in the flags.",
        )
    # TensorFlow's errors, without the import, which not every script needs.
    if _WORKER_ENDED in str(error):
        why = str(error).split(_WORKER_ENDED, 1)[1].splitlines()[0]
        return expected(
            "all workers in TF_CONFIG to run to the end",
            f"another that has ended or cannot be reached ({why})",
            "See what it printed, then start all workers again.",
        )
    out_of_memory = type(error).__name__ == "ResourceExhaustedError"
    if out_of_memory or isinstance(error, MemoryError):
        return expected(
            "a network and batches that fit into memory",
            "more than is available",
            "Lower the sizes in the flags.",
        )
    return None
