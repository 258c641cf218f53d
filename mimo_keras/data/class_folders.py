"""One's own photographs in class folders, the layout of TFDS's ImageFolder.

    FOLDER/cat/1.jpg              FOLDER/train/cat/1.jpg
    FOLDER/dog/2.png      or      FOLDER/test/dog/2.png

Without folders of splits, a share of each class is held out as test images.
"""

from mimo_keras import untrusted
from mimo_keras.data import published, stratified
from mimo_keras.errors import argument, expected
from mimo_keras.files import ReadError
from mimo_keras.paths import local

SUFFIXES = (".jpg", ".jpeg", ".png")
"""Endings of photographs' files, as TFDS's ImageFolder takes them."""

TEST_NAMES = ("test", "validation", "val")
"""Names of the folder of test images, beside "train"."""

_LAYOUT = "FOLDER/CLASS/NAME.jpg or FOLDER/train/CLASS/NAME.jpg"


def found(source, test_share, seed=0):
    """Finds the photographs and their classes.

    Args:
        source: The folder.
        test_share: Share of the images to hold out as test images, if there
            is no folder of these.
        seed: Integer that determines which ones.

    Returns:
        Split -> list of (path, class), for "train" and "test", and the names
        of the classes in alphabetical order.

    Raises:
        InputError: There are no photographs, fewer than two classes, or a
            class that is only in the test images.
    """
    folder = local(source, "one's own photographs", "source")
    if not folder.is_dir():
        raise _wrong(f"no folder {folder}")
    inner = {path.name: path for path in _folders(folder)}
    if "train" not in inner:
        rows, names = _classes(folder)
        return _held_out(rows, test_share, seed), names
    tests = [name for name in TEST_NAMES if name in inner]
    rows, names = _classes(inner["train"])
    if not tests:
        return _held_out(rows, test_share, seed), names
    test_rows, test_names = _classes(inner[tests[0]], least=1)
    if unknown := sorted({*test_names} - {*names}):
        raise expected(
            "test images of the classes in the folder train",
            f"the class {unknown[0]} in {inner[tests[0]]}",
            "Put some of its photographs there, too.",
        )
    labels = [names.index(name) for name in test_names]
    test_rows = [(path, labels[label]) for path, label in test_rows]
    return {"train": rows, "test": test_rows}, names


def _folders(folder):
    """Returns the folders in a folder, in the order of their names."""
    inner = [path for path in folder.iterdir() if path.is_dir()]
    return sorted(path for path in inner if not path.name.startswith("."))


def _classes(folder, least=2):
    """Returns the (path, class) of all photographs, and the classes' names.

    Raises:
        InputError: There are fewer than `least` classes.
    """
    rows, names = [], []
    for place in _folders(folder):
        paths = [p for p in place.rglob("*") if p.suffix.lower() in SUFFIXES]
        if not paths:
            continue
        for path in sorted(paths):
            _check(path)
        rows += [(path, len(names)) for path in sorted(paths)]
        names.append(place.name)
    if len(names) < least:
        raise _wrong(f"{len(names)} folders of photographs in {folder}")
    return rows, names


def _check(path):
    """Raises InputError if a file can be no photograph."""
    try:
        untrusted.regular(path, published.LARGEST)
        with path.open("rb") as file:
            head = file.read(8)
        if head[:3] != b"\xff\xd8\xff" and head != b"\x89PNG\r\n\x1a\n":
            raise ReadError("neither a JPEG nor a PNG")
    except (ReadError, FileNotFoundError) as error:
        raise expected(
            "photographs that can be read",
            f"{path} ({error})",
            "Take it out of the folder.",
        ) from None


def _held_out(rows, share, seed):
    """Parts all photographs into those to train on and the test images."""
    count = round(len(rows) * share)
    if not 0 < count < len(rows):
        raise expected(
            f"a part of the {len(rows)} photographs to hold out, and others "
            "to train on",
            f"test_share={share}",
            f"Change {argument('test_share', 0.2)}.",
        )
    order = stratified.order([label for _, label in rows], seed)
    first = len(rows) - count
    return {
        "train": [rows[i] for i in sorted(order[:first])],
        "test": [rows[i] for i in sorted(order[first:])],
    }


def _wrong(received):
    return expected(
        f"photographs of at least two classes as {_LAYOUT}",
        received,
        f"Pass {argument('source', 'FOLDER')} that has this layout.",
    )
