"""Prepared data in every format that TFDS writes."""

import importlib.util
import json
import os

import numpy as np
import pytest

from mimo_keras.data import photographs, record_files, tfds_images
from mimo_keras.errors import InputError

FORMS = ["tfrecord", "array_record", "parquet"]
COUNT = 9


def _draw(shape):
    draw = np.random.default_rng(0)
    images = draw.integers(0, 256, (COUNT, *shape), dtype=np.uint8)
    return images, np.arange(COUNT)


@pytest.fixture(params=FORMS)
def stored(request, tmp_path, write_tfds):
    """Photographs in a format; their folder."""
    splits = {"test": _draw((40, 40, 3))}
    return write_tfds(tmp_path, "imagenet_v2", splits, form=request.param)


def load(folder, **options):
    root = folder.parents[2]
    return photographs.load(
        "imagenet_v2", "test", data_dir=root, size=16, **options
    )


def labels_of(found, batch=4):
    return np.concatenate([b[1] for b in found.evaluation_batches(batch)])


def test_photographs_are_read_in_order(stored):
    found = load(stored)
    np.testing.assert_array_equal(labels_of(found), np.arange(COUNT))
    skipping = load(stored, skip=True)
    np.testing.assert_array_equal(labels_of(skipping), np.arange(COUNT))
    assert not len(skipping.skipped)


def test_every_format_is_trained_on_in_one_order(tmp_path, write_tfds):
    """So a data set may be converted in the middle of a run."""
    splits, seen = {"test": _draw((40, 40, 3))}, []
    for form in FORMS:
        folder = write_tfds(tmp_path / form, "imagenet_v2", splits, form=form)
        crops = photographs.training_crops(load(folder), 9, seed=1, epochs=1)
        seen.append(next(iter(crops))[1].numpy().tolist())
    assert sorted(seen[0]) == list(range(COUNT)) != seen[0]
    assert seen == [seen[0]] * len(FORMS)


def test_a_file_cut_short_is_named_or_skipped(stored):
    """How much of it can still be read depends on the format."""
    (path,) = stored.glob("*-test*")
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError, match=f"{path.name}, record") as caught:
        labels_of(load(stored))
    assert "\n" not in str(caught.value) and "skip=True" in str(caught.value)
    if path.name.split(".")[-1].startswith("tfrecord"):
        assert 0 < len(labels_of(load(stored, skip=True))) < COUNT
    else:
        with pytest.raises(InputError, match="9 that cannot; the first"):
            labels_of(load(stored, skip=True))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("split", "rows"), [("train", slice(None)), ("train[2:7]", slice(2, 7))]
)
def test_sets_in_memory(tmp_path, write_tfds, form, split, rows):
    images, labels = _draw((32, 32, 3))
    write_tfds(tmp_path, "cifar10", {"train": (images, labels)}, form=form)
    found = tfds_images.load("cifar10", split, data_dir=tmp_path)
    np.testing.assert_array_equal(found.images, images[rows])
    np.testing.assert_array_equal(found.labels, labels[rows])


def test_damaged_records_of_a_set_in_memory_name_the_folder(
    tmp_path, write_tfds
):
    splits = {"train": _draw((32, 32, 3))}
    folder = write_tfds(tmp_path, "cifar10", splits, form="array_record")
    (path,) = folder.glob("*-train*")
    path.write_bytes(path.read_bytes()[:70000])
    with pytest.raises(InputError, match=f"folder={folder}"):
        tfds_images.load("cifar10", "train", data_dir=tmp_path)


@pytest.mark.parametrize("form", ["array_record", "riegeli"])
def test_a_format_without_its_package_is_named(
    tmp_path, write_tfds, monkeypatch, form
):
    folder = write_tfds(tmp_path, "imagenet_v2", {"test": _draw((40, 40, 3))})
    info = folder / "dataset_info.json"
    info.write_text(info.read_text().replace('"tfrecord"', f'"{form}"'))
    for path in folder.glob("*.tfrecord*"):
        path.rename(str(path).replace("tfrecord", form))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    wanted = f"the package {form}, which reads the format {form} of imagenet_v2"
    for read in (load, lambda folder: load(folder, skip=True)):
        with pytest.raises(InputError, match=wanted) as caught:
            read(folder)
        assert "tfds convert_format" in str(caught.value)
        assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match=wanted):
        tfds_images.load("imagenet_v2", "test", data_dir=tmp_path)


