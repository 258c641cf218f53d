"""Folders are replaced whole, and only what is ours is replaced or removed."""

import errno
import os
import pathlib

import pytest

from mimo_keras import folders
from mimo_keras.errors import InputError
from mimo_keras.files import WriteError, replacing
from mimo_keras.folders import (
    remove_unfinished,
    replacing_folder,
    unfinished,
)
from mimo_keras.paths import RemotePath, files_below


class _Crash(BaseException):
    """Not an Exception: like an interrupt, code must not swallow it."""


def _tree(folder):
    return {name: (folder / name).read_bytes() for name in files_below(folder)}


def _ours(path):
    return True


def _fill(path, names):
    for name in names:
        file = path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name)


@pytest.mark.parametrize("old", [(), ("a", "sub/b")])
def test_a_folder_is_replaced_whole(tmp_path, old):
    path = tmp_path / "made" / "folder"
    _fill(path, old)
    with replacing_folder(path, _ours) as temporary:
        assert temporary.endswith("/folder")
        _fill(pathlib.Path(temporary), ["c"])
        assert _tree(path) == {name: name.encode() for name in old}
    assert _tree(tmp_path) == {"made/folder/c": b"c"}
    assert [p.name for p in (tmp_path / "made").iterdir()] == ["folder"]


def test_a_file_can_take_a_folders_place(tmp_path):
    _fill(tmp_path / "it", ["a"])
    with replacing_folder(tmp_path / "it", _ours) as temporary:
        pathlib.Path(temporary).write_text("file")
    assert _tree(tmp_path) == {"it": b"file"}


@pytest.mark.parametrize("error", [OSError, _Crash])
def test_a_crash_leaves_the_old_folder(tmp_path, error):
    _fill(tmp_path / "it", ["a"])
    with (
        pytest.raises(error),
        replacing_folder(tmp_path / "it", _ours) as temporary,
    ):
        _fill(pathlib.Path(temporary), ["half"])
        raise error
    assert _tree(tmp_path) == {"it/a": b"a"}
    assert [p.name for p in tmp_path.iterdir()] == ["it"]


def test_what_is_not_ours_is_refused_and_stays(tmp_path):
    path = tmp_path / "it"
    _fill(path, ["sub/b", "a", "c", "d", "e"])
    before = _tree(tmp_path)
    seen = []
    with (
        pytest.raises(InputError) as caught,
        replacing_folder(path, seen.append),
    ):
        raise AssertionError("it was opened")
    assert seen == [path]
    assert str(caught.value) == (
        "Expected a free path, or an earlier export of this library alone. "
        f"Received: path={path}, which holds a, c, d and 2 more files. Nothing "
        "was changed: choose another path, or move it away."
    )
    with pytest.raises(InputError, match="which holds a. Nothing"):
        replacing_folder(path / "a", seen.append).__enter__()
    assert _tree(tmp_path) == before


def test_what_is_put_there_meanwhile_stays(tmp_path):
    path = tmp_path / "it"
    with (
        pytest.raises(InputError, match="which holds a. Nothing"),
        replacing_folder(path, lambda path: False) as temporary,
    ):
        _fill(pathlib.Path(temporary), ["b"])
        _fill(path, ["a"])
    assert _tree(tmp_path) == {"it/a": b"a"}


def test_an_empty_folder_is_free(tmp_path):
    (tmp_path / "it").mkdir()
    with replacing_folder(tmp_path / "it", lambda path: False) as temporary:
        _fill(pathlib.Path(temporary), ["a"])
    assert _tree(tmp_path) == {"it/a": b"a"}


@pytest.mark.parametrize("old", [(), ("a",)])
def test_a_folder_that_cannot_get_its_name_leaves_the_old_one(
    tmp_path, monkeypatch, old
):
    path, rename = tmp_path / "it", os.rename
    _fill(path, old)
    monkeypatch.setattr(folders, "_exchange", lambda one, other: False)

    def refusing(source, target):
        if pathlib.Path(source).name == "it" and target == path:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        rename(source, target)

    monkeypatch.setattr(os, "rename", refusing)
    with (
        pytest.raises(WriteError, match="No space left"),
        replacing_folder(path, _ours) as temporary,
    ):
        _fill(pathlib.Path(temporary), ["b"])
    assert _tree(tmp_path) == {f"it/{name}": b"a" for name in old}


