"""Makes what tests share only once, also across several workers."""

import fcntl
import os
import pickle
import shutil


def made(factory, name, make):
    """Returns a folder that the first caller makes.

    The workers of pytest-xdist share one such folder: while one makes it, the
    others wait. Treat it as read-only.

    Args:
        factory: pytest's `tmp_path_factory`.
        name: Name of the folder.
        make: Function that fills the new, empty folder; its result must be
            picklable.

    Returns:
        The folder, and the result of `make`.
    """
    root = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent
    folder, told = root / name, root / f"{name}.pickle"
    with (root / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not told.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            found = pickle.dumps(make(folder))
            told.write_bytes(found)
    return folder, pickle.loads(told.read_bytes())
