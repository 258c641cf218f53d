"""A path with a scheme is never a local folder."""

import errno
import os
import pathlib
import pickle

import pytest

from mimo_keras.errors import InputError
from mimo_keras.paths import (
    RemotePath,
    as_path,
    files_below,
    is_remote,
    local,
)

HOME = pathlib.Path.home()
LOCAL = {
    "a/b": "a/b",
    b"a/b": "a/b",
    pathlib.Path("a/b"): "a/b",
    "": ".",
    "~/a": str(HOME / "a"),
    "./~": str(pathlib.Path("~").absolute()),
    "a/~": "a/~",
    "a:b/c": "a:b/c",
    "C:/a": "C:/a",
    "./gs:/a": str(pathlib.Path("gs:/a").absolute()),
    "file:///a/b": "/a/b",
    b"a\xff": "a\udcff",
    pathlib.Path("file:///a/b"): "/a/b",
}
REMOTE = {
    "ram://a/b": "ram://a/b",
    "ram://a/b/": "ram://a/b",
    "ram://a": "ram://a",
    "gs://bucket/a": "gs://bucket/a",
    # pathlib removes a slash.
    pathlib.Path("gs://bucket/a"): "gs://bucket/a",
}


@pytest.mark.parametrize("path", LOCAL, ids=str)
def test_local_paths(path):
    found = as_path(path)
    assert type(found) is type(pathlib.Path()) and not is_remote(found)
    assert str(found) == str(local(path, "it")) == LOCAL[path]
    assert as_path(found) == found


@pytest.mark.parametrize("path", REMOTE, ids=str)
def test_remote_paths(path):
    found = as_path(path)
    assert is_remote(found) and as_path(found) == found
    assert str(found) == os.fspath(found) == f"{found}" == REMOTE[path]
    with pytest.raises(InputError) as caught:
        local(path, "photographs", "data_dir")
    assert str(caught.value) == (
        "Expected a local path for photographs. Received: data_dir="
        f"{found}. Copy it to a local folder and name that."
    )


@pytest.mark.parametrize("path", ["s3://a/b", "s3:/a", "GS://a", "gcs://a/b"])
def test_unknown_file_systems_are_refused(path):
    scheme = path.split(":")[0]
    with pytest.raises(InputError) as caught:
        as_path(path, "output_dir")
    assert str(caught.value) == (
        "Expected a local path, or one on a file system that TensorFlow has "
        f"here (gs://, ram://). Received: output_dir={path}. Choose another "
        f"path, or install TensorFlow's plugin for {scheme}://; ./{scheme}: "
        "is a local folder of this name."
    )


@pytest.mark.parametrize(
    ("path", "words"),
    [
        (3, "Expected a path. Received: path of type int."),
        (None, "Received: path of type NoneType."),
        ("a\0b", r"none of them NUL. Received: path='a\\x00b'."),
        ("ram://a\udcff", r"none of them NUL. Received: path='ram:.*\\udcff'."),
        ("~no-such-user/a", "an existing user. Received: path=~no-such-user/a"),
        ("file://host/a", "file:/// and an absolute path"),
    ],
)
def test_what_is_no_path_is_refused(path, words):
    with pytest.raises(InputError, match=words):
        as_path(path)


def test_remote_paths_are_put_together_like_local_ones():
    path = as_path("ram://a/b")
    assert str(path / "c.npz") == "ram://a/b/c.npz"
    assert (path / "c.npz").parent == path
    assert str((path / "c.npz").with_suffix(".csv")) == "ram://a/b/c.csv"
    assert (path / "c.npz").name == "c.npz"
    assert str(path.parent.parent) == "ram://"
    assert sorted([path / "b", path / "a"]) == [path / "a", path / "b"]
    again = pickle.loads(pickle.dumps(path))
    assert again == path and hash(again) == hash(path)
    assert path.expanduser() == path.absolute() == path.resolve() == path


def _write(path, content, tmp_path):
    (tmp_path / "source").write_bytes(content)
    path.write_from(tmp_path / "source")


def test_remote_files_behave_like_local_ones(ram, tmp_path):
    assert not ram.exists() and not ram.is_dir() and not [*ram.glob("*")]
    _write(ram / "a.txt", b"old", tmp_path)
    _write(ram / "a.txt", "σ\r\n".encode(), tmp_path)
    _write(ram / "sub" / "b", b"", tmp_path)
    assert (ram / "a.txt").is_file() and not (ram / "a.txt").is_dir()
    assert ram.is_dir() and not ram.is_file()
    assert sorted(ram.iterdir()) == [ram / "a.txt", ram / "sub"]
    assert [*ram.glob("*.txt")] == [ram / "a.txt"]
    assert files_below(ram) == ["a.txt", "sub/b"]
    assert (ram / "a.txt").stat().st_size == 4
    assert (ram / "a.txt").read_bytes() == "σ\r\n".encode()
    assert (ram / "a.txt").read_text("utf-8") == "σ\r\n"
    with (ram / "a.txt").open(newline="", encoding="utf-8") as file:
        assert file.read() == "σ\r\n"
    with (ram / "a.txt").open() as file:
        assert file.read() == "σ\n"
    with pytest.raises(ValueError, match="mode='w'"):
        (ram / "a.txt").open("w")
    (ram / "sub" / "b").unlink()
    (ram / "sub" / "b").unlink(missing_ok=True)
    (ram / "sub").rmdir()
    (ram / "a.txt").replace(ram / "c")
    (ram / "new" / "er").mkdir(parents=True)
    (ram / "new" / "er").mkdir(parents=True, exist_ok=True)
    assert sorted(ram.iterdir()) == [ram / "c", ram / "new"]


def test_remote_errors_are_those_of_local_files(ram, tmp_path):
    _write(ram / "file", b"", tmp_path)
    for action, number in [
        ((ram / "none").read_bytes, errno.ENOENT),
        ((ram / "none").unlink, errno.ENOENT),
        ((ram / "none").stat, errno.ENOENT),
        (lambda: [*(ram / "none").iterdir()], errno.ENOENT),
        (ram.read_bytes, errno.EISDIR),
        (ram.rmdir, errno.ENOTEMPTY),
        (ram.mkdir, errno.EEXIST),
        (lambda: (ram / "file").mkdir(exist_ok=True), errno.EEXIST),
    ]:
        with pytest.raises(OSError) as caught:
            action()
        assert caught.value.errno == number
        assert caught.value.filename.startswith(str(ram))


def test_a_remote_file_that_cannot_be_written_keeps_its_content(
    ram, tmp_path, monkeypatch
):
    _write(ram / "file", b"old", tmp_path)

    def replace(path, target):
        raise OSError(errno.EIO, "connection lost", str(path))

    monkeypatch.setattr(RemotePath, "replace", replace)
    with pytest.raises(OSError, match="connection lost"):
        _write(ram / "file", b"new", tmp_path)
    assert [path.name for path in ram.iterdir()] == ["file"]
    assert (ram / "file").read_bytes() == b"old"


def test_a_bucket_that_cannot_be_reached_is_an_os_error(monkeypatch):
    import tensorflow as tf

    def refuse(path):
        raise tf.errors.UnauthenticatedError(None, None, "no\n  credentials")

    monkeypatch.setattr(tf.io.gfile, "exists", refuse)
    for ask in (RemotePath.exists, RemotePath.is_dir, RemotePath.is_file):
        with pytest.raises(PermissionError) as caught:
            ask(as_path("gs://bucket/a"))
        assert caught.value.strerror == "no credentials"
