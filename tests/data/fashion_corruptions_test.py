"""Fashion-MNIST-C: its bytes, its layout and its order."""

import zlib

import numpy as np
import pytest

from mimo_keras.data import Examples, corruptions, fashion_corruptions, sources
from mimo_keras.data import grey_corruptions as grey
from mimo_keras.errors import AbsentError, InputError


def clothes(count=8):
    """Grey shapes on black, as smooth as photographs of clothes."""
    row, column = np.indices((28, 28)) - 13.5
    each = np.arange(1, count + 1)[:, None, None]
    shapes = np.exp(-(((row / 9) ** 2 + (column / (4 + each)) ** 2) ** 2))
    levels = shapes * (150 + 40 * np.cos(each * column / 5))
    images = np.rint(levels).astype(np.uint8)[..., None]
    return Examples("clothes", images, np.arange(count) % 10, 10)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder, told = tmp_path_factory.mktemp("data"), []
    fashion_corruptions.write(clothes(), folder, told.append)
    assert told == [*fashion_corruptions.TYPES]
    return folder


def test_the_types_are_the_benchmarks_but_frost():
    assert [*fashion_corruptions.TYPES] == [
        kind for kind in corruptions.BENCHMARK if kind != "frost"
    ]


def test_files_are_in_the_layout_of_cifar_c(written):
    folder, clean = written / "fashion_mnist_c", clothes()
    assert {path.name for path in folder.iterdir()} == {
        *(f"{kind}.npy" for kind in fashion_corruptions.TYPES),
        "labels.npy",
    }
    labels = np.load(folder / "labels.npy")
    assert labels.tolist() == 5 * clean.labels.tolist()
    snow = np.load(folder / "snow.npy")
    assert (snow.shape, snow.dtype) == ((40, 28, 28, 1), np.uint8)
    for severity in (1, 5):
        block = snow[8 * (severity - 1) : 8 * severity]
        np.testing.assert_array_equal(
            block, grey.corrupt(clean.images, "snow", severity)
        )


def test_the_suite_is_read_as_every_other(written):
    found = [*sources.corrupted("fashion_mnist", data_dir=written)]
    assert len(found) == 14 * 5
    clean = clothes().images.astype(int)
    distance = {}
    for part in found:
        assert part.examples.labels.tolist() == clothes().labels.tolist()
        change = np.abs(part.examples.images - clean).mean()
        distance.setdefault(part.type, []).append(change)
    # Every type changes the images, and its last level more than its first.
    # Elastic deformation has other constants at each level, none larger.
    for kind, (first, *_, last) in distance.items():
        assert first > 0
        assert last > first or kind == "elastic_transform", kind


def test_it_is_written_once_and_only_whole(written, tmp_path):
    with pytest.raises(InputError, match="no fashion_mnist_c yet. Received"):
        fashion_corruptions.write(clothes(), written)

    def interrupted(kind):
        if kind == fashion_corruptions.TYPES[1]:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fashion_corruptions.write(clothes(), tmp_path, interrupted)
    first, *_ = sources.corrupted("fashion_mnist", data_dir=tmp_path)
    with pytest.raises(AbsentError, match="prepare.py makes it in the folder"):
        _ = first.examples


# CRC-32 of the images above at severities 1 to 5, one after the other. A new
# value is a new suite, whose results do not compare with earlier ones.
CHECKSUMS = {
    "glass_blur": 2435258058,
    "snow": 70767522,
    "fog": 60138368,
    "elastic_transform": 1851288255,
    "pixelate": 3530485191,
}


def test_the_suite_is_the_one_that_was_stored(written):
    folder = written / "fashion_mnist_c"
    found = {
        kind: zlib.crc32(np.load(folder / f"{kind}.npy").tobytes())
        for kind in CHECKSUMS
    }
    assert found == CHECKSUMS
