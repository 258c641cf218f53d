"""Files get their names only when complete."""

import errno
import io
import json
import os
import stat
import zipfile

import numpy as np
import pytest

from mimo_keras import files
from mimo_keras.errors import InputError
from mimo_keras.files import (
    ReadError,
    WriteError,
    pop_record,
    read_array,
    read_arrays,
    read_json,
    replacing,
    write_arrays,
    write_json,
    writing,
)
from mimo_keras.folders import replacing_folder
from mimo_keras.paths import files_below


class _Crash(BaseException):
    """Not an Exception: like an interrupt, code must not swallow it."""


def _tree(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize(
    ("mode", "content"), [("w", "Σ w² = 1\n"), ("wb", b"\x00\xff\n")]
)
def test_content_stands_under_the_name_afterwards(tmp_path, mode, content):
    path = tmp_path / "new" / "folder" / "file"
    with replacing(path, mode) as file:
        file.write(content)
        assert not path.exists()
    bytes_ = content if mode == "wb" else content.encode()
    assert _tree(tmp_path) == {"new/folder/file": bytes_}
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_the_old_content_is_there_until_the_new_is_whole(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")
    with replacing(path) as file:
        file.write("new")
        file.flush()
        assert path.read_text() == "old"
    assert _tree(tmp_path) == {"file": b"new"}


@pytest.mark.parametrize("error", [OSError, _Crash])
@pytest.mark.parametrize("before", [{}, {"file": b"old"}])
def test_a_crash_leaves_everything_as_it_was(tmp_path, error, before):
    for name, content in before.items():
        (tmp_path / name).write_bytes(content)
    with pytest.raises(error), replacing(tmp_path / "file") as file:
        file.write("half")
        raise error
    assert _tree(tmp_path) == before


def test_what_is_being_written_has_a_hidden_name(tmp_path):
    """So no glob for finished files matches it after a kill."""
    with replacing(tmp_path / "epoch_000001.npz", "wb"):
        [temporary] = tmp_path.iterdir()
        assert temporary.name.startswith(".epoch_000001.npz.")
        assert temporary.name.endswith(".mimo_keras.tmp")


def test_json_is_indented_sorted_and_whole(tmp_path):
    path = tmp_path / "results.json"
    write_json(path, {"b": [1, None], "a": 0.5})
    text = '{\n  "a": 0.5,\n  "b": [\n    1,\n    null\n  ]\n}\n'
    assert path.read_text() == text
    with pytest.raises(TypeError):
        write_json(path, {"a": object()})
    assert json.loads(path.read_text()) == {"a": 0.5, "b": [1, None]}
    assert len(list(tmp_path.iterdir())) == 1


def test_json_comes_back(tmp_path):
    write_json(tmp_path / "a.json", {"σ": [1, None]})
    assert read_json(str(tmp_path / "a.json")) == {"σ": [1, None]}


ARRAYS = {"a": np.arange(6).reshape(2, 3), "b": np.array(0.1, "float16")}


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("record", [None, {"epoch": 3, "rows": [0.1, None]}])
def test_arrays_and_their_record_come_back(tmp_path, compressed, record):
    path = tmp_path / "new" / "a.npz"
    write_arrays(path, ARRAYS, record=record, compressed=compressed)
    found = read_arrays(path)
    if record is None:
        with pytest.raises(ReadError, match="no record"):
            pop_record(found)
    else:
        assert pop_record(found) == record
    assert list(found) == list(ARRAYS)
    for name, array in ARRAYS.items():
        assert found[name].dtype == array.dtype
        np.testing.assert_array_equal(found[name], array)


def test_arrays_are_written_whole_or_not_at_all(tmp_path):
    write_arrays(tmp_path / "a.npz", ARRAYS)
    before = _tree(tmp_path)
    with pytest.raises(TypeError):
        write_arrays(tmp_path / "a.npz", {}, record=object())
    assert _tree(tmp_path) == before


def test_a_single_array_is_mapped_not_read(tmp_path):
    np.save(tmp_path / "a.npy", ARRAYS["a"])
    found = read_array(tmp_path / "a.npy")
    assert isinstance(found, np.memmap)
    np.testing.assert_array_equal(found, ARRAYS["a"])


READERS = pytest.mark.parametrize("read", [read_json, read_arrays, read_array])


@READERS
def test_what_is_not_there_is_told_apart_from_what_is_damaged(tmp_path, read):
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "none")


def _pickles(path):
    np.savez(path, hostile=np.array([{}], object))


def _pickled(path):
    np.save(path, np.array([{}], object))


@READERS
@pytest.mark.parametrize(
    "damage",
    [
        lambda file: None,
        lambda file: file.write(b"\xff[1"),
        lambda file: file.write(b"[1, 2]"),
        lambda file: file.write(b"[" * 100000),
        _pickles,
        _pickled,
    ],
)
def test_what_is_damaged_is_refused(tmp_path, read, damage):
    with (tmp_path / "a").open("wb") as file:
        damage(file)
    with pytest.raises(ReadError):
        read(tmp_path / "a")


def test_an_archive_and_a_single_array_are_not_the_same(tmp_path):
    write_arrays(tmp_path / "a.npz", ARRAYS)
    with pytest.raises(ReadError, match="an archive"):
        read_array(tmp_path / "a.npz")
    np.save(tmp_path / "a.npy", ARRAYS["a"])
    with pytest.raises(ReadError):
        read_arrays(tmp_path / "a.npy")


MESSAGE = (
    "Expected free disk space and permission to write. Received: {} ({}). Fix "
    "this and run the same command again: files already written are kept."
)


def _replacing_folder(path):
    return replacing_folder(path, lambda path: True)


@pytest.mark.parametrize("way", [replacing, _replacing_folder])
def test_a_full_disk_is_reported_and_the_old_content_is_there(tmp_path, way):
    (tmp_path / "file").write_text("old")
    with (
        pytest.raises(WriteError) as caught,
        way(tmp_path / "file"),
        open("/dev/full", "w") as full,
    ):
        full.write("new")
    reason = os.strerror(errno.ENOSPC)
    assert caught.value.errno == errno.ENOSPC
    assert str(caught.value) == MESSAGE.format(tmp_path / "file", reason)
    assert _tree(tmp_path) == {"file": b"old"}


def test_a_name_that_cannot_be_made_is_reported(tmp_path):
    (tmp_path / "file").touch()
    below = tmp_path / "file" / "below"
    for way in (replacing, _replacing_folder):
        with pytest.raises(WriteError, match="below .File exists."):
            way(below).__enter__()


class _Foreign(Exception):
    """Like TensorFlow's errors, which are not OSErrors."""


def test_others_errors_are_reported_if_it_is_the_disk():
    with pytest.raises(WriteError) as caught, writing("events"):
        raise _Foreign("a/b.v2; No space left on device [Op:Flush]")
    reason = os.strerror(errno.ENOSPC)
    assert str(caught.value) == MESSAGE.format("events", reason)
    with pytest.raises(_Foreign), writing("events"):
        raise _Foreign("shapes differ")
    # The message names the innermost file.
    with (
        pytest.raises(WriteError, match="inner"),
        writing("outer"),
        writing("inner"),
    ):
        raise OSError(errno.EIO, "Input/output error")


READERS = {"a.npy": read_array, "a.npz": read_arrays, "a.json": read_json}


@pytest.mark.parametrize("name", READERS)
def test_pipes_and_devices_are_refused_not_read(tmp_path, name):
    path = tmp_path / name
    os.mkfifo(path)
    with pytest.raises(ReadError, match="a pipe, not a regular file"):
        READERS[name](path)
    path.unlink()
    path.symlink_to("/dev/zero")
    with pytest.raises(ReadError, match="a device, not a regular file"):
        READERS[name](str(path))


def test_an_array_that_claims_more_than_there_is_memory_for(tmp_path):
    content = io.BytesIO()
    claim = {"descr": "<f4", "fortran_order": False, "shape": (10**14,)}
    np.lib.format.write_array_header_1_0(content, claim)
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("a.npy", content.getvalue())
    with pytest.raises(ReadError, match="nable to allocate"):
        read_arrays(tmp_path / "a.npz")
    (tmp_path / "a.npy").write_bytes(content.getvalue())
    with pytest.raises(ReadError):
        read_array(tmp_path / "a.npy")


def test_any_damage_to_a_compressed_archive_is_a_read_error(tmp_path):
    """Not only wrong checksums: zlib has its own error, ciphers another."""
    path = tmp_path / "a.npz"
    write_arrays(path, {"a": np.arange(40)}, compressed=True)
    whole, refused = path.read_bytes(), 0
    for index in range(len(whole)):
        path.write_bytes(
            whole[:index] + bytes([whole[index] ^ 255]) + whole[index + 1 :]
        )
        try:
            read_arrays(path)
        except ReadError:
            refused += 1
    assert refused > len(whole) / 3


def test_a_text_beyond_all_measure_is_refused(tmp_path):
    with open(tmp_path / "a.json", "wb") as file:
        file.truncate(10**12)
    with pytest.raises(ReadError, match="1000000000000 bytes, more than"):
        read_json(tmp_path / "a.json")


def test_no_flipped_bit_of_an_archive_goes_unnoticed(tmp_path):
    """Nor any missing or additional byte at the end."""
    path = tmp_path / "a.npz"
    write_arrays(path, {"a": np.arange(3, dtype="uint8")}, record=[1])
    content = path.read_bytes()
    damaged = [
        content[:place]
        + bytes([content[place] ^ 1 << bit])
        + content[place + 1 :]
        for place in range(len(content))
        for bit in range(8)
    ]
    damaged += [content[:size] for size in range(len(content))]
    damaged += [content + b"\0", b"\0" + content]
    for one in damaged:
        with pytest.raises(ReadError):
            files._check_digest(io.BytesIO(one))
    for one in damaged[::97]:
        path.write_bytes(one)
        with pytest.raises(ReadError):
            read_arrays(path)
    path.write_bytes(content)
    assert read_arrays(path)["a"].tolist() == [0, 1, 2]


def test_archives_of_other_programs_are_read(tmp_path):
    """They have no digest, like those of older versions."""
    np.savez(tmp_path / "a.npz", **ARRAYS)
    assert [*read_arrays(tmp_path / "a.npz")] == [*ARRAYS]
    write_arrays(tmp_path / "b.npz", ARRAYS)
    with np.load(tmp_path / "b.npz") as stored:
        assert stored.files == [*ARRAYS]


def test_files_on_another_file_system(ram):
    write_json(f"{ram}/new/a.json", {"a": 1})
    assert read_json(f"{ram}/new/a.json") == {"a": 1}
    write_arrays(ram / "a.npz", ARRAYS, record={"epoch": 3})
    write_arrays(ram / "a.npz", ARRAYS, record={"epoch": 4})
    found = read_arrays(ram / "a.npz")
    assert pop_record(found) == {"epoch": 4} and [*found] == [*ARRAYS]
    with replacing(ram / "a.npy", "wb") as file:
        np.save(file, ARRAYS["a"])
    np.testing.assert_array_equal(read_array(f"{ram}/a.npy"), ARRAYS["a"])
    for read in (read_json, read_arrays, read_array):
        with pytest.raises(FileNotFoundError):
            read(ram / "none")
        with pytest.raises(ReadError):
            read(ram / "new")
    before = files_below(ram)
    with pytest.raises(_Crash), replacing(ram / "a.npz", "wb") as file:
        file.write(b"half")
        raise _Crash
    assert files_below(ram) == before == ["a.npy", "a.npz", "new/a.json"]
    assert [*read_arrays(ram / "a.npz")] == [*ARRAYS, "record"]


def test_unknown_file_systems_are_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    actions = [read_json, read_array, read_arrays]
    actions += [
        lambda path: write_json(path, {}),
        lambda path: write_arrays(path, {}),
        lambda path: _replacing_folder(path).__enter__(),
        lambda path: replacing(path).__enter__(),
    ]
    for action in actions:
        with pytest.raises(InputError, match="Received: path=s3://a/b."):
            action("s3://a/b")
    assert not [*tmp_path.iterdir()]


def test_an_unreachable_bucket_is_reported_in_one_line(ram, monkeypatch):
    import tensorflow as tf

    def refuse(path):
        raise tf.errors.UnauthenticatedError(None, None, "no\n  credentials")

    for name in ("exists", "isdir", "stat"):
        monkeypatch.setattr(tf.io.gfile, name, refuse)
    for action in (
        lambda: write_json(ram / "a.json", {}),
        lambda: _replacing_folder(ram / "a").__enter__(),
    ):
        with pytest.raises(WriteError, match=r"a(.json)? .no credentials.\."):
            action()
    # The file may be good: it is not called damaged.
    with pytest.raises(PermissionError, match="no credentials"):
        read_arrays(ram / "a.npz")
    with (
        pytest.raises(WriteError, match="events .no credentials"),
        writing(ram / "events"),
    ):
        refuse("events")


def test_what_is_no_regular_file_stays(tmp_path):
    """Such as a device: /dev/null must not become a file."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(WriteError, match="pipe .Invalid argument"):
        replacing(pipe).__enter__()
    assert stat.S_ISFIFO(pipe.stat().st_mode)
