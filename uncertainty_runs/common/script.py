"""A script's main() with flags: a user's error is one line, no traceback."""

import math
import os
import sys

from absl import app, flags, logging

from mimo_keras.errors import InputError, Stopped, expected
from mimo_keras.files import WriteError

RENAMED = {
    "download": "download_data",
    "learning_rate": "base_learning_rate",
    "name": "dataset",
    "skip": "skip_bad_records",
}
"""Argument of the library -> the flag of another name that sets it."""


def with_flags(error):
    """Returns the message of an `InputError`, with flags for arguments.

    Those that this script has no flag for keep the library's name.
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
    """Runs a script's main(); a user's error is one line and exit status 2.

    One that was asked to stop, and did, says so and has exit status 0.

    Args:
        main: Function without arguments.
    """
    script = os.path.basename(sys.argv[0])

    def fail(error):
        # Names of files may have more than one line.
        print(f"{script}: error:", *str(error).split(), file=sys.stderr)
        sys.exit(2)

    def parse(argv):
        try:
            rest = flags.FLAGS(argv)
        except flags.Error as error:
            fail(" ".join(str(error).split()))
        if len(rest) > 1:
            fail(
                f"Expected flags only. Received: {rest[1]!r}. "
                "Write it as --name=value."
            )
        try:
            _check_finite()
        except InputError as error:
            fail(error)
        return rest

    def guarded(_):
        logging.set_verbosity(logging.WARNING)
        # Others tell through absl's logger what concerns nobody here.
        logging.get_absl_logger().setLevel("ERROR")
        try:
            main()
        except Stopped as stopped:
            print(f"{stopped} Run the same command again to go on.")
        except Exception as error:
            message = _message(error)
            if message is None:
                raise
            fail(message)

    app.run(guarded, flags_parser=parse)


def _check_finite():
    """Raises InputError if a flag is infinite or no number."""
    for name in flags.FLAGS:
        value = flags.FLAGS[name].value
        if isinstance(value, float) and not math.isfinite(value):
            raise expected(
                f"a finite --{name}", f"{name}={value}", "Change it."
            )


def _message(error):
    """Returns what to tell of an error: None of a fault of this program."""
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
    # TensorFlow's, by its name: not every script has imported that.
    out_of_memory = type(error).__name__ == "ResourceExhaustedError"
    if out_of_memory or isinstance(error, MemoryError):
        return expected(
            "a network and batches that fit into memory",
            "more than there is",
            "Lower the sizes in the flags.",
        )
    return None
