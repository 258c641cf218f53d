"""What tests share is made once, also where several workers run them."""

import fcntl
import os
import pickle
import shutil


def made(factory, name, make):
    """Returns a folder that the first who asks for it makes.

    The workers of pytest-xdist have one such folder between them: while one
    makes it the others wait. Read it only.

    Args:
        factory: pytest's `tmp_path_factory`.
        name: The folder's.
        make: Function from the new, empty folder to what is to be told of
            it; that must pickle.

    Returns:
        The folder, and what `make` told.
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
