"""What a script checks while it imports its libraries, which takes seconds."""

import contextlib
import os
import signal
import sys
import tempfile

BACKEND = "tensorflow"


@contextlib.contextmanager
def importing(name):
    """Ends a script in one line if it is interrupted, or lacks what it needs.

    That is Keras on TensorFlow, and a folder for temporary files, in which
    TensorFlow compiles functions.

    Args:
        name: The script's `__name__`: where others import it, nothing is done.
    """
    if name != "__main__":
        yield
        return
    _check(os.environ.get("KERAS_BACKEND"))
    try:
        tempfile.gettempdir()
        yield
    except FileNotFoundError as error:
        if "temporary directory" not in str(error):
            raise
        _exit(
            "error: Expected a folder for temporary files. Received: "
            f"{error.strerror}. Set TMPDIR to a folder that can be written.",
            2,
        )
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        _exit("interrupted.", 128 + signal.SIGINT)
    # Keras's own settings may name a backend, too.
    keras = sys.modules.get("keras")
    _check(keras and keras.config.backend())


def _check(backend):
    if backend and backend != BACKEND:
        _exit(
            f"error: Expected Keras to use {BACKEND}, as all scripts do. "
            f"Received: KERAS_BACKEND={backend}. Set KERAS_BACKEND={BACKEND}.",
            2,
        )


def _exit(message, status):
    script = os.path.basename(sys.argv[0])
    print(f"{script}: {message}", file=sys.stderr)
    sys.exit(status)
