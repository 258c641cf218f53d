"""Files that wait, never end, lead elsewhere or claim too much."""

import io
import json
import os
import zipfile

import h5py
import numpy as np
import pytest

import mimo_keras
from mimo_keras import untrusted
from mimo_keras.untrusted import ReadError
from tests import hostile


def test_a_regular_file_and_a_link_to_one_are_read(tmp_path):
    path, link = tmp_path / "a", tmp_path / "link"
    path.write_bytes(b"abc")
    link.symlink_to(path)
    assert untrusted.regular(path) == path
    assert untrusted.regular(str(link), most=3) == str(link)
    with pytest.raises(ReadError, match="3 bytes, more than 2"):
        untrusted.regular(path, most=2)


def test_what_is_no_regular_file_is_named(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "device").symlink_to("/dev/zero")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    wanted = {
        "pipe": "a pipe, not a regular file",
        "device": "a device, not a regular file",
        ".": "a folder, not a regular file",
        "loop": "symbolic links",
        "a\0b": "null",
    }
    for name, said in wanted.items():
        with pytest.raises(ReadError, match=said):
            untrusted.regular(f"{tmp_path}/{name}")
    with pytest.raises(FileNotFoundError):
        untrusted.regular(tmp_path / "absent")


def test_other_file_systems_have_regular_files_only():
    assert untrusted.regular("gs://bucket/a") == "gs://bucket/a"


@pytest.mark.parametrize("name", ["a", "a/b.png", "a/./..b", "é" * 127])
def test_names_inside(name):
    assert untrusted.inside(name)


@pytest.mark.parametrize(
    "name",
    [
        *("", ".", "..", "../a", "a/../b", "/a", "//a", "a/.."),
        *("a\0b", "\ud800", "é" * 128),
    ],
)
def test_names_that_lead_elsewhere_or_nowhere(name):
    assert not untrusted.inside(name)


def test_numbers_of_frames():
    assert untrusted.number("000442") == 442
    assert untrusted.number("9" * 18) == 10**18 - 1
    for digits in ("9" * 200, "9" * 5000, "", "-1", "1e3", "²"):
        assert untrusted.number(digits) is None


def bomb(path, names=("a.npy",), size=2 * untrusted.LEAST):
    """Writes an archive of few bytes that claims to hold many."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, b"\0" * 1000)
    content = path.read_bytes()
    # The size stands in the entry's header and in the directory at the end.
    claim = size.to_bytes(4, "little")
    path.write_bytes(content.replace((1000).to_bytes(4, "little"), claim))
    return path


def test_an_archive_that_unpacks_to_far_more_is_refused(tmp_path):
    path = bomb(tmp_path / "a.npz")
    with (
        open(path, "rb") as file,
        pytest.raises(ReadError, match="it unpacks to 2147483648 bytes, and "),
    ):
        untrusted.unpackable(file)
    fewer = bomb(tmp_path / "b.npz", "abc", untrusted.LEAST // 2)
    with (
        open(fewer, "rb") as file,
        pytest.raises(ReadError, match="it unpacks to 1610612736"),
    ):
        untrusted.unpackable(file)
    np.savez_compressed(tmp_path / "c.npz", np.zeros(10**6))
    with open(tmp_path / "c.npz", "rb") as file:
        assert len(np.load(untrusted.unpackable(file))["arr_0"]) == 10**6


def keras_file(path, fill, name="model.weights.h5"):
    """Writes a .keras file whose weights are whatever `fill` makes them."""
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        fill(file.create_group("layers/dense/vars"))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(name, content.getvalue())
    return path


def _claim(group):
    group.create_dataset("0", (25 * 10**9,), "float32", chunks=True)


def _claim_in_parts(group):
    for index in range(40):
        group.create_dataset(str(index), (10**7,), "float32", chunks=True)


def _elsewhere(group):
    group.create_dataset(
        "0", (3,), "float32", external=[("/etc/hostname", 0, 12)]
    )


def _link(group):
    group["0"] = h5py.ExternalLink("other.h5", "/0")


def _soft_link(group):
    group["0"] = h5py.SoftLink("/layers")


@pytest.mark.parametrize(
    ("fill", "said"),
    [
        (_claim, "model.weights.h5 claims 100000000000 bytes, and the file"),
        (_claim_in_parts, "claims 1600000000 bytes"),
        (_elsewhere, "0 takes its weights elsewhere"),
        (_link, "0 is a link"),
        (_soft_link, "0 is a link"),
    ],
)
def test_weights_that_are_not_in_the_file_are_refused(tmp_path, fill, said):
    path = keras_file(tmp_path / "a.keras", fill)
    with pytest.raises(ReadError, match=said):
        untrusted.keras_archive(path)


def _grown(path, units):
    """Changes the first dense layer of a .keras file, but not its weights."""
    with hostile.parts_of(path) as parts:
        config = json.loads(parts["config.json"])
        layers = config["config"]["network"]["config"]["layers"]
        dense = next(one for one in layers if one["class_name"] == "Dense")
        dense["config"]["units"] = units
        parts["config.json"] = json.dumps(config).encode()


@pytest.mark.parametrize("units", [10**9, 10**12])
def test_a_network_that_its_weights_are_too_few_for_is_refused(tmp_path, units):
    """It would be built, on gigabytes of memory, before they are loaded."""
    path = tmp_path / "a.keras"
    mimo_keras.create_model(
        "deterministic", backbone="mlp_4", input_shape=(3,), num_classes=3
    ).save(path)
    assert untrusted.keras_archive(path) == path
    _grown(path, units)
    # 3 inputs, a bias, and a batch norm of 4 vectors or a head, each float32.
    with pytest.raises(ReadError, match="its network takes [0-9]{11,} bytes"):
        untrusted.keras_archive(path)


def test_weights_that_are_in_the_file_are_not(tmp_path):
    def fill(group):
        group["0"] = np.ones((300, 1000), np.float32)
        group["empty"] = np.zeros((0, 3), np.float32)
        group["scalar"] = 7
        group["kind"] = np.dtype("float32")  # Neither group nor array.
        group["again"] = group  # A cycle of hard links.

    path = keras_file(tmp_path / "a.keras", fill)
    assert untrusted.keras_archive(path) == path
    with pytest.raises(ReadError, match=r"model.weights.npz, which Keras"):
        untrusted.keras_archive(
            keras_file(tmp_path / "b.keras", fill, "model.weights.npz")
        )