def test_a_replaced_folder_is_never_without_its_name(tmp_path, monkeypatch):
    """Where the file system can exchange two names, as most of Linux can."""
    _fill(tmp_path, ["one/a", "other/b"])
    able = folders._exchange(tmp_path / "one", tmp_path / "other")
    names = ["one/b", "other/a"] if able else ["one/a", "other/b"]
    assert [*_tree(tmp_path)] == names
    assert not folders._exchange(tmp_path / "one", tmp_path / "none")

    if able:
        monkeypatch.delattr(os, "rename")
    with replacing_folder(tmp_path / "one", _ours) as temporary:
        _fill(pathlib.Path(temporary), ["c"])
    assert [*_tree(tmp_path / "one")] == ["c"]


def test_without_that_call_names_are_not_exchanged(tmp_path, monkeypatch):
    for name in ("one", "other"):
        (tmp_path / name).write_text(name)
    with monkeypatch.context() as old:
        old.setattr(folders.ctypes, "CDLL", lambda name: object())
        assert not folders._exchange(tmp_path / "one", tmp_path / "other")
    monkeypatch.setattr(folders.sys, "platform", "darwin")
    assert not folders._exchange(tmp_path / "one", tmp_path / "other")
    assert (tmp_path / "one").read_text() == "one"


def test_a_remote_folder_is_replaced_and_unloadable_until_complete(ram):
    """Its last file goes first and comes last; all others are between."""
    path, seen = ram / "it", []
    for content in ("ab", "cb"):
        with replacing_folder(path, _ours) as temporary:
            _fill(pathlib.Path(temporary), content)
    assert _tree(ram) == {"it/b": b"b", "it/c": b"c"}
    write, unlink = RemotePath.write_from, RemotePath.unlink
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            RemotePath,
            "write_from",
            lambda path, source: (write(path, source), seen.append(_tree(ram))),
        )
        patch.setattr(
            RemotePath,
            "unlink",
            lambda path, **_: (unlink(path), seen.append(_tree(ram))),
        )
        with replacing_folder(path, _ours) as temporary:
            _fill(pathlib.Path(temporary), "bd")
    found = [[*tree] for tree in seen]
    assert found == [["it/b"], [], ["it/b"], ["it/b", "it/d"]]


FOREIGN = (
    ".notes.tmp",
    ".results.json.tmp",
    ".results.json.copy.tmp",
    ".thesis.tex.k2jd8a_x.tmp",
    "flags.json.k2jd8a_x.mimo_keras.tmp",
    ".folder.tmp/a",
)
OURS = (
    ".anything.k2jd8a_x.mimo_keras.tmp",
    ".saved_model.k2jd8a_x.mimo_keras.tmp/saved_model/a",
    # Of earlier versions.
    ".results.json.k2jd8a_x.tmp",
    ".epoch_000001_step_000002.npz.k2jd8a_x.tmp",
    ".saved_model.k2jd8a_x.tmp/saved_model/a",
)


def test_only_what_we_left_unfinished_is_removed(tmp_path):
    _fill(tmp_path, FOREIGN + OURS)
    remove_unfinished(tmp_path)
    assert [*_tree(tmp_path)] == sorted(FOREIGN)
    assert unfinished(".a.b.k2jd8a_x.mimo_keras.tmp") == "a.b"
    remove_unfinished(tmp_path / "none")


def test_the_names_of_temporary_files_are_recognized(tmp_path):
    names = []
    for way in (replacing, lambda path: replacing_folder(path, _ours)):
        with pytest.raises(_Crash), way(tmp_path / "file.b"):
            names += [path.name for path in tmp_path.iterdir()]
            raise _Crash
    assert [unfinished(name) for name in names] == ["file.b", "file.b"]


@pytest.mark.parametrize("done", [False, True])
def test_a_kill_between_two_renames_loses_no_export(tmp_path, done):
    left = ".it.k2jd8a_x.mimo_keras.tmp"
    _fill(tmp_path, [f"{left}/before/a", *([] if done else [f"{left}/it/b"])])
    if done:
        _fill(tmp_path / "it", ["b"])
    remove_unfinished(tmp_path)
    assert [*_tree(tmp_path)] == ["it/b"]


@pytest.mark.parametrize("there", [True, False])
def test_links_stay_and_what_they_point_to_is_replaced(tmp_path, there):
    folder = tmp_path / "elsewhere" / "v1"
    if there:
        _fill(folder, ["a"])
    (tmp_path / "latest").symlink_to(folder)
    with replacing_folder(tmp_path / "latest", _ours) as temporary:
        _fill(pathlib.Path(temporary), ["b"])
    assert (tmp_path / "latest").is_symlink()
    assert _tree(folder) == {"b": b"b"}
    (tmp_path / "link").symlink_to(folder / ("b" if there else "c"))
    with replacing(tmp_path / "link") as file:
        file.write("new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "link").read_text() == "new"
    names = ["b"] if there else ["b", "c"]
    assert sorted(path.name for path in folder.iterdir()) == names
