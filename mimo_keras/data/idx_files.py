"""MNIST's published files: Fashion-MNIST, MNIST and KMNIST before TFDS.

Each is an IDX file, often compressed by gzip: two bytes of zeros, the type of
the values (8: uint8), the number of axes, the length of each axis as a
big-endian int32, and the values (LeCun, Cortes and Burges, "The MNIST
database of handwritten digits").
"""

import struct
import zlib

import numpy as np

from mimo_keras import untrusted
from mimo_keras.errors import AbsentError, argument, expected
from mimo_keras.files import ReadError
from mimo_keras.paths import as_path

FILES = {"train": "train", "test": "t10k"}
"""Split -> the beginning of the names of its two files."""

SIDE = 28
CLASSES = 10

_UINT8 = 8
_LARGEST = 2**28
"""Most bytes of a file, compressed or not; the largest has 47 million."""
_GET_IT = (
    "Fetch the four published files again; Debian's package "
    "dataset-fashion-mnist has those of Fashion-MNIST."
)


def splits(source):
    """Reads the four files of a data set.

    Args:
        source: The folder that holds them, compressed or not.

    Returns:
        Split -> images (n, 28, 28, 1) uint8 and labels (n,) int64.

    Raises:
        InputError: A file is missing, damaged, or does not fit the others.
    """
    folder = as_path(source, "source")
    return {split: _split(folder, start) for split, start in FILES.items()}


def _split(folder, start):
    """Returns the images and labels of one split."""
    images_path = _existing(folder, f"{start}-images-idx3-ubyte")
    labels_path = _existing(folder, f"{start}-labels-idx1-ubyte")
    images, labels = read(images_path, 3), read(labels_path, 1)
    if images.shape[1:] != (SIDE, SIDE) or not len(images):
        raise expected(
            f"at least one image of {SIDE}x{SIDE} pixels",
            f"shape={images.shape} in {images_path}",
            _GET_IT,
        )
    if len(labels) != len(images):
        raise expected(
            f"a label for each of the {len(images)} images of {images_path}",
            f"{len(labels)} in {labels_path}",
            _GET_IT,
        )
    if labels.max() >= CLASSES:
        place = int(np.argmax(labels >= CLASSES))
        raise expected(
            f"labels from 0 to {CLASSES - 1}",
            f"{labels[place]} at {place} in {labels_path}",
            _GET_IT,
        )
    return images[..., None], labels.astype(np.int64)


def _existing(folder, name):
    """Returns the path of a file that may be compressed."""
    for path in (folder / name, folder / f"{name}.gz"):
        if path.exists():
            return path
    raise expected(
        f"the file {name} or {name}.gz",
        f"none in {folder}",
        f"Pass {argument('source', 'FOLDER')} that holds the four published "
        "files.",
        AbsentError,
    )


def read(path, axes):
    """Reads an IDX file of bytes.

    Args:
        path: Its path; compressed if it begins as gzip files do.
        axes: The number of axes that it must have.

    Returns:
        The array, uint8.

    Raises:
        InputError: It is no such file, or has more or fewer bytes than its
            header says.
    """
    content = _content(as_path(path))
    head = struct.pack(">HBB", 0, _UINT8, axes)
    if content[:4] != head:
        raise expected(
            f"an IDX file of bytes with {axes} axes, which begins with "
            f"{head.hex()}",
            f"{content[:4].hex() or 'nothing'} in {path}",
            _GET_IT,
        )
    start = 4 + 4 * axes
    if len(content) < start:
        raise _cut(path, f"{start} bytes of header", len(content))
    shape = struct.unpack(f">{axes}I", content[4:start])
    count = 1
    for length in shape:
        count *= length
    if len(content) != start + count:
        wanted = f"{start + count} bytes, as {shape} in its header says"
        raise _cut(path, wanted, len(content))
    return np.frombuffer(content, np.uint8, count, start).reshape(shape)


def _content(path):
    """Returns a file's bytes, decompressed."""
    try:
        untrusted.regular(path, _LARGEST)
        content = path.read_bytes()
        if content[:2] == b"\x1f\x8b":
            unpacked = zlib.decompressobj(wbits=31)
            content = unpacked.decompress(content, _LARGEST)
            if not unpacked.eof:
                raise EOFError("it ends too early, or is too large")
    except (ReadError, EOFError, zlib.error) as error:
        raise expected(
            "a whole IDX file, compressed by gzip or not",
            f"{path} ({error})",
            _GET_IT,
        ) from None
    return content


def _cut(path, wanted, count):
    return expected(wanted, f"{count} in {path}", _GET_IT)