def _claim(folder, length):
    info = folder / "dataset_info.json"
    content = json.loads(info.read_text())
    content["splits"][0]["shardLengths"] = [str(length)]
    info.write_text(json.dumps(content))


@pytest.mark.parametrize("skip", [False, True])
@pytest.mark.parametrize("length", [10**5, 10**12, 2**63 - 1, -1])
def test_a_false_number_of_records_is_one_line(stored, length, skip):
    _claim(stored, length)
    with pytest.raises(InputError, match="the number of records") as caught:
        load(stored, skip=skip)
    assert f"{length} for {stored}" in str(caught.value)
    assert "\n" not in str(caught.value)
    if length > 0:
        assert "which has 9." in str(caught.value)
    if skip:
        return
    # TensorFlow would end the process if it were asked for such a batch.
    with pytest.raises(InputError, match="the number of records") as caught:
        tfds_images.load("imagenet_v2", "test", data_dir=stored.parents[2])
    assert "\n" not in str(caught.value)


def test_a_few_records_that_are_not_there_are_lost_ones(stored):
    _claim(stored, COUNT + 2)
    found = load(stored, skip=True)
    np.testing.assert_array_equal(labels_of(found), np.arange(COUNT))
    assert len(found.skipped) == 2


def test_files_elsewhere_are_not_counted():
    record_files.check_lengths("a", ["gs://b/c"], [10**6], "tfrecord")
    with pytest.raises(InputError, match="the number of records"):
        record_files.check_lengths("a", ["gs://b/c"], [10**12], "tfrecord")
    with pytest.raises(InputError, match="99999 for lost, which has 0"):
        record_files.check_lengths("a", ["lost"], [99999], "tfrecord")


def _checksum(content):
    """The masked CRC-32C of TFRecord files."""
    crc = 0xFFFFFFFF
    for byte in content:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) % 2**32


def _lie(path, row, claimed):
    """Lets a record claim more bytes, with the checksum of that claim."""
    content, start = bytearray(path.read_bytes()), 0
    for _ in range(row):
        start += 16 + int.from_bytes(content[start : start + 8], "little")
    length = bytes(content[start : start + 8])
    checksum = content[start + 8 : start + 12]
    assert _checksum(length).to_bytes(4, "little") == checksum
    lie = claimed.to_bytes(8, "little")
    content[start : start + 12] = lie + _checksum(lie).to_bytes(4, "little")
    path.write_bytes(content)


# TensorFlow would end the process if it were asked for such a record.
@pytest.mark.parametrize("claimed", [10**14, 2**64 - 1])
def test_a_record_that_claims_more_than_its_file_is_lost(
    tmp_path, write_tfds, claimed
):
    splits = {"test": _draw((40, 40, 3))}
    folder = write_tfds(tmp_path, "imagenet_v2", splits)
    (path,) = folder.glob("*-test*")
    _lie(path, 5, claimed)
    with pytest.raises(InputError, match=f"{path.name}, record 5"):
        labels_of(load(folder))
    np.testing.assert_array_equal(labels_of(load(folder, skip=True)), range(5))
    with pytest.raises(InputError, match=f"folder={folder}") as caught:
        tfds_images.load("imagenet_v2", "test", data_dir=tmp_path)
    assert f"{path.name} ends within a record" in str(caught.value)


@pytest.mark.parametrize(
    "name", ["dataset_info.json", "features.json", "-test"]
)
def test_a_pipe_or_a_device_is_one_line(tmp_path, write_tfds, name):
    folder = write_tfds(tmp_path, "imagenet_v2", {"test": _draw((40, 40, 3))})
    (path,) = folder.glob(f"*{name}*")
    path.unlink()
    os.mkfifo(path)
    for read in (
        load,
        lambda f: tfds_images.load(
            "imagenet_v2", "test", data_dir=f.parents[2]
        ),
    ):
        with pytest.raises(InputError, match=f"{path} .a pipe, not a regul"):
            read(folder)
    path.unlink()
    os.symlink("/dev/zero", path)
    with pytest.raises(InputError, match=f"{path} .a device, not a regular"):
        load(folder)
