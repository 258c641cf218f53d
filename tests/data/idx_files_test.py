"""MNIST's published files: read as they are, and damaged in every way."""

import gzip
import struct

import numpy as np
import pytest

from mimo_keras.data import idx_files
from mimo_keras.errors import AbsentError, InputError
from tests.published_data import write_idx_files


def test_the_form_by_hand(tmp_path):
    """Two rows of three bytes: 0x0803 would be images, 0x0802 is a table."""
    path = tmp_path / "table"
    path.write_bytes(bytes.fromhex("00000802 00000002 00000003 010203040506"))
    found = idx_files.read(path, 2)
    assert found.tolist() == [[1, 2, 3], [4, 5, 6]]
    assert found.dtype == np.uint8
    path.write_bytes(gzip.compress(path.read_bytes()))
    assert idx_files.read(path, 2).tolist() == found.tolist()


@pytest.mark.parametrize("compressed", [True, False])
def test_all_four_files(tmp_path, compressed):
    written = write_idx_files(tmp_path, compressed)
    found = idx_files.splits(tmp_path)
    assert [*found] == [*written] == ["train", "test"]
    for split, (images, labels) in written.items():
        np.testing.assert_array_equal(found[split][0][..., 0], images)
        assert found[split][0].shape[3] == 1
        np.testing.assert_array_equal(found[split][1], labels)
        assert found[split][1].dtype == np.int64


def cut(path):
    path.write_bytes(path.read_bytes()[:-1])


def with_content(content):
    return lambda path: path.write_bytes(content)


def images_of(*shape):
    head = struct.pack(">HBB3I", 0, 8, 3, *shape)
    return with_content(head + bytes(int(np.prod(shape))))


def labels_of(*values):
    return with_content(
        struct.pack(">HBBI", 0, 8, 1, len(values), *[]) + bytes(values)
    )


IMAGES, LABELS = "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"


@pytest.mark.parametrize(
    ("file", "damage", "message"),
    [
        (IMAGES, lambda path: path.unlink(), f"file {IMAGES} or {IMAGES}.gz"),
        (IMAGES, cut, r"bytes, as \(4, 28, 28\) in its header says.*3151 in"),
        (LABELS, cut, r"12 bytes, as \(4,\) in its.*Received: 11 in"),
        (LABELS, with_content(b""), "begins with 00000801. Received: nothing"),
        (IMAGES, with_content(b"\0\0\x0d\x03"), "00000803.*0d03 in"),
        (IMAGES, with_content(b"\0\0\x08\x03\0\0\0"), "16 bytes of header"),
        (IMAGES, images_of(4, 32, 32), r"28x28 pixels.*\(4, 32, 32\)"),
        (IMAGES, images_of(0, 28, 28), r"at least one image.*\(0, 28, 28\)"),
        (IMAGES, images_of(3, 28, 28), "each of the 3 images.*4 in"),
        (LABELS, labels_of(1, 2, 3, 4, 5), "each of the 4 images.*5 in"),
        (LABELS, labels_of(0, 9, 10, 1), "labels from 0 to 9.*10 at 2 in"),
        (LABELS, with_content(gzip.compress(b"a" * 99)[:20]), "too early"),
        (LABELS, with_content(b"\x1f\x8bnot gzip"), "a whole IDX file"),
        (LABELS, lambda path: path.unlink() or path.mkdir(), "a folder"),
    ],
)
def test_a_damaged_file_is_named_in_one_line(tmp_path, file, damage, message):
    write_idx_files(tmp_path, compressed=False)
    damage(tmp_path / file)
    with pytest.raises(InputError, match=message) as caught:
        idx_files.splits(tmp_path)
    assert "\n" not in str(caught.value)
    assert file in str(caught.value)


def test_an_empty_folder_is_named(tmp_path):
    with pytest.raises(AbsentError, match=f"none in {tmp_path}"):
        idx_files.splits(tmp_path)
